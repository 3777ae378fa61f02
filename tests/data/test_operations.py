"""Sources as their users meet them: take, check, read; again for nothing; of an earlier moment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from noria.core.clock import ManualClock, cpu_seconds, parse_moment
from noria.core.digest import canonical
from noria.core.errors import Corrupt, NotFound, StorageFull
from noria.core.units import hours
from noria.data import operations as data
from noria.data.model import DataRefused
from noria.data.quarantine import quarantine_table

NOON = parse_moment("2024-06-10T12:00:00")
HOUR = 3_600_000_000


def kinds(ws):
    return [entry.kind for entry in ws.journal.read()]


def test_good_rows_are_accepted_typed_and_sorted(ws, readings, row, write):
    rows = [row() for _ in range(5)]
    write("1.parquet", list(reversed(rows[:3])))
    write("2.parquet", rows[3:])
    snapshot = data.take_snapshot(ws, readings)
    checked = data.check(ws, readings, snapshot)
    assert (snapshot.rows, checked.rows, checked.quarantined) == (5, 5, 0)
    assert [part.name for part in checked.parts] == ["data/1.parquet", "data/2.parquet"]
    table = data.read_parts(ws, checked.parts)
    assert table.column_names == ["reading_id", "station", "at", "celsius", "retries", "ingested_at"]
    assert table["at"].to_pylist() == [one["at"] for one in rows] == table["ingested_at"].to_pylist()
    assert kinds(ws) == ["SnapshotTaken", "DataAccepted"]
    assert data.last_accepted(ws, "Reading") == checked
    assert [(one.check, one.column) for one in checked.problems] == [("order", "at")]


def test_the_same_again_journals_nothing_and_costs_next_to_nothing(ws, readings, row, write):
    for month in range(12):
        write(f"{month:02}.parquet", [row() for _ in range(500)])
    first = data.take_snapshot(ws, readings)
    checked = data.check(ws, readings, first)
    journaled = kinds(ws)
    ws.clock.advance_to(NOON + HOUR)
    started = cpu_seconds()
    again = data.take_snapshot(ws, readings)
    assert data.check(ws, readings, again) == checked
    assert cpu_seconds() - started < 0.2
    assert (again.digest, again.as_of) == (first.digest, NOON + HOUR)
    assert kinds(ws) == journaled


def test_a_new_file_costs_only_itself(ws, readings, row, write, monkeypatch):
    write("1.parquet", [row()])
    data.check(ws, readings, data.take_snapshot(ws, readings))
    write("2.parquet", [row()])
    read = []
    from noria.data import parts

    original = parts.read_file
    monkeypatch.setattr(parts, "read_file", lambda name, *rest: read.append(name) or original(name, *rest))
    checked = data.check(ws, readings, data.take_snapshot(ws, readings))
    assert (read, checked.rows) == (["data/2.parquet"], 2)


def test_a_snapshot_is_immutable_whatever_becomes_of_the_files(ws, readings, row, write):
    path = write("1.parquet", [row(), row()])
    snapshot = data.take_snapshot(ws, readings)
    path.unlink()
    assert data.check(ws, readings, snapshot).rows == 2


def test_as_of_a_moment_later_rows_are_not_there_yet(ws, readings, row, write):
    known = [row(ingested_at=NOON - 3 * HOUR), row(ingested_at=NOON - 2 * HOUR), row(ingested_at=NOON - HOUR)]
    write("1.parquet", known)
    write("2.parquet", [row(ingested_at=NOON - HOUR)])
    then = data.take_snapshot(ws, readings, as_of=NOON - 2 * HOUR)
    checked = data.check(ws, readings, then)
    assert (then.rows, checked.rows, checked.quarantined) == (2, 2, 0)
    (part,) = checked.parts
    assert (part.name, part.rows, part.as_of) == ("data/1.parquet", 2, NOON - 2 * HOUR)
    assert data.read_parts(ws, checked.parts, ["reading_id"]).to_pydict() == {"reading_id": ["r1", "r2"]}
    whole = data.check(ws, readings, data.take_snapshot(ws, readings))
    assert whole.rows == 4
    assert whole.parts[0].digest == part.digest
    assert whole.parts[0].as_of is None


def test_moments_that_cut_alike_give_the_same_snapshot_and_the_same_parts(ws, readings, row, write):
    write("1.parquet", [row(ingested_at=NOON - 2 * HOUR), row(ingested_at=NOON)])
    one, other = (data.take_snapshot(ws, readings, as_of=NOON - minutes) for minutes in (HOUR, HOUR // 2))
    assert one.digest == other.digest
    assert data.check(ws, readings, one).parts == data.check(ws, readings, other).parts
    assert data.take_snapshot(ws, readings, as_of=NOON).digest == data.take_snapshot(ws, readings).digest != one.digest


def test_rows_from_the_future_are_bad_in_the_present_and_absent_in_the_past(ws, lenient, row, write):
    write("1.parquet", [row(), row(at=NOON + HOUR), row(at=NOON + 2 * HOUR)])
    now = data.take_snapshot(ws, lenient)
    checked = data.check(ws, lenient, now)
    assert (now.rows, now.future, checked.rows, checked.quarantined) == (3, 2, 1, 2)
    assert checked.problems[0].check == "future"
    assert data.read_parts(ws, checked.parts, ["reading_id"])["reading_id"].to_pylist() == ["r1"]
    past = data.take_snapshot(ws, lenient, as_of=NOON)
    checked = data.check(ws, lenient, past)
    assert (past.rows, checked.rows, checked.quarantined) == (1, 1, 0)
    ws.clock.advance_to(NOON + HOUR)
    assert data.check(ws, lenient, data.take_snapshot(ws, lenient)).rows == 2


def test_bad_rows_are_quarantined_with_their_reasons_and_the_rest_is_used(ws, readings, row, write):
    rows = [row() for _ in range(60)] + [row(celsius=99.0, retries=-1), row(station=None)]
    write("1.parquet", rows)
    checked = data.check(ws, readings, data.take_snapshot(ws, readings))
    assert (checked.rows, checked.quarantined) == (60, 2)
    found = quarantine_table(ws, checked).to_pylist()
    assert [(one["reason"], one["_file"], one["_row"]) for one in found] == [
        ("celsius: is above 60 degrees; retries: is below 0", "data/1.parquet", 60),
        ("station: is missing", "data/1.parquet", 61),
    ]
    assert found[0]["celsius"] == "99"
    assert kinds(ws) == ["SnapshotTaken", "RowsQuarantined", "DataAccepted"]


def test_too_many_bad_rows_are_refused_and_the_quarantine_is_kept(ws, readings, row, write):
    write("1.parquet", [row() for _ in range(10)])
    accepted = data.check(ws, readings, data.take_snapshot(ws, readings))
    write("2.parquet", [row(celsius=1000.0)])
    with pytest.raises(DataRefused) as refused:
        data.check(ws, readings, data.take_snapshot(ws, readings))
    assert "1 of 11 rows are bad (9.1%), tolerated are 5.0%" in str(refused.value)
    assert "data/2.parquet row 0: celsius = 1000" in str(refused.value)
    assert quarantine_table(ws, refused.value.checked).num_rows == 1
    assert data.last_accepted(ws, "Reading") == accepted
    assert kinds(ws)[-2:] == ["RowsQuarantined", "DataRefused"]
    write("2.parquet", [row()])
    assert data.check(ws, readings, data.take_snapshot(ws, readings)).rows == 11


def test_a_stale_source_is_refused_even_when_it_was_accepted_before(ws, readings, row, write):
    write("1.parquet", [row(at=NOON - HOUR)])
    fresh = replace(readings, fresh_within=hours(2))
    data.check(ws, fresh, data.take_snapshot(ws, fresh))
    ws.clock.advance_to(NOON + 2 * HOUR)
    with pytest.raises(DataRefused, match=r"its newest row is of 2024-06-10 11:00:00Z, more than 2h before"):
        data.check(ws, fresh, data.take_snapshot(ws, fresh))


def test_a_lost_or_damaged_blob_is_told_or_made_again(ws, readings, row, write):
    write("1.parquet", [row()])
    checked = data.check(ws, readings, data.take_snapshot(ws, readings))
    path = ws.blobs.path(checked.parts[0].digest)
    path.write_bytes(b"PAR1 nonsense PAR1")
    with pytest.raises(Corrupt, match="is damaged"):
        data.read_parts(ws, checked.parts)
    path.unlink()
    with pytest.raises(NotFound):
        data.read_parts(ws, checked.parts)
    again = data.check(ws, readings, data.take_snapshot(ws, readings))
    assert again.parts == checked.parts
    assert data.read_parts(ws, again.parts).num_rows == 1


def test_no_parts_are_an_empty_table(ws):
    assert data.read_parts(ws, [], ["a", "b"]).column_names == ["a", "b"]


class _FullAfter:
    """A blob store whose disk is full after some writes: the protocol's own promise, on demand."""

    def __init__(self, inner, writes):
        self._inner, self._left = inner, writes

    def _spend(self):
        if self._left == 0:
            raise StorageFull("no room left for blobs", hint="free room and run again")
        self._left -= 1

    def put(self, content):
        self._spend()
        return self._inner.put(content)

    def put_file(self, path):
        self._spend()
        return self._inner.put_file(path)

    def __getattr__(self, name):
        return getattr(self._inner, name)


@pytest.mark.parametrize("writes", range(6))
def test_a_full_disk_acknowledges_nothing_and_the_next_run_goes_on(ws, lenient, row, write, writes):
    write("1.parquet", [row(), row(celsius=None)])
    write("2.parquet", [row()])
    full = replace(ws, blobs=_FullAfter(ws.blobs, writes))
    with pytest.raises(StorageFull):
        data.check(full, lenient, data.take_snapshot(full, lenient))
    assert "DataAccepted" not in kinds(ws)
    checked = data.check(ws, lenient, data.take_snapshot(ws, lenient))
    assert (checked.rows, checked.quarantined) == (2, 1)


def test_another_clock_and_place_give_the_same_digests(ws, readings, row, write, tmp_path_factory):
    import shutil

    from noria.config.settings import settings_for
    from noria.workspace.workspace import open_workspace

    write("1.parquet", [row(), row(), row(celsius=None)] + [row() for _ in range(50)])
    other_root = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(ws.root / "data", other_root / "data")
    other = open_workspace(other_root, settings_for(other_root, {}, {}), ManualClock(NOON + HOUR))
    here, there = (data.check(one, readings, data.take_snapshot(one, readings)) for one in (ws, other))
    other.close()
    assert canonical(here) == canonical(there)
