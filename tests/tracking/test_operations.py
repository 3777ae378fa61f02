"""A run is begun once, told what it was given and measured, and ended once."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from noria.config.settings import settings_for
from noria.core.clock import ManualClock
from noria.core.errors import BadInput, Conflict, NotFound
from noria.tracking.experiments import NotActive, create_experiment, delete_experiment, find_experiment, get_experiment
from noria.tracking.model import Run
from noria.tracking.operations import (
    BadMetric,
    finish_run,
    get_run,
    list_runs,
    log_metrics,
    log_params,
    start_run,
)
from noria.tracking.tables import points
from noria.workspace.workspace import Workspace, open_workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path, settings_for(tmp_path, {}, {}), ManualClock(1000))


def facts(ws: Workspace) -> list[str]:
    return [entry.kind for entry in ws.journal.read()]


def values(run: Run) -> dict[str, float]:
    return {name: point.value for name, point in run.metrics.items()}


def test_a_run_from_beginning_to_end(ws: Workspace) -> None:
    run = start_run(ws, "lateness", "turn", {"at": 5})
    log_params(ws, run, {"rate": 0.1, "kind": "l2", "layers": [1, 2]})
    log_params(ws, run, {"rate": 0.2})
    log_metrics(ws, run, {"auc": 0.7, "rows": 12})
    finish_run(ws, run, "finished", "well done")
    found = get_run(ws, run)
    assert (found.state, found.inputs, found.note) == ("finished", {"at": 5}, "well done")
    assert found.params == {"rate": "0.2", "kind": "l2", "layers": "[1,2]"}
    assert values(found) == {"auc": 0.7, "rows": 12.0}
    assert (found.started, found.ended) == (1000, 1000)
    assert facts(ws) == ["ExperimentCreated", "RunStarted", "RunFinished"]
    experiment = get_experiment(ws, found.experiment)
    assert (experiment.name, found.model, found.name) == ("lateness", "lateness", "turn")


def test_beginning_and_ending_again_change_nothing(ws: Workspace) -> None:
    for _ in range(2):
        assert start_run(ws, "lateness", "turn", {"at": 5}, run="run_1") == "run_1"
    finish_run(ws, "run_1", "failed", "no rows")
    finish_run(ws, "run_1", "finished")
    assert (get_run(ws, "run_1").state, get_run(ws, "run_1").note) == ("failed", "no rows")
    assert facts(ws) == ["ExperimentCreated", "RunStarted", "RunFailed"]
    with pytest.raises(Conflict, match="is a turn of lateness, not a turn of weather"):
        start_run(ws, "weather", "turn", {}, run="run_1")


def test_newest_first_and_by_model(ws: Workspace) -> None:
    for number, model in enumerate(["a", "b", "a"]):
        assert isinstance(ws.clock, ManualClock)
        ws.clock.advance_to(2000 + number)
        log_metrics(ws, start_run(ws, model, "turn", {}, run=f"run_{number}"), {"n": number})
    assert [run.id for run in list_runs(ws)] == ["run_2", "run_1", "run_0"]
    assert [values(run) for run in list_runs(ws, "a")] == [{"n": 2.0}, {"n": 0.0}]
    assert [run.id for run in list_runs(ws, limit=1)] == ["run_2"]
    assert list_runs(ws, limit=-1) == list_runs(ws, "nobody") == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.5", None, 10**400])
def test_what_is_no_finite_number_is_no_metric(ws: Workspace, value: float) -> None:
    run = start_run(ws, "lateness", "turn", {})
    with pytest.raises(BadMetric, match="auc"):
        log_metrics(ws, run, {"good": 1.0, "auc": value})
    assert get_run(ws, run).metrics == {}


def test_an_unknown_run_is_told_with_those_there_are(ws: Workspace) -> None:
    start_run(ws, "lateness", "turn", {}, run="run_one")
    for act in (
        lambda: get_run(ws, "run_onf"),
        lambda: log_metrics(ws, "run_onf", {"a": 1.0}),
        lambda: log_params(ws, "run_onf", {"a": 1}),
        lambda: finish_run(ws, "run_onf", "failed"),
    ):
        with pytest.raises(NotFound, match="there are: run_one"):
            act()


def test_bad_names_and_states_are_refused(ws: Workspace) -> None:
    run = start_run(ws, "lateness", "turn", {})
    with pytest.raises(BadInput, match="1 to 255"):
        log_params(ws, run, {"n" * 256: 1})
    with pytest.raises(BadInput, match="1 to 255"):
        log_metrics(ws, run, {"": 1.0})
    with pytest.raises(BadInput, match="finished or failed"):
        finish_run(ws, run, "running")  # type: ignore[arg-type]


def test_a_turn_that_starts_over_tells_nothing_twice(ws: Workspace) -> None:
    for _ in range(2):
        start_run(ws, "lateness", "turn", {}, run="run_1")
        log_params(ws, "run_1", {"rate": 0.1})
        log_metrics(ws, "run_1", {"auc": 0.7})
    with ws.database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(points)).scalar() == 1


def test_a_turn_joins_the_experiment_that_is_there(ws: Workspace) -> None:
    made = create_experiment(ws, "lateness")
    assert get_run(ws, start_run(ws, "lateness", "turn", {})).experiment == made.key
    delete_experiment(ws, made.key)
    assert list_runs(ws) == []
    with pytest.raises(NotActive, match="restore it first"):
        start_run(ws, "lateness", "turn", {})
    assert find_experiment(ws, "lateness") == get_experiment(ws, made.key)
