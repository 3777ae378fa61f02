from __future__ import annotations

from collections.abc import Iterator

import pytest

from noria.features.engines.duckdb import DuckDbEngine
from noria.features.engines.model import Engine
from noria.testing.engine_suite import EngineContract


class TestDuckDb(EngineContract):
    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        engine = DuckDbEngine()
        yield engine
        engine.close()
