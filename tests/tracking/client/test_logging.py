"""A log call keeps what it was given, or counts why not; it never raises."""

from __future__ import annotations

import itertools
import json
import math
import resource
import shutil
import signal
import sys
import threading
import time
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import noria
from noria.tracking.client.process import PROCESS
from noria.tracking.client.run import AXES
from noria.tracking.records import Begun, Ended, Kept, Params, Row, Tags


class Tensor:
    """As a tensor with one element is, or with several."""

    def __init__(self, *values):
        self.values = values

    def item(self):
        if len(self.values) != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.values[0]


class Hostile:
    """Raises whatever is done with it."""

    def __float__(self):
        raise RuntimeError("no")

    __str__ = __repr__ = __int__ = __float__

    def __getattr__(self, name):
        raise RuntimeError("no")


def problems(spooled):
    tags = [one.values for one in spooled() if isinstance(one, Tags)]
    told = [one["noria.problems"] for one in tags if "noria.problems" in one]
    return json.loads(told[-1]) if told else {}


def test_a_run_tells_its_whole_story(spooled):
    with noria.run("baseline", experiment="flights", params={"depth": 6, "kind": "l2"}, tags={"team": "a"}) as run:
        noria.log_metric("loss", 0.3, step=7)
        noria.log_metrics({"loss": 0.2, "auc": 0.8}, step=8, epoch=2, samples=12_800)
        noria.log_metrics({"loss": 0.1}, step=9, axes={"epoch": 3})
        noria.set_tags({"team": "b"})
        noria.log_artifact("It went well.", "notes/today.txt")
    begun, *rest, ended = spooled()
    assert isinstance(begun, Begun)
    assert (begun.run, begun.experiment, begun.name, begun.owner) == (run.id, "flights", "baseline", True)
    assert isinstance(ended, Ended)
    assert (ended.state, ended.inferred, ended.session) == ("finished", False, begun.session)
    assert {one.run for one in rest} == {run.id}
    assert [one.values for one in rest if isinstance(one, Params)] == [{"depth": "6", "kind": "l2"}]
    assert [(one.step, one.values) for one in rest if isinstance(one, Row)] == [
        (7, {"loss": 0.3}),
        (8, {"loss": 0.2, "auc": 0.8, "epoch": 2.0, "samples": 12_800.0}),
        (9, {"loss": 0.1, "epoch": 3.0}),
    ]
    kept = next(one for one in rest if isinstance(one, Kept))
    assert (kept.path, kept.size) == ("notes/today.txt", len("It went well."))
    assert [one.values["team"] for one in rest if isinstance(one, Tags) and "team" in one.values] == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (1, 1.0), (True, 1.0), (0.25, 0.25), (np.float32(0.5), 0.5), (np.int64(7), 7.0), (np.array(3.0), 3.0),
        (np.array([[2.0]]), 2.0), (Tensor(0.125), 0.125), (Decimal("0.5"), 0.5), (np.float64(1e300), 1e300),
        (float("inf"), float("inf")), (float("-inf"), float("-inf")), (-0.0, 0.0), (2**63, 2.0**63),
    ],
)  # fmt: skip
def test_whatever_is_a_number_is_kept(series, value, kept):
    noria.log_metric("x", value, step=1)
    assert series("x") == [(1, kept)]


def test_nan_is_kept(series):
    noria.log_metric("x", float("nan"))
    assert math.isnan(series("x")[0][1])


@pytest.mark.parametrize(
    "value",
    ["abc", "0.3", b"1", None, 1j, [1.0], {}, np.array([1.0, 2.0]), Tensor(1, 2), Tensor("x"), Tensor(None), 10**400,
     Hostile(), object(), float],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_no_number_is_counted_and_told_once(series, spooled, value, capsys):
    with noria.run():
        noria.log_metric("x", value)
        noria.log_metrics({"x": value, "good": 1.5}, step=3)
        noria.log_metric("good", 2.5, step=4)
    assert (series("x"), series("good")) == ([], [(3, 1.5), (4, 2.5)])
    assert problems(spooled) == {"BadValue": 2}
    assert capsys.readouterr().err.count("N2241") == 1


@pytest.mark.parametrize(
    "name",
    ["", None, 7, "x" * 251, "x" * 1_000_000, "a\nb", "a\0b", "\ud800", ["list"], Hostile()],
    ids=itertools.count(),
)
def test_a_name_that_is_none_is_counted(spooled, name, capsys):
    with noria.run():
        noria.log_metric(name, 1.0)
        noria.log_params({name: 1} if isinstance(name, str | int | None) else name)
        noria.set_tags({name: 1} if isinstance(name, str | int | None) else name)
        noria.log_metric("good", 1.0)
    rows = [one.values for one in spooled() if isinstance(one, Row)]
    assert rows == [{"good": 1.0}]
    assert sum(problems(spooled).values()) == 3
    assert len(capsys.readouterr().err) < 2_000


@pytest.mark.parametrize("step", [1.5, "x", 2**63, -(2**63) - 1, float("nan"), float("inf"), [1], Hostile()],
                         ids=lambda step: type(step).__name__)  # fmt: skip
def test_a_step_that_is_none_is_counted(series, spooled, step):
    with noria.run():
        noria.log_metric("x", 1.0, step=step)
        noria.log_metrics({"x": 1.0}, step=step)
        noria.log_metric("x", 2.0, step=2)
    assert series("x") == [(2, 2.0)]
    assert problems(spooled) == {"BadValue": 2}


def test_steps_may_be_of_any_kind_of_whole_number_and_count_by_themselves(series):
    for step in (np.int64(5), 6.0, True, Tensor(8), -(2**63), 2**63 - 1):
        noria.log_metric("given", 1.0, step=step)
    assert [step for step, _ in series("given")] == [5, 6, 1, 8, -(2**63), 2**63 - 1]
    for _ in range(3):
        noria.log_metric("counted", 1.0)
    noria.log_metric("counted", 1.0, step=10)
    noria.log_metrics({"counted": 2.0, "other": 1.0})
    assert [step for step, _ in series("counted")] == [0, 1, 2, 10, 11]
    assert series("other") == [(11, 1.0)]


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.integers())
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(name=st.one_of(st.text(), values), value=values, step=values)
def test_nothing_that_is_handed_over_raises(folder, name, value, step):
    noria.log_metric(name, value, step)
    noria.log_metrics(value, step, name)
    noria.log_metrics({"a": value}, step, {"b": step})
    noria.log_params(value)
    noria.set_tags({"a": value})
    noria.log_artifact(value, name if name != "." else None)


def test_params_and_tags_become_texts(spooled):
    noria.log_params(
        {"text": "a", "number": 0.1, "none": None, "parts": {"a": [1, 2]}, "half": "\ud800", "big": "x" * 200_000}
    )
    found = {}
    for one in spooled():
        found |= one.values if isinstance(one, Params) else {}
    assert found == {"text": "a", "number": "0.1", "none": "None", "parts": '{"a": [1, 2]}', "half": "?"}


def test_without_a_run_the_first_call_starts_one_and_threads_share_it(spooled):
    def work(number):
        for step in range(50):
            noria.log_metric(f"series {number}", step, step=step)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = spooled()
    assert len([one for one in found if isinstance(one, Begun)]) == 1
    rows = [one for one in found if isinstance(one, Row)]
    assert len(rows) == 400
    for number in range(8):
        assert [row.step for row in rows if f"series {number}" in row.values] == list(range(50))


def test_runs_in_threads_of_their_own_do_not_mix_and_nested_ones_are_children(spooled):
    ready = threading.Barrier(2)

    def trial(number):
        with noria.run(f"trial {number}"):
            ready.wait()
            noria.log_metric("which", number)

    threads = [threading.Thread(target=trial, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = {one.run: one.name for one in spooled() if isinstance(one, Begun)}
    assert {names[one.run]: one.values["which"] for one in spooled() if isinstance(one, Row)} == {
        "trial 0": 0,
        "trial 1": 1,
    }

    with noria.run("outer", experiment="e") as outer, noria.run("inner") as inner:
        noria.log_metric("x", 1.0)
    tags = {one.run: one.values for one in spooled() if isinstance(one, Tags) and "mlflow.parentRunId" in one.values}
    assert tags[inner.id]["mlflow.parentRunId"] == outer.id
    assert next(one for one in spooled() if isinstance(one, Begun) and one.run == inner.id).experiment == "e"


def test_after_the_end_nothing_is_taken_and_that_is_told(spooled, capsys):
    with noria.run() as run:
        run.log_metric("x", 1.0)
    before = spooled()
    run.log_metric("x", 2.0)
    run.log_params({"a": 1})
    run.log_artifact(b"x", "x")
    run.end()
    assert spooled() == before
    assert "has ended" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "state"),
    [(ValueError("x"), "failed"), (KeyboardInterrupt(), "killed"), (SystemExit(0), "finished"),
     (SystemExit(2), "failed"), (SystemExit("told"), "failed"), (SystemExit(143), "killed")],
)  # fmt: skip
def test_an_exception_goes_through_and_says_how_the_run_ended(spooled, error, state):
    with pytest.raises(type(error)), noria.run():
        raise error
    assert spooled()[-1].state == state


def test_axes_are_remembered(spooled):
    with noria.run() as run:
        run.define_axis("val_*", "epoch")
        run.define_axis("loss", "samples")
        run.define_axis(7, "samples")
    tags = [one.values[AXES] for one in spooled() if isinstance(one, Tags) and AXES in one.values]
    assert json.loads(tags[-1]) == {"val_*": "epoch", "loss": "samples"}


def test_a_clock_that_jumps_back_loses_no_point_and_no_run_ends_before_it_began(spooled, series, monkeypatch):
    now = 1_800_000_000_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: now)
    with noria.run():
        noria.log_metric("x", 1.0)
        now -= 3_600_000_000_000
        noria.log_metric("x", 2.0)
    assert series("x") == [(0, 1.0), (1, 2.0)]
    assert spooled()[-1].at >= spooled()[0].at


def test_a_full_disk_is_told_and_when_there_is_room_again_it_goes_on(series, spooled, capsys):
    with noria.run() as run:
        noria.log_metric("x", 1.0)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (700, before[1]))
        try:
            for step in range(1, 50):
                noria.log_metric("x", float(step), step=step)
            noria.log_artifact(b"x" * 10_000, "large")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)
        noria.log_metric("x", 100.0, step=100)
        lost = run._recorder.problems["disk full"]
    kept = series("x")
    assert [step for step, _ in kept] == [*range(len(kept) - 1), 100]
    assert len(kept) + lost == 1 + 49 + 1 + 1
    assert problems(spooled) == {"disk full": lost}
    assert capsys.readouterr().err.count("no room left") == 1
    assert not [one for one in spooled() if isinstance(one, Kept)]


def test_where_nothing_can_be_written_the_users_home_is_taken(folder, spooled, tmp_path):
    (folder / ".noria").write_text("a file where a folder should be")
    with noria.run():
        noria.log_metric("x", 1.0)
    assert [one.values for one in spooled(tmp_path / "user" / ".noria") if isinstance(one, Row)] == [{"x": 1.0}]


def test_where_nothing_can_be_written_at_all_training_goes_on(folder, monkeypatch, tmp_path, capsys):
    (folder / ".noria").write_text("a file")
    (tmp_path / "user").write_text("a file")
    with noria.run(params={"a": 1}) as run:
        for step in range(100):
            noria.log_metric("x", 1.0, step=step)
        noria.log_artifact(b"x", "x")
    assert sum(run._recorder.problems.values()) > 100
    assert len(capsys.readouterr().err.splitlines()) < 12


def test_a_program_whose_folder_was_deleted_goes_on(folder):
    shutil.rmtree(folder)
    with noria.run():
        noria.log_metric("x", 1.0)


def test_every_argument_of_a_run_may_be_nonsense(folder, capsys):
    for nonsense in ("x" * 1_000_000, "\0", 7, None, object(), Hostile()):
        with noria.run(nonsense, experiment=nonsense, id=nonsense, params=nonsense, tags=nonsense) as run:
            run.log_metric("x", 1.0)
            assert 0 < len(run.id) <= 250
    assert PROCESS.current() is None
    assert len(capsys.readouterr().err) < 30_000


def test_importing_it_is_light():
    heavy = {"sqlalchemy", "numpy", "pandas", "httpx", "pyarrow", "alembic", "psutil", "http.client"}
    code = f"import sys, noria; noria.run; noria.log_metric; print({heavy!r} & set(sys.modules))"
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
