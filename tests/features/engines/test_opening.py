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


def test_tables_that_lie_on_the_engine_are_not_touched(postgres: PostgresServer) -> None:
    """Real types of a warehouse: varchar, numeric, integer, timestamps, in a schema of its own; read in chunks."""
    engine = PostgresEngine(postgres.url)
    run = engine._connection.execute
    run("CREATE SCHEMA mart")
    run(
        "CREATE TABLE mart.reading (sensor varchar(9), room smallint, read_at timestamptz, heat numeric(9, 2), "
        "ticks integer, mood text, open boolean, due timestamp, id text, void boolean, ingested_at timestamptz)"
    )
    run(
        "INSERT INTO mart.reading SELECT 's' || n % 10, 1, to_timestamp(n * 60), n / 4.0, n, 'x', true, NULL, NULL, NULL, "
        "to_timestamp(n * 60) FROM generate_series(1, 1000) n"
    )
    run(
        "CREATE TABLE mart.asked AS SELECT n AS asked, 's' || n % 10 AS sensor, 1 AS room, "
        "to_timestamp(n * 60) AS asked_at FROM generate_series(1, 50000) n"
    )
    made, batches = read_features(
        engine,
        "mart.asked",
        [Lookup(PLAIN, ("sensor", "room"))],
        {"Reading": "SELECT * FROM mart.reading"},
        asked_at="asked_at",
    )
    sizes = []
    for batch in batches:
        sizes.append(batch.num_rows)
        last = pa.Table.from_batches([batch]).to_pylist()
    assert (sum(sizes), max(sizes)) == (50000, 20000), "never all of it at once"
    assert last[0].keys() == set(made.columns)
    one = next(row for row in last if row["Sensor.rows_ever"] == 100)
    assert isinstance(one["Sensor.sum_ticks_ever"], int)
    engine.close()
