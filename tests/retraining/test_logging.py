"""What a training function logs belongs to the turn's run, once, and is no part of what the turn is cached by."""

from __future__ import annotations

import pytest

from noria.core.clock import SystemClock
from noria.testing.workspace import make_workspace
from noria.tracking import operations as tracking
from noria.tracking.history import whole
from noria.training.fingerprint import fingerprint

LOGS = """    return Booster(learning_rate=learning_rate, max_iter=max_iter, max_leaf_nodes=leaves())"""
LOGGED = (
    """    import noria

    for step in range(25):
        noria.log_metric("loss", 1.0 / (step + 1), step=step)
    noria.log_metrics({"auc": 0.5}, step=3, epoch=1)
    noria.set_tags({"learner": "trees"})
"""
    + LOGS
)


@pytest.fixture
def turns(flights):
    """The turns of a project whose training function logs: (report of a turn, its tracking run)."""
    flights.edit("recipe.py", LOGS, LOGGED)
    ws = make_workspace(flights.root, SystemClock())

    def turn(*arguments):
        (report,) = flights.noria("run", "--as-of", "2013-02-20", *arguments)
        return report, tracking.list_runs(ws, "lateness")

    turn.ws, turn.project = ws, flights
    yield turn
    ws.close()


def test_a_training_function_logs_to_the_turns_run(turns):
    report, (run,) = turns()
    assert report["outcome"] == "promoted"
    assert report["run"] == run.id
    assert (run.state, run.tags["learner"]) == ("finished", "trees")
    assert {"auc", "epoch", "loss"} <= set(run.metrics)
    points = whole(turns.ws, run.id, "loss")
    assert points.step.tolist() == list(range(25))
    assert points.value.tolist() == [1.0 / (step + 1) for step in range(25)]
    assert not list((turns.project.root / ".noria" / "tracking").iterdir())


def test_a_turn_that_takes_its_training_from_the_cache_logs_nothing_again(turns):
    _, (first,) = turns()
    report, found = turns("--fresh")
    assert report["outcome"] == "unchanged"
    assert [one.id for one in found] == [first.id]
    turns.project.edit("flights.py", "auc >= 0.6", "auc >= 0.61")
    report, found = turns()
    assert (report["version"], len(found)) == (2, 2)
    newest = next(one for one in found if one.id != first.id)
    assert "loss" not in newest.metrics
    assert whole(turns.ws, first.id, "loss").size == 25


def test_a_training_function_that_fails_leaves_what_it_logged_in_a_failed_run(turns):
    turns.project.edit("recipe.py", LOGS, "    raise ValueError('diverged')")
    process = turns.project.start("run", "--as-of", "2013-02-20")
    assert process.wait(120) == 1
    (run,) = tracking.list_runs(turns.ws, "lateness")
    assert run.state == "failed"
    assert "diverged" in run.note
    assert whole(turns.ws, run.id, "loss").size == 25


def test_logging_is_no_part_of_a_fingerprint(tmp_path, monkeypatch):
    import noria

    def training():
        noria.log_metric("loss", 0.5)

    def by_name():
        log_metric("loss", 0.5)

    from noria import log_metric

    before = fingerprint(training), fingerprint(by_name)
    monkeypatch.chdir(tmp_path)
    with noria.run(to="offline", console=False, system=False, code=False, environment=False):
        training()
        by_name()
        assert (fingerprint(training), fingerprint(by_name)) == before
    assert (fingerprint(training), fingerprint(by_name)) == before
    assert not [part for one in before for part in one.parts if part.startswith("noria.")]
    assert [one.warnings for one in before] == [(), ()]
