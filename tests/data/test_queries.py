"""Sources that are queries: DuckDB beside the project, and a real PostgreSQL server started for the test."""

from __future__ import annotations

import socket
from dataclasses import replace

import psycopg
import pytest

from noria.config.settings import settings_for
from noria.core.clock import ManualClock
from noria.core.errors import BadInput, Unavailable
from noria.data import operations as data
from noria.data.model import DataRefused, Location, QueryFailed
from noria.workspace.workspace import open_workspace


def accept(ws, spec):
    return data.check(ws, spec, data.take_snapshot(ws, spec))


def asking(spec, query, database=None):
    return replace(spec, location=Location(query=query, database=database))


def test_duckdb_reads_files_of_the_project(ws, readings, row, write):
    write("1.parquet", [row(), row(), row(station="rome")])
    checked = accept(ws, asking(readings, "SELECT * FROM 'data/*.parquet' WHERE station = 'oslo' ORDER BY reading_id;"))
    assert (checked.rows, checked.parts[0].name) == (2, "query.parquet")


def test_the_same_result_is_the_same_snapshot(ws, readings, row, write):
    write("1.parquet", [row(), row()])
    spec = asking(readings, "FROM 'data/*.parquet' -- a comment at the end")
    first = data.take_snapshot(ws, spec)
    data.check(ws, spec, first)
    assert data.take_snapshot(ws, spec).digest == first.digest
    assert len(ws.journal.read()) == 2
    assert not list(ws.folder("tmp").iterdir())


@pytest.mark.parametrize(
    "query", ["SELEC 1", "FROM nothing_there", "FROM 'data/none*.parquet'", "", "SELECT 1; DROP x"]
)
def test_a_query_that_duckdb_refuses_is_told_in_its_words(ws, readings, query):
    with pytest.raises(QueryFailed, match="DuckDB refused the query"):
        data.take_snapshot(ws, asking(readings, query))
    assert ws.journal.read() == []


def test_a_query_without_the_columns_or_without_rows_is_refused(ws, readings, row, write):
    write("1.parquet", [row()])
    with pytest.raises(DataRefused, match=r"query\.parquet: has no column 'station'"):
        accept(ws, asking(readings, "SELECT * EXCLUDE (station) FROM 'data/*.parquet'"))
    with pytest.raises(DataRefused, match="no row"):
        accept(ws, asking(readings, "FROM 'data/*.parquet' WHERE false"))


def test_a_source_lies_at_one_place(ws, readings):
    for location in (Location(), Location("data/*", "SELECT 1")):
        with pytest.raises(BadInput, match="result of a query"):
            data.take_snapshot(ws, replace(readings, location=location))
    with pytest.raises(BadInput, match="scheme 'mysql'"):
        data.take_snapshot(ws, asking(readings, "SELECT 1", "mysql://user:secret@host/db"))


@pytest.fixture
def filled(postgres):
    server = postgres.url.replace("+psycopg", "")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS readings")
        connection.execute(
            "CREATE TABLE readings (reading_id uuid, station varchar(20), at timestamptz, celsius numeric(5,2), "
            "retries smallint, ingested_at timestamp)"
        )
        connection.execute(
            "INSERT INTO readings SELECT gen_random_uuid(), 'oslo', t, 20.25, NULL, t + interval '1 minute' "
            "FROM generate_series(timestamptz '2024-06-01 00:00+02', '2024-06-09 00:00+02', '20 seconds') AS t"
        )
    return server


def test_postgres_rows_are_streamed_typed_and_pinned(ws, readings, filled):
    spec = asking(readings, "SELECT * FROM readings WHERE station LIKE 'os%'", filled.replace("://", "+psycopg://", 1))
    snapshot = data.take_snapshot(ws, spec)
    checked = data.check(ws, spec, snapshot)
    assert checked.rows == 34_561
    first = data.read_parts(ws, checked.parts).slice(0, 1).to_pylist()[0]
    assert (first["at"], first["celsius"], first["retries"]) == (1717192800_000000, 20.25, None)
    assert first["ingested_at"] == first["at"] + 60_000_000
    assert data.take_snapshot(ws, spec).digest == snapshot.digest


def test_postgres_errors_are_told_in_its_words(ws, readings, filled):
    with pytest.raises(QueryFailed, match='PostgreSQL refused the query: relation "nothing" does not exist'):
        data.take_snapshot(ws, asking(readings, "SELECT * FROM nothing", filled))
    with pytest.raises(QueryFailed, match="PostgreSQL refused the query"):
        data.take_snapshot(ws, asking(readings, "DELETE FROM readings", filled))
    with pytest.raises(QueryFailed, match="too large"):
        data.take_snapshot(ws, asking(readings, "SELECT 'infinity'::timestamptz AS at", filled))


def test_a_server_that_is_away_is_unavailable_and_its_password_stays_secret(ws, readings):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"postgresql://noria:hunter2@127.0.0.1:{unused.getsockname()[1]}/postgres"
        with pytest.raises(Unavailable) as away:
            data.take_snapshot(ws, asking(readings, "SELECT 1", url))
    assert "hunter2" not in str(away.value)
    assert ws.journal.read() == []


def test_a_workspace_on_postgres_does_the_same(tmp_path, readings, row, write, postgres):
    ws = open_workspace(tmp_path, settings_for(tmp_path, {"database": postgres.url}, {}), ManualClock(10**16))
    write("1.parquet", [row() for _ in range(30)] + [row(celsius=None)])
    checked = accept(ws, readings)
    write("2.parquet", [row()])
    assert accept(ws, readings).rows == 31
    assert (checked.rows, checked.quarantined, ws.journal.verify()) == (30, 1, 6)
    ws.close()
