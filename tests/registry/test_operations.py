"""Versions get numbers, stages and an alias; the journal can tell at any time how that came about."""

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from noria.core.digest import digest, digest_file
from noria.core.errors import NotFound
from noria.core.rules import Outcome
from noria.core.schema import Column, Schema
from noria.data.model import Location, SourceSpec
from noria.data.operations import take_snapshot
from noria.registry import operations as registry
from noria.registry.model import MAY_BECOME, Lineage, NotPromotable, WrongStage


class TestRegister:
    def test_versions_are_numbered_from_one_for_each_model(self, hall):
        numbers = [hall.register().number, hall.register("fares").number, hall.register().number]
        assert numbers == [1, 1, 2]
        assert registry.models(hall.ws) == ["fares", "lateness"]

    def test_a_version_is_read_back_as_it_was_written(self, hall):
        made = hall.register(why_native="an object of its own")
        assert registry.get_version(hall.ws, "lateness", 1) == made
        assert registry.list_versions(hall.ws, "lateness") == [made]
        assert (made.metrics, made.gates["outcome"]) == ({"brier": 0.15}, "passed")
        assert made.notes == ("an object of its own",)

    def test_the_same_key_gives_the_same_version_and_one_fact(self, hall):
        first, again = (hall.register(key="turn 7") for _ in range(2))
        assert first == again
        assert [kind for kind, _ in hall.facts()] == ["VersionRegistered"]
        assert registry.find(hall.ws, "lateness", "turn 7") == first
        assert registry.find(hall.ws, "lateness", "turn 8") is None

    def test_the_same_key_of_another_model_is_another_version(self, hall):
        assert hall.register(key="turn 7").model != hall.register("fares", key="turn 7").model

    def test_many_at_once_get_a_number_each(self, hall):
        with ThreadPoolExecutor(6) as threads:
            numbers = list(threads.map(lambda place: hall.register(key=f"k{place}").number, range(18)))
        assert sorted(numbers) == list(range(1, 19))
        assert hall.ws.journal.verify() == 18

    def test_many_at_once_with_one_key_are_one_version(self, hall):
        with ThreadPoolExecutor(6) as threads:
            numbers = set(threads.map(lambda _: hall.register(key="turn 7").number, range(12)))
        assert numbers == {1}
        assert len(hall.facts("VersionRegistered")) == 1

    def test_what_does_not_exist_is_told_with_what_does(self, hall):
        hall.register()
        with pytest.raises(NotFound, match=r"no version of lateness '7'; there are: 1"):
            registry.get_version(hall.ws, "lateness", 7)
        assert registry.alias(hall.ws, "lateness") is None
        assert registry.list_versions(hall.ws, "nothing") == []


class TestPromote:
    def test_the_alias_moves_and_the_stages_follow(self, hall):
        hall.register(), hall.register()
        assert hall.promote(1, evidence={"rows": 500}).stage == "production"
        assert hall.promote(2).number == hall.production() == 2
        assert hall.stages() == ["retired", "production"]
        (_, first), (_, second) = hall.facts("VersionPromoted")
        assert (first["version"], first["previous"], first["evidence"]) == (1, None, {"rows": 500, "forced": False})
        assert (second["version"], second["previous"], second["reason"]) == (2, 1, "by hand")

    @pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.NOT_RUN])
    def test_gates_that_did_not_pass_stop_it_unless_it_is_forced(self, hall, outcome):
        hall.register(outcome=outcome)
        with pytest.raises(NotPromotable, match=f"its gates came out '{outcome}'"):
            hall.promote(1)
        assert (hall.production(), hall.facts("VersionPromoted")) == (None, [])
        hall.promote(1, force=True)
        ((_, fact),) = hall.facts("VersionPromoted")
        assert (hall.production(), fact["evidence"]["forced"]) == (1, True)

    def test_promoting_what_is_in_production_changes_nothing(self, hall):
        hall.register()
        assert hall.promote(1) == hall.promote(1)
        assert len(hall.facts("VersionPromoted")) == 1

    def test_it_is_undone_with_the_callers_transaction(self, hall):
        hall.register()
        with pytest.raises(ZeroDivisionError), hall.ws.database.transaction() as connection:
            hall.promote(1, connection=connection)
            raise ZeroDivisionError
        assert (hall.production(), hall.stages(), hall.facts("VersionPromoted")) == (None, ["candidate"], [])

    def test_two_at_once_leave_one_in_production_and_an_unbroken_story(self, hall):
        for _ in range(6):
            hall.register()
        with ThreadPoolExecutor(6) as threads:
            list(threads.map(hall.promote, range(1, 7)))
        moves = [fact for _, fact in hall.facts("VersionPromoted")]
        assert [fact["previous"] for fact in moves] == [None, *[fact["version"] for fact in moves[:-1]]]
        assert hall.production() == moves[-1]["version"]
        assert sorted(hall.stages()) == ["production", *["retired"] * 5]
        hall.ws.journal.verify()

    def test_an_unknown_version_cannot_be_promoted(self, hall):
        with pytest.raises(NotFound):
            hall.promote(3)


class TestRollback:
    def test_it_goes_back_one_by_one_and_never_to_what_was_rolled_back(self, hall):
        for _ in range(3):
            hall.register()
        for number in (1, 2, 3):
            hall.promote(number)
        assert [hall.rollback().number, hall.rollback().number] == [2, 1]
        assert hall.stages() == ["production", "rolled back", "rolled back"]
        with pytest.raises(NotFound, match="earlier production version"):
            hall.rollback()

    def test_a_later_promotion_goes_back_to_what_it_replaced(self, hall):
        for _ in range(3):
            hall.register()
        hall.promote(1), hall.promote(2), hall.rollback(), hall.promote(3)
        assert hall.rollback().number == 1

    def test_a_version_promoted_again_goes_back_to_the_one_between(self, hall):
        hall.register(), hall.register()
        hall.promote(1), hall.promote(2), hall.promote(1)
        assert [hall.rollback().number, hall.rollback().number] == [2, 1]

    def test_the_first_one_has_nothing_to_go_back_to(self, hall):
        with pytest.raises(NotFound):
            hall.rollback()
        hall.register()
        hall.promote(1)
        with pytest.raises(NotFound):
            hall.rollback()
        assert hall.production() == 1

    def test_many_at_once_go_back_one_by_one(self, hall):
        for number in range(1, 6):
            hall.register()
            hall.promote(number)
        with ThreadPoolExecutor(4) as threads:
            assert sorted(one.number for one in threads.map(lambda _: hall.rollback(), range(4))) == [1, 2, 3, 4]
        assert hall.production() == 1
        assert [(fact["previous"], fact["version"]) for _, fact in hall.facts("VersionRolledBack")] == [
            (5, 4), (4, 3), (3, 2), (2, 1),
        ]  # fmt: skip

    def test_it_can_share_the_callers_transaction(self, hall):
        hall.register(), hall.register()
        hall.promote(1), hall.promote(2)
        with pytest.raises(ZeroDivisionError), hall.ws.database.transaction() as connection:
            registry.rollback(hall.ws, "lateness", reason="worse", connection=connection)
            raise ZeroDivisionError
        assert hall.production() == 2


class TestHistory:
    def test_what_was_in_production_when(self, hall):
        hall.register(), hall.register()
        start = hall.ws.clock.now()
        hall.promote(1), hall.promote(2), hall.rollback()
        hall.note("TurnFinished")
        minutes = [registry.alias_at(hall.ws, "lateness", "production", start + n * 60_000_000) for n in range(5)]
        assert minutes == [None, 1, 2, 1, 1]
        assert registry.alias_at(hall.ws, "lateness", "shadow", hall.ws.clock.now()) is None


class TestStages:
    @pytest.mark.parametrize(("before", "after"), [(a, b) for a in MAY_BECOME for b in MAY_BECOME if a != b])
    def test_only_known_moves_are_made(self, hall, before, after):
        hall.register(stage=before)
        if after in MAY_BECOME[before]:
            hall.stage(1, after)
            ((_, fact),) = hall.facts("StageChanged")
            assert (fact["from"], fact["stage"], hall.stages()) == (before, after, [after])
            return
        with pytest.raises(WrongStage, match=f"is '{before}' and cannot become '{after}'"):
            hall.stage(1, after)
        assert (hall.stages(), hall.facts("StageChanged")) == ([before], [])

    def test_staying_is_no_change(self, hall):
        hall.register()
        hall.stage(1, "candidate")
        assert hall.facts("StageChanged") == []

    def test_an_unknown_version_has_no_stage(self, hall):
        with pytest.raises(NotFound):
            hall.stage(1, "production")


class TestLineage:
    def test_the_walk_goes_from_the_version_to_the_files(self, hall, tmp_path):
        file = tmp_path / "january.parquet"
        pq.write_table(pa.table({"id": ["a"], "at": pa.array([1_000_000], pa.timestamp("us", "UTC"))}), file)
        schema = Schema((Column("id", "string"), Column("at", "time")), event_time="at", key="id")
        snapshot = take_snapshot(hall.ws, SourceSpec("Flight", schema, Location(path=str(file))))
        made = Lineage(
            "run_7", {"Flight": snapshot.digest, "Weather": digest("gone")}, {"fingerprint": "c"}, {"max_iter": 150},
            {"python": "3.11"}, {"test": [0, 1]}, "f" * 64, 3, parent=None, reason="drift of Airport",
        )  # fmt: skip
        hall.register(lineage=made)
        walk = registry.lineage(hall.ws, "lateness", 1)
        assert (walk["version"], walk["run"], walk["features"], walk["because"]) == (1, "run_7", "f" * 64, made.reason)
        assert walk["snapshots"] == made.snapshots
        ((name, found),) = walk["files"]["Flight"].items()
        assert (name.endswith("january.parquet"), found) == (True, digest_file(file))
        assert "Weather" not in walk["files"]
        assert walk["gates"]["outcome"] == "passed"

    def test_an_unknown_version_has_none(self, hall):
        with pytest.raises(NotFound):
            registry.lineage(hall.ws, "lateness", 1)
