"""A table, what is expected of it, and what came of that: `checked({"a": [1, 2]}, expect("column_to_exist", column="a"))`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from noria.core.clock import SystemClock
from noria.data.suites.model import Expectation, Report, Severity, Suite
from noria.data.suites.run import Options, check
from noria.data.suites.table import Table
from noria.testing import rivals


def expected(kind: str, severity: str = "critical", **kwargs: Any) -> Expectation:
    return Expectation(kind if kind.startswith("unexpected") else f"expect_{kind}", kwargs, Severity(severity))


@pytest.fixture
def expect() -> Callable[..., Expectation]:
    return expected


def table_of(data: Any) -> Table:
    if isinstance(data, Table):
        return data
    return Table("table", data=pa.table(dict(data)) if isinstance(data, Mapping) else data)


@pytest.fixture
def checked() -> Callable[..., Report]:
    def run(data: Any, *expectations: Expectation, parameters: Any = None, **options: Any) -> Report:
        suite = Suite("suite", expectations, parameters=parameters or {})
        return check(suite, table_of(data), SystemClock(), Options(**options))

    return run


@pytest.fixture
def outcome(checked: Callable[..., Report]) -> Callable[..., Any]:
    """The outcome of a single expectation of a table: `outcome({"a": [1]}, "column_to_exist", column="a")`."""

    def run(data: Any, kind: str, **kwargs: Any) -> Any:
        return checked(data, expected(kind, **kwargs)).outcomes[0]

    return run


SCRIPT = Path(__file__).parent / "with_gx.py"


@pytest.fixture(scope="session")
def with_gx() -> Callable[..., str]:
    """Run the script beside these tests with the real Great Expectations."""

    def run(*arguments: object) -> str:
        command = [str(rivals.python("gx")), str(SCRIPT), *map(str, arguments)]
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment = {**kept, "GX_ANALYTICS_ENABLED": "false"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run
