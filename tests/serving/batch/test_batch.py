"""Whole tables, answered: the same answers as the server's, whatever kind of table, killed or not."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import batch_airline
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_airline import Airline, asked_flights, given
from tiny_airline import START, add_version

from noria.core.errors import Conflict, NotFound
from noria.data.model import NoFiles, QueryFailed, UnreadableFile
from noria.serving.batch.model import BadOutput, BadTable, OtherJob, OutputThere
from noria.serving.batch.typing_rows import UnfitTable


def predictions(path: Path) -> dict[str, float]:
    table = pq.read_table(path)
    return dict(zip(table["flight_id"].to_pylist(), table["prediction"].to_pylist(), strict=True))


def test_rows_asked_at_their_own_moments_are_answered_as_a_server_would_have(
    airline: Airline, open_plane: Callable[..., Any]
) -> None:
    flights = asked_flights(300)
    answered = airline.predict(airline.write("flights.parquet", flights), "answers.parquet", rows=70)
    assert (answered.rows, answered.refused, answered.chunks, answered.lookup) == (300, 0, 5, "history")
    server = open_plane(replay=True)
    for source, rows in airline.history.items():
        server.plane.online.ingest(source, rows, now=START)
    found = predictions(airline.root / "answers.parquet")
    assert list(found) == [one["flight_id"] for one in flights]
    for one in flights:
        (online,) = server.json("POST", "/predict", one, noria_time=str(one["asked_at"]))["predictions"]
        assert found[one["flight_id"]] == pytest.approx(online["output"], abs=1e-9)
    assert len(set(found.values())) > 30


def test_the_online_store_answers_as_the_server_that_keeps_it(airline: Airline, open_plane: Callable[..., Any]) -> None:
    flights = asked_flights(120)
    server = open_plane()
    server.plane.online.backfill(airline.tables())
    online = server.predict(*flights)
    server.plane.close()
    answered = airline.predict(airline.write("flights.parquet", flights), "answers.parquet", lookup="online")
    assert (answered.lookup, answered.moment, answered.own_moment) == ("online", None, False)
    found = predictions(airline.root / "answers.parquet")
    assert [found[one["flight_id"]] for one in flights] == pytest.approx([one["output"] for one in online], abs=1e-9)
    now = airline.predict(airline.root / "flights.parquet", "now.parquet", at="now")
    assert (now.lookup, now.moment) == ("history", START)
    assert predictions(airline.root / "now.parquet") == pytest.approx(found, abs=1e-9)


def test_every_kind_of_table_gives_the_same_answers(airline: Airline) -> None:
    from deltalake import write_deltalake

    rows = given(250)
    table = pa.Table.from_pylist(rows)
    path = airline.write("rows.parquet", rows)
    airline.predict(path, "expected.parquet", rows=1000)
    expected = predictions(airline.root / "expected.parquet")
    assert len(expected) == 250
    for number in range(3):
        airline.write(f"many/{number}.parquet", rows[number * 90 : (number + 1) * 90], row_group_size=25)
    times = ", ".join(f"make_timestamp({name}) AS {name}" for name in ("asked_at", "departs"))
    select = f"SELECT * REPLACE ({times}) FROM read_parquet('{path}')"
    duckdb.execute(f"COPY ({select}) TO '{airline.root / 'rows.csv'}' (HEADER)")
    duckdb.execute(f"COPY ({select}) TO '{airline.root / 'rows.csv.gz'}' (HEADER, COMPRESSION gzip)")
    write_deltalake(str(airline.root / "lake"), table)
    write_deltalake(str(airline.root / "lake"), table.slice(0, 3), mode="overwrite")
    kinds = {
        "folder": airline.root / "many",
        "glob": airline.root / "many" / "[012].parquet",
        "csv": airline.root / "rows.csv",
        "gz": airline.root / "rows.csv.gz",
        "query": f"SELECT * FROM '{path}' ORDER BY flight_id DESC",
        "delta": f"delta:{airline.root / 'lake'}@0",
    }
    for kind, source in kinds.items():
        answered = airline.predict(source, f"by_{kind}.parquet", rows=64)
        assert (answered.rows, answered.refused, answered.lookup) == (250, 0, "given"), kind
        assert predictions(airline.root / f"by_{kind}.parquet") == pytest.approx(expected, abs=1e-12), kind


def test_every_kind_of_output_holds_the_same_rows_and_carries_what_is_asked(airline: Airline) -> None:
    from deltalake import DeltaTable

    rows = given(100)
    path = airline.write("rows.parquet", rows)
    for target in ("out.parquet", "out.csv", "out", f"delta:{airline.root}/table"):
        assert airline.predict(path, target, rows=30, columns=("dest",)).rows == 100
    table = pq.read_table(airline.root / "out.parquet")
    assert table.column_names == ["flight_id", "dest", "asked_at", "prediction", "version", "error"]
    assert [one.timestamp() * 1e6 for one in table["asked_at"].to_pylist()] == [one["asked_at"] for one in rows]
    expected = predictions(airline.root / "out.parquet")
    assert sorted(one.name for one in (airline.root / "out").iterdir()) == [f"part-{n:06d}.parquet" for n in range(4)]
    assert predictions(airline.root / "out") == expected
    with (airline.root / "out.csv").open() as file:
        assert {one["flight_id"]: float(one["prediction"]) for one in csv.DictReader(file)} == pytest.approx(expected)
    kept = DeltaTable(str(airline.root / "table")).to_pyarrow_table()
    assert dict(zip(kept["flight_id"].to_pylist(), kept["prediction"].to_pylist(), strict=True)) == expected
    everything = airline.predict(path, "all.parquet", columns=("*",))
    assert everything.rows == 100
    assert set(rows[0]) < set(pq.read_schema(airline.root / "all.parquet").names)


def test_a_killed_run_goes_on_where_it_was_with_what_it_had_settled(airline: Airline) -> None:
    path = airline.write("rows.parquet", given(3000), row_group_size=500)
    airline.predict(path, "expected.parquet")
    command = [sys.executable, batch_airline.__file__, str(airline.root), str(path), "answers.parquet", "50"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    with process.stdout:
        for line in process.stdout:
            if int(line) >= 500:
                break
        with pytest.raises(Conflict, match="another process answers into"):
            airline.predict(path, "answers.parquet", rows=50)
        process.kill()
        process.wait()
    assert not (airline.root / "answers.parquet").exists()
    add_version(airline.ws, 1, promoted=True)
    with pytest.raises(OtherJob, match="rows 50, now 60"):
        airline.predict(path, "answers.parquet", rows=60)
    answered = airline.predict(path, "answers.parquet", rows=50)
    assert answered.version == 1
    assert 10 <= answered.resumed < answered.chunks == 60
    assert pq.read_table(airline.root / "answers.parquet").equals(pq.read_table(airline.root / "expected.parquet"))
    assert not list(airline.root.glob(".*.unfinished"))
    with pytest.raises(OutputThere, match="is there already"):
        airline.predict(path, "answers.parquet")
    assert airline.predict(path, "answers.parquet", replace=True).version == 2


def test_an_input_that_changed_under_an_unfinished_run_is_not_mixed_with_what_was_read(airline: Airline) -> None:
    path = airline.write("rows.parquet", given(100))
    stopped = "stopped"

    def stop(done: int, _: int | None) -> None:
        if done == 40:
            raise KeyboardInterrupt(stopped)

    with pytest.raises(KeyboardInterrupt):
        airline.predict(path, "answers.parquet", rows=20, watch=stop)
    airline.write("rows.parquet", given(90))
    with pytest.raises(OtherJob, match="is not what it was when the job began"):
        airline.predict(path, "answers.parquet", rows=20)
    answered = airline.predict(path, "answers.parquet", rows=20, fresh=True)
    assert (answered.rows, answered.resumed) == (90, 0)


def test_rows_that_do_not_fit_are_there_with_the_reason(airline: Airline, open_plane: Callable[..., Any]) -> None:
    good, far, nobody = given(3)
    far["distance"], nobody["carrier"] = -1.0, None
    mixed = airline.write("rows.parquet", [good, far, nobody])
    answered = airline.predict(mixed, "answers.parquet")
    assert (answered.rows, answered.refused) == (3, 2)
    table = pq.read_table(airline.root / "answers.parquet")
    assert table["error"].to_pylist() == [None, "distance lies below 0", "carrier is null"]
    assert [one is None for one in table["prediction"].to_pylist()] == [False, True, True]
    server = open_plane()
    for row in (far, nobody):
        plain = {name: value for name, value in row.items() if "." not in name}
        server.json("POST", "/predict", plain, status=400)
    text = [{**one, "distance": str(one["distance"])} for one in given(400)]
    for one in text[:300]:
        one["distance"] = "far"
    answered = airline.predict(airline.write("text.parquet", text), "text_answers.parquet")
    assert answered.refused == 300
    assert answered.reasons == ("distance is no float",)


def test_a_table_without_rows_gives_one_without_answers(airline: Airline) -> None:
    table = pa.Table.from_pylist(given(1)).slice(0, 0)
    pq.write_table(table, airline.root / "none.parquet")
    assert airline.predict(airline.root / "none.parquet", "answers.parquet").rows == 0
    assert pq.read_table(airline.root / "answers.parquet").column_names[-3:] == ["prediction", "version", "error"]


def test_what_cannot_be_answered_says_why_and_leaves_nothing(airline: Airline) -> None:
    path = airline.write("rows.parquet", given(10))
    (airline.root / "broken.parquet").write_bytes(path.read_bytes()[:-400])
    (airline.root / "torn.csv").write_text("flight_id,origin\nUA1\n")
    (airline.root / "link.parquet").symlink_to(airline.root / "gone.parquet")
    without = [{name: value for name, value in one.items() if name != "origin"} for one in given(5)]
    numbers = [{**one, "origin": 5} for one in given(5)]
    for source, error, said in (
        (airline.root / "nothing*.parquet", NoFiles, "no Parquet or CSV file matches"),
        (airline.root / "link.parquet", NoFiles, "a link to a file that is not there"),
        (airline.root / "broken.parquet", UnreadableFile, "cannot be read as parquet"),
        (airline.write("without.parquet", without), UnfitTable, "origin"),
        (airline.write("numbers.parquet", numbers), UnfitTable, "holds int64, and the model takes string"),
        ("SELECT * FROM nowhere", QueryFailed, "nowhere"),
    ):
        with pytest.raises(error, match=said):
            airline.predict(source, "answers.parquet", fresh=True)
        assert not (airline.root / "answers.parquet").exists()
    for target, error in (("answers.json", BadOutput), ("nowhere/answers.parquet", BadOutput)):
        with pytest.raises(error):
            airline.predict(path, target)
    with pytest.raises(NotFound, match="versions: 1"):
        airline.predict(path, "other.parquet", alias="staging")
    with pytest.raises(NotFound, match="column"):
        airline.predict(path, "other.parquet", columns=("nme",))
    with pytest.raises(BadTable, match="knows only the present"):
        airline.predict(path, "other.parquet", lookup="online", at="row")
    assert airline.predict(path, "other.parquet", alias="1", fresh=True).version == 1
