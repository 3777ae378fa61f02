"""What tracking must do, on every database, with what runs log: points, params, tags."""

from __future__ import annotations

import math

import pytest

from noria.testing.tracking_suite import STRANGE, UNSTORABLE, count_points, facts
from noria.tracking import history, names, runs
from noria.tracking.experiments import TagMissing
from noria.tracking.model import Point
from noria.tracking.names import BadName, BadValue, NamedTwice
from noria.tracking.runs import ParamChanged
from noria.tracking.series.points import BadPoint
from noria.workspace.workspace import Workspace


class LoggingSuite:
    """A subclass gives the fixture `ws`: an empty workspace on a `ManualClock`."""

    @pytest.fixture
    def run(self, ws: Workspace) -> str:
        return runs.create_run(ws, 0, name="run").id

    def test_everything_at_once_and_twice(self, ws: Workspace, run: str) -> None:
        for _ in range(2):
            logged = [Point("loss", 0.5, 10, 1), Point("loss", math.nan, 20, 2), Point("acc", math.inf, 1)]
            runs.log_batch(ws, run, logged, {"rate": "0.1", "kind": ""}, [("note", "old"), ("note", "new")])
        found = runs.get_run(ws, run)
        assert found.params == {"kind": "", "rate": "0.1"}
        assert found.tags == {"mlflow.runName": "run", "note": "new"}
        assert found.metrics["acc"] == Point("acc", 1.7976931348623157e308, 1)
        assert math.isnan(found.metrics["loss"].value)
        assert count_points(ws) == 3
        assert facts(ws) == ["RunStarted"]  # never a fact for a metric

    def test_a_param_is_written_once(self, ws: Workspace, run: str) -> None:
        runs.log_batch(ws, run, params={"rate": "0.1", "kind": "l2"})
        runs.log_batch(ws, run, params={"rate": "0.1", "more": "1"})
        with pytest.raises(ParamChanged) as caught:
            runs.log_batch(ws, run, [Point("a", 1.0, 1)], {"new": "1", "rate": "0.2", "kind": "l1"}, {"t": "1"})
        error = caught.value
        assert (error.run, error.name, error.old, error.new) == (run, "rate", "0.1", "0.2")
        assert error.changes == (("rate", "0.1", "0.2"), ("kind", "l2", "l1"))
        found = runs.get_run(ws, run)  # all or nothing
        assert found.params == {"kind": "l2", "more": "1", "rate": "0.1"}
        assert (found.metrics, found.tags) == ({}, {"mlflow.runName": "run"})

    def test_a_param_given_twice_in_one_batch_is_refused(self, ws: Workspace, run: str) -> None:
        with pytest.raises(NamedTwice) as caught:
            runs.log_batch(ws, run, params=[("a", "1"), ("b", "1"), ("a", "1")])
        assert caught.value.names == ["a"]

    def test_long_values_are_cut_and_cut_again_they_are_the_same(self, ws: Workspace, run: str) -> None:
        for _ in range(2):
            runs.log_batch(ws, run, params={"p": "x" * 6_001}, tags={"t": "y" * 8_001})
        found = runs.get_run(ws, run)
        assert (len(found.params["p"]), len(found.tags["t"])) == (6_000, 8_000)

    @pytest.mark.parametrize("key", ["", "/a", "a//b", "a/../b", "./a", "..", "a/", "a@b", "x" * 251, *UNSTORABLE])
    def test_a_key_that_cannot_be_one_is_refused(self, ws: Workspace, run: str, key: str) -> None:
        for params, tags in (({"ok": "1", key: "1"}, {}), ({}, {"ok": "1", key: "1"})):
            with pytest.raises(BadName) as caught:
                runs.log_batch(ws, run, [], params, tags)
            assert (caught.value.name, caught.value.number) == (key, 1)
        with pytest.raises(BadName):
            runs.log_batch(ws, run, [Point(key, 1.0, 1)])
        assert runs.get_run(ws, run).params == {}

    @pytest.mark.parametrize("key", ["a", "a/b.c-d e:f", "..a", "a..", "中", "a" * 250])
    def test_a_key_that_can_be_one_is_kept(self, ws: Workspace, run: str, key: str) -> None:
        runs.log_batch(ws, run, [Point(key, 1.0, 1)], {key: "1"}, {key: "1"})
        found = runs.get_run(ws, run)
        assert (found.params[key], found.tags[key], found.metrics[key].value) == ("1", "1", 1.0)

    @pytest.mark.parametrize("text", STRANGE)
    def test_what_is_said_comes_back_letter_by_letter(self, ws: Workspace, run: str, text: str) -> None:
        runs.log_batch(ws, run, params={"p": text}, tags={"t": text})
        found = runs.get_run(ws, run)
        assert (found.params["p"], found.tags["t"]) == (text, text)

    @pytest.mark.parametrize("text", UNSTORABLE)
    def test_what_no_database_can_hold_is_refused(self, ws: Workspace, run: str, text: str) -> None:
        for params, tags in (({"p": text}, {}), ({}, {"t": text})):
            with pytest.raises(BadValue):
                runs.log_batch(ws, run, [], params, tags)

    @pytest.mark.parametrize("at", [-1, 2**63, "now"])
    def test_a_point_of_no_possible_moment_is_refused(self, ws: Workspace, run: str, at: int) -> None:
        with pytest.raises(BadPoint):
            runs.log_batch(ws, run, [Point("a", 1.0, 1), Point("a", 1.0, at)], {"p": "1"})
        assert (count_points(ws), runs.get_run(ws, run).params) == (0, {})

    def test_tags_are_overwritten_and_deleted(self, ws: Workspace, run: str) -> None:
        with ws.database.transaction() as connection:
            where = runs.locate(connection, run)
            for value in ("old", "new"):
                runs.set_tags(connection, where, {"note": value, "other": "1"})
            runs.delete_tag(connection, where, "other")
            for gone in ("other", "a\0"):
                with pytest.raises(TagMissing):
                    runs.delete_tag(connection, where, gone)
        assert runs.get_run(ws, run).tags == {"mlflow.runName": "run", "note": "new"}

    def test_a_new_run_takes_tags_that_could_not_be_set_later_as_mlflow_does(self, ws: Workspace) -> None:
        made = runs.create_run(ws, 0, tags={"a@b": "x" * 8_001})
        assert len(runs.get_run(ws, made.id).tags["a@b"]) == names.LONGEST_TAG
        with pytest.raises(BadName):
            runs.create_run(ws, 0, tags={"": "1"})

    def test_an_empty_batch_asks_only_whether_there_is_such_a_run(self, ws: Workspace, run: str) -> None:
        runs.log_batch(ws, run)
        with ws.database.transaction() as connection:
            history.append(ws, connection, runs.locate(connection, run), [])
        assert count_points(ws) == 0
