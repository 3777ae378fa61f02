"""What tracking must do on every database: subclass the suites here and give them the fixture `ws`.

Experiments and runs; see `logging_suite` for what they log, `kept_suite` for what they keep, and
`tracking_race_suite` for many writers at once.
"""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from noria.core.errors import BadInput, NotFound
from noria.tracking import experiments, runs
from noria.tracking.experiments import ExperimentExists, ExperimentMissing, NotActive, TagMissing
from noria.tracking.model import Point
from noria.tracking.names import BadName, BadValue
from noria.tracking.runs import RunExists, RunMissing, TwoNames
from noria.tracking.tables import points
from noria.workspace.workspace import Workspace

MINUTE = 60_000_000
STRANGE = ["Zürich", "中\U0001f682", "'; DROP TABLE runs; --", 'a"b%s', "\n\t ", "%(x)s ? :x"]
UNSTORABLE = ["a\0b", "half \ud800 a pair"]


def later(ws: Workspace) -> int:
    """A minute passes; gives the moment."""
    ws.clock.advance_to(ws.clock.now() + MINUTE)  # type: ignore[attr-defined]  # a ManualClock
    return ws.clock.now()


def facts(ws: Workspace) -> list[str]:
    """What the journal tells."""
    return [entry.kind for entry in ws.journal.read()]


def stages(ws: Workspace, *ids: str) -> list[str]:
    """The stage of each run."""
    return [runs.get_run(ws, id).stage for id in ids]


def count_points(ws: Workspace) -> int:
    """How many points there are of all series."""
    with ws.database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(points)).scalar_one())


class ExperimentSuite:
    """A subclass gives the fixture `ws`: an empty workspace on a `ManualClock`."""

    def test_an_experiment_is_read_back_as_it_was_made(self, ws: Workspace) -> None:
        made = experiments.create_experiment(ws, "iris", tags={"team": "bees"})
        assert experiments.get_experiment(ws, made.key) == experiments.find_experiment(ws, "iris") == made
        assert (made.artifact_root, made.stage) == (f"mlflow-artifacts:/{made.key}", "active")
        assert made.tags == {"team": "bees"}
        assert made.created == made.updated == ws.clock.now()
        assert facts(ws) == ["ExperimentCreated"]

    def test_the_default_experiment_is_always_there(self, ws: Workspace) -> None:
        assert experiments.get_experiment(ws, 0).name == "Default"
        assert experiments.find_experiment(ws, "Default") == experiments.get_experiment(ws, 0)
        assert runs.create_run(ws, 0).experiment == 0
        assert experiments.create_experiment(ws, "iris").key > 0
        with pytest.raises(ExperimentExists):
            experiments.create_experiment(ws, "Default")

    @pytest.mark.parametrize("act", ["run", "tag", "rename", "delete"])
    def test_the_default_experiment_is_made_by_whoever_needs_it(self, ws: Workspace, act: str) -> None:
        acts: dict[str, Any] = {
            "run": lambda: runs.create_run(ws, 0),
            "tag": lambda: experiments.set_experiment_tag(ws, 0, "a", "b"),
            "rename": lambda: experiments.update_experiment(ws, 0, "Old"),
            "delete": lambda: experiments.delete_experiment(ws, 0),
        }
        acts[act]()
        assert experiments.get_experiment(ws, 0).artifact_root == "mlflow-artifacts:/0"

    def test_a_taken_name_is_refused_also_by_a_deleted_experiment(self, ws: Workspace) -> None:
        made = experiments.create_experiment(ws, "iris")
        with pytest.raises(ExperimentExists, match="there is an experiment 'iris' already"):
            experiments.create_experiment(ws, "iris")
        experiments.delete_experiment(ws, made.key)
        with pytest.raises(ExperimentExists, match="a deleted experiment") as caught:
            experiments.create_experiment(ws, "iris")
        assert (caught.value.name, caught.value.stage) == ("iris", "deleted")

    def test_renaming(self, ws: Workspace) -> None:
        made, other = experiments.create_experiment(ws, "iris"), experiments.create_experiment(ws, "rose")
        now = later(ws)
        renamed = experiments.update_experiment(ws, made.key, "lily")
        assert (renamed.name, renamed.created, renamed.updated) == ("lily", made.created, now)
        assert experiments.update_experiment(ws, made.key, "lily").name == "lily"
        with pytest.raises(ExperimentExists):
            experiments.update_experiment(ws, made.key, other.name)
        experiments.delete_experiment(ws, made.key)
        with pytest.raises(NotActive, match="is deleted"):
            experiments.update_experiment(ws, made.key, "tulip")
        assert facts(ws)[2:] == ["ExperimentRenamed", "ExperimentDeleted"]

    def test_deleting_takes_every_run_along_and_restoring_brings_every_one_back(self, ws: Workspace) -> None:
        made = experiments.create_experiment(ws, "iris")
        first, second = (runs.create_run(ws, made.key).id for _ in range(2))
        runs.delete_run(ws, second)
        experiments.delete_experiment(ws, made.key)
        assert experiments.get_experiment(ws, made.key).stage == "deleted"
        assert stages(ws, first, second) == ["deleted", "deleted"]
        with pytest.raises(NotActive) as caught:
            runs.create_run(ws, made.key)
        assert (caught.value.what, caught.value.id, caught.value.stage) == ("experiment", str(made.key), "deleted")
        experiments.restore_experiment(ws, made.key)
        assert stages(ws, first, second) == ["active", "active"]  # as MLflow does
        assert facts(ws)[-2:] == ["ExperimentDeleted", "ExperimentRestored"]

    def test_only_what_is_there_is_deleted_and_only_what_is_deleted_restored(self, ws: Workspace) -> None:
        made = experiments.create_experiment(ws, "iris")
        with pytest.raises(ExperimentMissing):
            experiments.restore_experiment(ws, made.key)
        experiments.delete_experiment(ws, made.key)
        with pytest.raises(ExperimentMissing):
            experiments.delete_experiment(ws, made.key)

    @pytest.mark.parametrize("key", [77, -1, 2**63, -(2**70)])
    def test_an_unknown_experiment_is_not_found(self, ws: Workspace, key: int) -> None:
        for act in (
            lambda: experiments.get_experiment(ws, key),
            lambda: experiments.update_experiment(ws, key, "x"),
            lambda: experiments.delete_experiment(ws, key),
            lambda: experiments.set_experiment_tag(ws, key, "a", "b"),
            lambda: runs.create_run(ws, key),
        ):
            with pytest.raises(ExperimentMissing):
                act()
        assert experiments.experiments_by_key(ws, [key]) == []

    def test_tags_of_experiments(self, ws: Workspace) -> None:
        key = experiments.create_experiment(ws, "iris").key
        for value in ("old", "new"):
            experiments.set_experiment_tag(ws, key, "team", value)
        assert experiments.get_experiment(ws, key).tags == {"team": "new"}
        experiments.delete_experiment_tag(ws, key, "team")
        with pytest.raises(TagMissing):
            experiments.delete_experiment_tag(ws, key, "team")
        with pytest.raises(BadValue):
            experiments.set_experiment_tag(ws, key, "long", "x" * 20_001)
        experiments.delete_experiment(ws, key)
        with pytest.raises(NotActive):
            experiments.set_experiment_tag(ws, key, "team", "bees")

    def test_several_at_once_and_by_name(self, ws: Workspace) -> None:
        keys = [experiments.create_experiment(ws, name).key for name in ("a", "b", "c")]
        experiments.delete_experiment(ws, keys[2])
        assert [one.name for one in experiments.experiments_by_key(ws, [*reversed(keys), 99])] == ["c", "b", "a"]
        assert [one.name for one in experiments.list_experiments(ws)] == ["a", "b"]
        assert [one.name for one in experiments.list_experiments(ws, ["b"])] == ["b"]
        with pytest.raises(NotFound, match="there are: a, b"):
            experiments.list_experiments(ws, ["bb"])

    @pytest.mark.parametrize("name", STRANGE)
    def test_a_strange_name_works_everywhere(self, ws: Workspace, name: str) -> None:
        made = experiments.create_experiment(ws, name)
        assert experiments.find_experiment(ws, name) == made
        assert experiments.find_experiment(ws, f"{name}\0") is None

    @pytest.mark.parametrize("name", ["", "x" * 501, *UNSTORABLE])
    def test_a_name_that_cannot_be_one_changes_nothing(self, ws: Workspace, name: str) -> None:
        with pytest.raises(BadName):
            experiments.create_experiment(ws, name)
        assert facts(ws) == [] == experiments.list_experiments(ws)

    @pytest.mark.parametrize("root", ["runs:/1", "s3://b/../c", "s3://b/%2e%2e/c", "x" * 2049, "a\0"])
    def test_artifacts_lie_where_asked_unless_that_leads_elsewhere(self, ws: Workspace, root: str) -> None:
        made = experiments.create_experiment(ws, "s3", artifact_root="s3://bucket/x?region=eu")
        assert runs.create_run(ws, made.key, id="r").artifact_root == "s3://bucket/x/r/artifacts?region=eu"
        with pytest.raises(BadInput):
            experiments.create_experiment(ws, "iris", artifact_root=root)


class RunSuite:
    """A subclass gives the fixture `ws`: an empty workspace on a `ManualClock`."""

    def test_a_run_is_read_back_as_it_was_begun(self, ws: Workspace) -> None:
        key = experiments.create_experiment(ws, "iris").key
        made = runs.create_run(ws, key, name="first", actor="ada", started=5, tags={"a": "b"})
        assert runs.get_run(ws, made.id) == made
        assert (made.state, made.stage, made.started, made.ended) == ("running", "active", 5, None)
        assert made.tags == {"a": "b", "mlflow.runName": "first"}
        assert made.artifact_root == f"mlflow-artifacts:/{key}/{made.id}/artifacts"
        assert len(made.id) == 32
        assert int(made.id, 16)
        assert facts(ws) == ["ExperimentCreated", "RunStarted"]

    def test_a_run_without_a_name_gets_one(self, ws: Workspace) -> None:
        made = [runs.create_run(ws, 0) for _ in range(5)]
        assert all(run.name.count("-") == 2 and run.tags == {"mlflow.runName": run.name} for run in made)
        assert len({run.name for run in made}) > 1

    def test_the_name_and_its_tag_are_kept_in_step(self, ws: Workspace) -> None:
        run = runs.create_run(ws, 0, tags={"mlflow.runName": "tagged", "mlflow.user": "ada"})
        assert (run.name, run.actor) == ("tagged", "ada")
        assert runs.update_run(ws, run.id, name="renamed").tags["mlflow.runName"] == "renamed"
        runs.log_batch(ws, run.id, tags={"mlflow.runName": "again"})
        assert runs.get_run(ws, run.id).name == "again"
        runs.log_batch(ws, run.id, tags={"mlflow.runName": ""})
        assert runs.update_run(ws, run.id, name="").name == "again"
        with pytest.raises(TwoNames):
            runs.create_run(ws, 0, name="one", tags={"mlflow.runName": "two"})

    def test_an_id_of_ones_own(self, ws: Workspace) -> None:
        assert runs.create_run(ws, 0, id="run_1").id == "run_1"
        with pytest.raises(RunExists) as caught:
            runs.create_run(ws, 0, id="run_1")
        assert caught.value.id == "run_1"
        for bad in ("", "a/b", "..", "-a", "é", "x" * 201, "a\n"):
            with pytest.raises(BadName):
                runs.create_run(ws, 0, id=bad)

    def test_a_run_ends_and_is_taken_up_again(self, ws: Workspace) -> None:
        run = runs.create_run(ws, 0, started=5).id
        ended = runs.update_run(ws, run, state="finished", ended=9)
        assert (ended.state, ended.ended) == ("finished", 9)
        runs.update_run(ws, run, state="finished", ended=10)
        runs.update_run(ws, run, state="running")
        runs.update_run(ws, run, state="killed", ended=11)
        assert facts(ws) == ["RunStarted", "RunFinished", "RunResumed", "RunFailed"]
        for bad in (2**63, -(2**70), "soon"):
            with pytest.raises(BadInput):
                runs.update_run(ws, run, ended=bad)  # type: ignore[arg-type]
        with pytest.raises(BadInput, match="not 'done'"):
            runs.update_run(ws, run, state="done")  # type: ignore[arg-type]

    def test_a_deleted_run_is_read_and_not_written(self, ws: Workspace) -> None:
        run = runs.create_run(ws, 0).id
        for _ in range(2):
            runs.delete_run(ws, run)
        for act in (
            lambda: runs.log_batch(ws, run, [Point("a", 1.0, 1)]),
            lambda: runs.log_batch(ws, run, params={"a": "b"}),
            lambda: runs.update_run(ws, run, state="finished"),
        ):
            with pytest.raises(NotActive, match="is deleted"):
                act()
        assert runs.get_run(ws, run).metrics == {}
        for _ in range(2):
            runs.restore_run(ws, run)
        runs.log_batch(ws, run, params={"a": "b"})
        assert facts(ws) == ["RunStarted", "RunDeleted", "RunRestored"]

    @pytest.mark.parametrize("id", ["", "nobody", "'; --", "中", *UNSTORABLE])
    def test_an_unknown_run_is_told_with_those_there_are(self, ws: Workspace, id: str) -> None:
        runs.create_run(ws, 0, id="run_one")
        for act in (runs.get_run, runs.delete_run, runs.restore_run, runs.update_run, runs.log_batch):
            with pytest.raises(RunMissing, match="there are: run_one"):
                act(ws, id)

    def test_runs_by_key_are_in_the_order_asked_for(self, ws: Workspace) -> None:
        made = [runs.create_run(ws, 0, tags={"n": str(number)}) for number in range(5)]
        runs.log_batch(ws, made[3].id, [Point("loss", 0.5, 7, 1)], {"rate": "0.1"})
        asked = [made[number].key for number in (3, 0, 4)]
        found = runs.runs_by_key(ws, [*asked, 10_000])
        assert [run.id for run in found] == [made[number].id for number in (3, 0, 4)]
        assert (found[0].metrics, found[0].params) == ({"loss": Point("loss", 0.5, 7, 1)}, {"rate": "0.1"})
        assert runs.runs_by_key(ws, []) == []

    def test_a_run_is_found_by_the_beginning_of_its_id(self, ws: Workspace) -> None:
        for id in ("abc_1", "abc_12", "abd_3"):
            runs.create_run(ws, 0, id=id)
        assert [runs.find_run(ws, prefix).id for prefix in ("abd", "abc_12", "abc_1")] == ["abd_3", "abc_12", "abc_1"]
        with pytest.raises(BadInput, match="more than one run: abc_12, abc_1"):
            runs.find_run(ws, "abc")
        for nobody in ("", "abc%", "x", "a\0"):
            with pytest.raises(RunMissing):
                runs.find_run(ws, nobody)
