"""Engines that are not there, are away, or do not take what they are given: each says what to do."""

from __future__ import annotations

import builtins
from typing import Any

import pyarrow as pa
import pytest

from noria.core.errors import NotFound
from noria.features.engines import spark as spark_engine
from noria.features.engines.model import BadLookup, EngineAway, EngineMissing, EngineRefused, Lookup, Statement
from noria.features.engines.operations import join_features, open_engine, read_features
from noria.features.engines.postgres import PostgresEngine
from noria.testing.engine_histories import PLAIN, READING, REQUEST, table
from noria.testing.engine_suite import of
from noria.testing.postgres import PostgresServer


def test_an_engine_by_its_name(postgres: PostgresServer) -> None:
    for engine in (open_engine("duckdb"), open_engine("postgresql", url=postgres.url)):
        (batch,) = [batch for batch in engine.read(Statement("SELECT 1 AS one")) if batch.num_rows]
        assert batch.to_pydict() == {"one": [1]}
        engine.close()
    with pytest.raises(NotFound, match="duckdb, postgresql, spark"):
        open_engine("postgres")
    with pytest.raises(BadLookup, match="no address"):
        open_engine("postgresql")


def test_a_server_that_is_away_and_an_address_that_is_none() -> None:
    with pytest.raises(EngineAway, match="ask again when it is back"):
        open_engine("postgresql", url="postgresql://noria@127.0.0.1:1/nowhere")
    with pytest.raises(EngineRefused, match="write postgresql://"):
        open_engine("postgresql", url="mysql://noria@127.0.0.1/nowhere")


def test_a_server_that_goes_away_in_between(postgres: PostgresServer) -> None:
    engine, other = PostgresEngine(postgres.url), PostgresEngine(postgres.url)
    find = Statement("SELECT pg_backend_pid() AS pid")
    pid = next(batch["pid"][0].as_py() for batch in engine.read(find) if batch.num_rows)
    list(other.read(Statement(f"SELECT pg_terminate_backend({pid}) AS gone")))
    with pytest.raises(EngineAway):
        list(engine.read(find))
    engine.close()
    other.close()


def test_no_java_is_said_with_the_package_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EngineMissing, match="openjdk-17-jre-headless"):
        spark_engine.SparkEngine()


@pytest.mark.parametrize(("module", "name"), [("pyspark", "spark"), ("psycopg", "postgresql")])
def test_a_driver_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, module: str, name: str) -> None:
    there = builtins.__import__

    def gone(wanted: str, *more: Any, **named: Any) -> Any:
        if wanted.split(".")[0] == module:
            raise ImportError(wanted)
        return there(wanted, *more, **named)

    monkeypatch.setattr(builtins, "__import__", gone)
    with pytest.raises(EngineMissing, match="pip install"):
        open_engine(name, url="postgresql://noria@127.0.0.1/x")


def test_postgresql_keeps_no_text_with_a_zero_byte_and_says_so(postgres: PostgresServer) -> None:
    engine = PostgresEngine(postgres.url)
    rows = table(READING, [{"sensor": "a\0", "room": 1, "read_at": 1, "ingested_at": 1}], "ingested_at")
    asked, lookups = table(REQUEST, []), [Lookup(PLAIN, ("sensor", "room"))]
    with pytest.raises(EngineRefused, match="NUL"):
        join_features(engine, asked, lookups, {"Reading": rows}, asked_at="asked_at")
    assert join_features(engine, asked, lookups, {"Reading": rows.slice(1)}, asked_at="asked_at").num_rows == 0
    engine.close()


def test_tables_that_lie_on_the_engine_are_read_in_chunks(postgres: PostgresServer) -> None:
    """Types of a warehouse: varchar, numeric, smallint, moments with and without a zone, in a schema of its own."""
    engine = PostgresEngine(postgres.url)
    run = engine._connection.execute
    run("CREATE SCHEMA mart")
    run(
        "CREATE TABLE mart.reading AS SELECT CAST('s' || n % 100 AS varchar(9)) AS sensor, 1::smallint AS room, "
        "to_timestamp(n * 60) AS read_at, CAST(n / 4.0 AS numeric(9, 2)) AS heat, n AS ticks "
        "FROM generate_series(1, 1000) n"
    )
    run(
        "CREATE TABLE mart.asked AS SELECT n AS asked, 's' || n % 100 AS sensor, 1 AS room, "
        "to_timestamp(n * 60) AT TIME ZONE 'UTC' AS asked_at FROM generate_series(1, 25000) n"
    )
    view = of("rows_13d", "sum_heat_24h", "mean_ticks_24h")
    lookups, sources = [Lookup(view, ("sensor", "room"))], {"Reading": "SELECT * FROM mart.reading"}
    made, batches = read_features(engine, "mart.asked", lookups, sources, asked_at="asked_at")
    tables = [pa.Table.from_batches([batch]) for batch in batches if batch.num_rows]
    assert [table.num_rows for table in tables] == [20_000, 5_000]
    assert tables[0].column_names == list(made.columns)
    found = {row["asked"]: row for row in pa.concat_tables(tables).to_pylist()}
    assert [found[350][f"Sensor.{feature.name}"] for feature in view.features] == [3, 150.0, 112.5]
    engine.close()
