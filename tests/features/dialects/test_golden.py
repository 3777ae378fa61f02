"""What is written for each engine, kept as text: a change of it is a change that somebody looks at.

BigQuery's and Snowflake's are parsed and never run: well-formed is all that is known of them.
`python tests/features/dialects/test_golden.py` writes the files anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot

from noria.core.errors import NotFound
from noria.features.dialects import DIALECTS, dialect_of
from noria.features.engines.model import Lookup
from noria.features.engines.operations import features_sql
from noria.testing.engine_histories import FULL

GOLDEN = Path(__file__).parent / "golden"
PARSERS = {"postgresql": "postgres"}


def written(dialect: str) -> str:
    return features_sql(Lookup(FULL, ("sensor", "room")), dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_text_is_the_one_that_was_looked_at(dialect: str) -> None:
    assert written(dialect) == (GOLDEN / f"{dialect}.sql").read_text(encoding="utf-8")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_text_is_well_formed(dialect: str) -> None:
    (parsed,) = sqlglot.parse(written(dialect), read=PARSERS.get(dialect, dialect))
    assert parsed is not None
    names = [one.alias_or_name for one in parsed.selects]
    shown = "Sensor__rows_1h" if dialect == "bigquery" else "Sensor.rows_1h"
    assert names[:4] == ["sensor", "room", "asked_at", shown]
    assert len(names) == 3 + len(FULL.features)


def test_what_was_never_run_says_so() -> None:
    assert {name for name, dialect in DIALECTS.items() if not dialect.checked} == {"bigquery", "snowflake"}
    with pytest.raises(NotFound, match="bigquery, duckdb, postgresql, snowflake, spark"):
        dialect_of("oracle")


if __name__ == "__main__":
    for name in DIALECTS:
        (GOLDEN / f"{name}.sql").write_text(written(name), encoding="utf-8")
