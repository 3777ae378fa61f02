from __future__ import annotations

from collections.abc import Iterator

import pytest

from noria.features.engines.model import Engine
from noria.features.engines.spark import SparkEngine
from noria.testing.engine_suite import EngineContract

QUICK = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.showConsoleProgress": "false",
}
"""A session that lives for a minute is better off with a simple compiler."""


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkEngine]:
    engine = SparkEngine(settings=QUICK)
    yield engine
    engine.close()


class TestSpark(EngineContract):
    every, worlds = 3, 4
    moments = (
        "TIMESTAMP '1970-01-01 01:29:59.5+01:30'",
        "TIMESTAMP_NTZ '1969-12-31 23:59:59.5'",
        "DATE '1969-12-31'",
    )

    @pytest.fixture
    def engine(self, spark: SparkEngine) -> Engine:
        return spark
