from __future__ import annotations

from collections.abc import Iterator

import pytest

from noria.features.engines.model import Engine
from noria.features.engines.spark import SparkEngine
from noria.testing.engine_suite import EngineContract


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkEngine]:
    engine = SparkEngine()
    yield engine
    engine.close()


class TestSpark(EngineContract):
    @pytest.fixture
    def engine(self, spark: SparkEngine) -> Engine:
        return spark
