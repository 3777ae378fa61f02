"""Taking in a client's spool: once, in order, whole, on both databases, whatever is in it."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noria.core.digest import digest_bytes
from noria.core.errors import BadInput, Unavailable
from noria.testing.workspace import NOON, make_workspace
from noria.tracking import experiments, runs
from noria.tracking.answers import Gap
from noria.tracking.artifacts import list_artifacts
from noria.tracking.history import whole
from noria.tracking.ingest import position_of, refusals, take_in_records
from noria.tracking.records import Begun, Ended, Kept, Params, Row, Tags, decode, encode
from noria.tracking.tables import refused_records
from noria.tracking.taking import REFUSED

SPOOL = "spool_1"
NUMBERS = itertools.count()
BEGUN = encode(Begun("run_1", SPOOL, NOON, "flights", "baseline", "ann"))


def row(step, value=1.0, name="loss", run="run_1"):
    return encode(Row(run, 1000 + step, step, {name: value}))


def series(ws, name="loss", run="run_1"):
    columns = whole(ws, run, name)
    return list(zip(columns.step.tolist(), columns.value.tolist(), strict=True))


class TakingIn:
    """The contract; a subclass says on which database."""

    @pytest.fixture
    def ws(self, tmp_path, database):
        workspace = make_workspace(tmp_path, database=database)
        yield workspace
        workspace.close()

    def test_a_spool_becomes_a_run(self, ws):
        digest = ws.blobs.put(b"weights")
        records = [
            BEGUN, encode(Params("run_1", {"depth": "6"})), row(0, 0.5), encode(Tags("run_1", {"team": "a"})),
            encode(Row("run_1", 1001, 1, {"loss": 0.25, "epoch": 2.0})),
            encode(Kept("run_1", "model/w.bin", digest, 7)),
            row(2, float("nan"), "other"), encode(Ended("run_1", SPOOL, NOON + 5_000_000, "finished")),
        ]  # fmt: skip
        taken = take_in_records(ws, SPOOL, 0, records)
        assert (taken.position, taken.refused) == (8, ())
        found = runs.get_run(ws, "run_1")
        assert (found.name, found.actor, found.state, found.started) == ("baseline", "ann", "finished", NOON)
        assert found.ended == NOON + 5_000_000
        assert found.params == {"depth": "6"}
        assert found.tags["team"] == "a"
        assert experiments.find_experiment(ws, "flights").key == found.experiment
        assert (series(ws), series(ws, "epoch")) == ([(0, 0.5), (1, 0.25)], [(1, 2.0)])
        root = found.artifact_root.removeprefix("mlflow-artifacts:/")
        assert [(one.path, one.digest) for one in list_artifacts(ws, root)] == [("model", None)]

    def test_records_below_the_position_are_passed_over_whatever_they_say(self, ws):
        take_in_records(ws, SPOOL, 0, [BEGUN, row(0), row(1)])
        assert take_in_records(ws, SPOOL, 0, [BEGUN, row(0, 7.0), row(1, 7.0), row(2)]).position == 4
        assert take_in_records(ws, SPOOL, 2, [row(1, 8.0)]).position == 4
        assert series(ws) == [(0, 1.0), (1, 1.0), (2, 1.0)]

    def test_a_gap_is_refused_and_tells_the_position_expected(self, ws):
        take_in_records(ws, SPOOL, 0, [BEGUN, row(0)])
        for first in (3, 1000, -1):
            with pytest.raises(Gap) as told:
                take_in_records(ws, SPOOL, first, [row(9)])
            assert told.value.position == 2
        assert take_in_records(ws, SPOOL, 2, []).position == 2
        assert series(ws) == [(0, 1.0)]

    @pytest.mark.parametrize(
        "bad",
        [
            b"", b"\xc1", b"\x93\xa3row", encode(("unknown", "run_1")), encode(["row", "run_1", 1, 2]), b"x" * 100_000,
            encode(["row", 7, 1, 2, {}]), encode(["row", "run_1", 1, 2**64 - 1, {"x": 1.0}]),
            encode(Row("run_1", 1, 1, {"": 1.0})), encode(Row("run_1", 1, 1, {"x" * 100_000: 1.0})),
            encode(Row("run_1", -(2**63), 2**63 - 1, {"": 1.0})), encode(Params("run_1", {"x" * 10_000: "1"})),
            encode(Params("run_1", {"a\0b": "1"})), encode(Tags("run_1", {"": "1"})),
            row(5, run="unknown"), encode(Kept("run_1", "a", "0" * 64, 1)),
            encode(Kept("run_1", "../../x", "0" * 64, 1)),
            encode(Ended("unknown", SPOOL, 1, "finished")), encode(["ended", "run_1", SPOOL, 1, "exploded", False]),
        ],
        ids=itertools.count(),
    )  # fmt: skip
    def test_a_bad_record_is_set_aside_with_its_reason_and_stops_nothing(self, ws, bad):
        taken = take_in_records(ws, SPOOL, 0, [BEGUN, row(0), bad, row(1), encode(Tags("run_1", {"a": "b"}))])
        assert taken.position == 5
        assert [one.position for one in taken.refused] == [2]
        assert taken.refused[0].reason
        assert refusals(ws, SPOOL) == list(taken.refused)
        assert series(ws) == [(0, 1.0), (1, 1.0)]
        assert runs.get_run(ws, "run_1").tags["a"] == "b"
        with ws.database.reading() as connection:
            assert connection.execute(sa.select(refused_records.c.record)).scalar_one() == bad

    def test_of_a_record_with_several_values_only_the_bad_one_is_left_out(self, ws):
        records = [
            BEGUN, encode(Row("run_1", 1, 1, {"good": 1.0, "": 2.0, "fine": 3.0})),
            encode(Params("run_1", {"depth": "6"})), encode(Params("run_1", {"depth": "7", "kind": "l2"})),
        ]  # fmt: skip
        taken = take_in_records(ws, SPOOL, 0, records)
        assert [one.position for one in taken.refused] == [1, 3]
        assert (series(ws, "good"), series(ws, "fine")) == ([(1, 1.0)], [(1, 3.0)])
        found = runs.get_run(ws, "run_1")
        assert found.params == {"depth": "6", "kind": "l2"}
        assert found.tags[REFUSED].startswith("2: ")

    def test_infinities_are_kept_as_the_largest_doubles(self, ws):
        take_in_records(ws, SPOOL, 0, [BEGUN, row(0, float("inf")), row(1, float("-inf"))])
        assert series(ws) == [(0, 1.7976931348623157e308), (1, -1.7976931348623157e308)]

    def test_a_run_whose_experiment_cannot_be_is_not_lost(self, ws):
        begun = encode(Begun("run_1", SPOOL, NOON, "x" * 100_000, "n" * 100_000))
        taken = take_in_records(ws, SPOOL, 0, [begun, row(0)])
        assert len(taken.refused) == 1
        assert runs.get_run(ws, "run_1").experiment == 0
        assert series(ws) == [(0, 1.0)]

    def test_a_run_in_a_deleted_experiment_is_kept_in_the_default_one(self, ws):
        experiments.delete_experiment(ws, experiments.create_experiment(ws, "flights").key)
        taken = take_in_records(ws, SPOOL, 0, [BEGUN, row(0)])
        assert "was deleted" in taken.refused[0].reason
        assert runs.get_run(ws, "run_1").experiment == 0

    def test_several_spools_of_one_run_begin_it_once_and_only_its_owner_ends_it(self, ws):
        child = encode(Begun("run_1", "spool_2", NOON, "flights", owner=False))
        take_in_records(ws, "spool_2", 0, [child, row(0)])
        take_in_records(ws, SPOOL, 0, [BEGUN, row(1)])
        assert runs.get_run(ws, "run_1").state == "running"
        take_in_records(ws, SPOOL, 2, [encode(Ended("run_1", SPOOL, NOON, "failed"))])
        assert runs.get_run(ws, "run_1").state == "failed"
        assert series(ws) == [(0, 1.0), (1, 1.0)]

    def test_what_is_inferred_about_a_run_does_not_overrule_what_it_said(self, ws):
        take_in_records(ws, SPOOL, 0, [BEGUN, encode(Ended("run_1", SPOOL, NOON, "finished"))])
        take_in_records(ws, SPOOL, 2, [encode(Ended("run_1", SPOOL, NOON, "killed", inferred=True))])
        assert runs.get_run(ws, "run_1").state == "finished"

    def test_a_run_goes_on_in_a_later_session_and_an_earlier_one_ends_it_no_more(self, ws):
        take_in_records(ws, SPOOL, 0, [BEGUN])
        later = [encode(Begun("run_1", "spool_2", NOON, "flights"))]
        take_in_records(ws, "spool_2", 0, later)
        take_in_records(ws, SPOOL, 1, [encode(Ended("run_1", SPOOL, NOON, "killed", inferred=True))])
        assert runs.get_run(ws, "run_1").state == "running"
        take_in_records(ws, "spool_2", 1, [encode(Ended("run_1", "spool_2", NOON, "finished"))])
        assert runs.get_run(ws, "run_1").state == "finished"

    def test_a_name_that_came_with_a_bad_record_is_known_only_once_it_is_written(self, ws):
        far = encode(["row", "run_1", -(2**63), 1, {"fresh": 1.0}])
        first = take_in_records(ws, SPOOL, 0, [BEGUN, far, row(1, name="other"), row(2, name="fresh")])
        assert first.position == 4
        take_in_records(ws, SPOOL, 4, [row(3, name="fresh")])
        assert series(ws, "fresh")[-2:] == [(2, 1.0), (3, 1.0)]
        assert series(ws, "other") == [(1, 1.0)]

    @pytest.mark.parametrize("spool", ["", "x" * 65, "a\nb", "a\0b", "é"])
    def test_what_is_no_spools_id_is_refused(self, ws, spool):
        with pytest.raises(BadInput):
            take_in_records(ws, spool, 0, [BEGUN])
        with pytest.raises(BadInput):
            position_of(ws, spool)

    def test_senders_at_the_same_time_take_turns(self, ws):
        records = [BEGUN, *(row(step) for step in range(300)), encode(Ended("run_1", SPOOL, NOON, "finished"))]
        together, failures = threading.Barrier(4), []

        def send(seed):
            chance, position = random.Random(seed), 0
            together.wait()
            while position < len(records):
                first = chance.randint(0, position)
                try:
                    position = take_in_records(
                        ws, SPOOL, first, records[first : first + chance.randint(1, 60)]
                    ).position
                except Exception as error:
                    failures.append(error)
                    return

        threads = [threading.Thread(target=send, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert position_of(ws, SPOOL) == len(records)
        assert series(ws) == [(step, 1.0) for step in range(300)]
        assert refusals(ws, SPOOL) == []

    def test_a_database_that_is_away_takes_nothing_and_the_same_records_can_be_sent_again(self, ws, monkeypatch):
        take_in_records(ws, SPOOL, 0, [BEGUN, row(0)])
        real = ws.database.transaction

        def away():
            raise Unavailable("away")

        monkeypatch.setattr(ws.database, "transaction", away)
        with pytest.raises(Unavailable):
            take_in_records(ws, SPOOL, 2, [row(1), row(2)])
        monkeypatch.setattr(ws.database, "transaction", real)
        assert position_of(ws, SPOOL) == 2
        assert take_in_records(ws, SPOOL, 2, [row(1), row(2)]).position == 4
        assert series(ws) == [(0, 1.0), (1, 1.0), (2, 1.0)]


class TestOnSqlite(TakingIn):
    @pytest.fixture
    def database(self):
        return None


class TestOnPostgresql(TakingIn):
    @pytest.fixture
    def database(self, postgresql):
        return postgresql.url.render_as_string(hide_password=False)


kinds = st.sampled_from([0, 1, 2, 3, 4])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(kinds=st.lists(kinds, max_size=30), cuts=st.lists(st.integers(0, 30), max_size=8))
def test_however_a_spool_is_cut_into_batches_and_sent_again_it_is_taken_in_once(ws, kinds, cuts):
    """The oracle: a dictionary of what each record says."""
    number = next(NUMBERS)
    spool, run = f"spool_{number}", f"run_{number}"
    digest = ws.blobs.put(b"bytes")
    make = [
        lambda n: row(n, n / 2, run=run),
        lambda n: encode(Params(run, {f"p{n}": str(n)})),
        lambda n: encode(Tags(run, {"t": str(n)})),
        lambda n: encode(Kept(run, f"file{n}", digest, 5)),
        lambda n: b"no record",
    ]
    records = [encode(Begun(run, spool, NOON)), *(make[kind](n) for n, kind in enumerate(kinds))]
    refused = set()
    for cut in [*cuts, len(records)]:
        first = min(position_of(ws, spool), cut)
        refused |= {one.position for one in take_in_records(ws, spool, first, records[first : max(cut, first)]).refused}
    found = runs.get_run(ws, run)
    assert series(ws, run=run) == [(n, n / 2) for n, kind in enumerate(kinds) if kind == 0]
    assert found.params == {f"p{n}": str(n) for n, kind in enumerate(kinds) if kind == 1}
    tags = [str(n) for n, kind in enumerate(kinds) if kind == 2]
    assert found.tags.get("t") == (tags[-1] if tags else None)
    files = {one.path for one in list_artifacts(ws, found.artifact_root.removeprefix("mlflow-artifacts:/"))}
    assert files == {f"file{n}" for n, kind in enumerate(kinds) if kind == 3}
    assert refused == {n + 1 for n, kind in enumerate(kinds) if kind == 4}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_are_refused_as_none(data):
    with contextlib.suppress(BadInput):
        assert decode(data) is not None


def test_the_bytes_of_a_file_have_to_be_there(ws):
    digest = digest_bytes(b"later")
    kept = encode(Kept("run_1", "a", digest, 5))
    assert "never came" in take_in_records(ws, SPOOL, 0, [BEGUN, kept]).refused[0].reason
    ws.blobs.put(b"later")
    assert take_in_records(ws, SPOOL, 2, [kept]).refused == ()
