"""Native models in a process of their own: answers equal, deaths are survived, memory is bounded."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from homemade import Doubling, Glutton

from noria.core.errors import BadInput
from noria.features.model import InputColumn
from noria.optimization import native
from noria.serving.batching import Lane
from noria.serving.model import LaneRules
from noria.serving.workers.native_scorer import NativeScorer, WorkerDied, WorkerFailed
from noria.workspace.workspace import Workspace

X = (InputColumn("x", "float"),)
Opener = Callable[..., NativeScorer]


@pytest.fixture
def opened(ws: Workspace) -> Iterator[Opener]:
    scorers: list[NativeScorer] = []

    def open_one(model: object, columns=X, frame: str = "pandas", task: str = "regression", **options) -> NativeScorer:
        path = ws.blobs.path(native.save(ws, model))
        scorers.append(NativeScorer(path, columns, frame, task, **options))
        return scorers[-1]

    yield open_one
    for one in scorers:
        one.close()


def test_answers_come_from_another_process_and_the_server_loads_no_pickle(opened: Opener) -> None:
    scorer = opened(Doubling())
    assert scorer.predict({"x": [1.0, 2.5, 3]}).tolist() == [2, 5, 6]
    assert scorer.predict_row({"x": 4.0}) == 8
    assert scorer.kind == "Doubling"
    assert scorer.pid not in (None, os.getpid())


@pytest.mark.parametrize(
    ("library", "frame"),
    [*(("sklearn", frame) for frame in ("pandas", "numpy", "polars")), ("xgboost", "numpy"), ("lightgbm", "numpy")],
)
def test_estimators_answer_as_they_do_here(opened: Opener, library: str, frame: str) -> None:
    module = importlib.import_module(library)
    rng = np.random.default_rng(1)
    data = rng.normal(size=(200, 2))
    late = (data[:, 0] > data[:, 1] / 2).astype(int)
    if library == "sklearn":
        from sklearn.naive_bayes import GaussianNB

        model = GaussianNB()
    else:
        model = (module.XGBClassifier if library == "xgboost" else module.LGBMClassifier)(n_estimators=5)
    model.fit(data, late)
    columns = (InputColumn("a", "float"), InputColumn("b", "float"))
    scorer = opened(model, columns, frame, "classification")
    answers = scorer.predict({"a": data[:, 0].tolist(), "b": data[:, 1].tolist()})
    np.testing.assert_allclose(answers, model.predict_proba(data)[:, 1], rtol=1e-12)


def test_a_killed_worker_is_started_again_and_the_request_in_flight_is_answered(opened: Opener) -> None:
    scorer = opened(Doubling(seconds=0.2))
    assert scorer.predict_row({"x": 1}) == 2
    killed = scorer.pid
    lane = Lane("doubling", scorer.predict, ["x"], LaneRules())
    asked = lane.ask([{"x": 5.0}])
    os.kill(killed, signal.SIGKILL)
    assert asked.result(60) == [10]
    assert scorer.starts == 2
    assert scorer.pid != killed
    lane.close()


def test_a_row_that_kills_every_worker_fails_alone(opened: Opener) -> None:
    scorer = opened(Doubling(seconds=0.1))
    lane = Lane("doubling", scorer.predict, ["x"], LaneRules())
    first = lane.ask([{"x": 1.0}])
    others = [lane.ask([{"x": x}]) for x in (2.0, 666.0, 3.0)]
    assert first.result(60) == [2]
    assert others[0].result(60) == [4]
    with pytest.raises(WorkerDied, match="exit status 9"):
        others[1].result(60)
    assert others[2].result(60) == [6]
    lane.close()


def test_a_worker_that_keeps_dying_rests(opened: Opener) -> None:
    scorer = opened(Doubling())
    for _ in range(3):
        with pytest.raises(WorkerDied, match="exit status 9"):
            scorer.predict_row({"x": 666})
    with pytest.raises(WorkerDied, match="3 times in a row"):
        scorer.predict_row({"x": 1})
    assert scorer.starts == 3


def test_what_the_model_refuses_is_told_and_the_worker_lives_on(opened: Opener) -> None:
    scorer = opened(Doubling())
    with pytest.raises(BadInput, match="no negative numbers"):
        scorer.predict_row({"x": -1})
    with pytest.raises(BadInput, match=r"could not convert|Could not convert"):
        scorer.predict_row({"x": "three"})
    with pytest.raises(BadInput, match="no column 'x'"):
        scorer.predict({"y": [1]})
    assert scorer.predict_row({"x": 3}) == 6
    assert scorer.starts == 1


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux")
def test_memory_is_bounded(opened: Opener) -> None:
    scorer = opened(Glutton(), memory=8 << 30)
    with pytest.raises(BadInput, match=r"MemoryError|allocate"):
        scorer.predict_row({"x": 1})


def test_a_model_that_cannot_be_opened_says_why(ws: Workspace) -> None:
    path = ws.blobs.path(ws.blobs.put(b"no pickle"))
    with pytest.raises(WorkerFailed, match="cannot be opened"):
        NativeScorer(path, X, "pandas", "regression").predict_row({"x": 1})
    damaged = ws.blobs.path(native.save(ws, Doubling()))
    content = damaged.read_bytes()
    elsewhere = Path(str(damaged)[:-1] + ("0" if str(damaged)[-1] != "0" else "1"))
    elsewhere.write_bytes(content)
    with pytest.raises(WorkerFailed, match="damaged"):
        NativeScorer(elsewhere, X, "pandas", "regression").predict_row({"x": 1})


def test_many_threads_may_ask_at_once(opened: Opener) -> None:
    scorer = opened(Doubling())
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda n: scorer.predict_row({"x": n}), range(100))) == [2 * n for n in range(100)]
    scorer.close()
    scorer.close()
    with pytest.raises(WorkerDied, match="not served"):
        scorer.predict_row({"x": 1})
