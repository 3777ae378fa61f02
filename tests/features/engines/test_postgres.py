from __future__ import annotations

from collections.abc import Iterator

import pytest

from noria.features.engines.model import Engine
from noria.features.engines.postgres import PostgresEngine
from noria.testing.engine_suite import EngineContract
from noria.testing.postgres import PostgresServer


class TestPostgres(EngineContract):
    @pytest.fixture
    def engine(self, postgres: PostgresServer) -> Iterator[Engine]:
        engine = PostgresEngine(postgres.url)
        yield engine
        engine.close()
