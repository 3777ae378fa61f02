"""A training loop written for TensorBoard logs to Noria when one import line changes."""

from __future__ import annotations

import json
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foreign import Walked, walk
from noria.integrations.tensorboard import SummaryWriter
from noria.testing.workspace import make_workspace
from noria.tracking import runs
from noria.tracking.experiments import list_experiments
from noria.tracking.outgoing import give_out
from noria.tracking.search.runs import search_runs


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a project's database, which programs run in it log to."""
    make_workspace(tmp_path).close()
    monkeypatch.chdir(tmp_path)
    for what in ("CODE", "ENVIRONMENT", "CONSOLE", "SYSTEM"):
        monkeypatch.setenv(f"NORIA_CAPTURE_{what}", "0")
    monkeypatch.setenv("NORIA_FLUSH_SECONDS", "30")
    return tmp_path


def logged(project: Path) -> dict[str, Walked]:
    ws = make_workspace(project)
    found = search_runs(ws, [one.key for one in list_experiments(ws)], "", [], limit=100)
    walked = {run.name: walk(run) for run in give_out(ws, runs.runs_by_key(ws, found.keys))}
    ws.close()
    return walked


def test_a_training_loop(project: Path) -> None:
    import matplotlib.pyplot as plt

    writer = SummaryWriter("runs/first", experiment="flights", purge_step=None, max_queue=10, flush_secs=120)
    for step in range(10):
        writer.add_scalar("loss", np.float32(0.5) ** step, step, walltime=1.0)
        writer.add_scalars("acc", {"train": step / 10, "val": step / 20}, np.int64(step))
    writer.add_text("note", "hello *world*", 3)
    writer.add_histogram("weights", np.array([0.0, 1.0, 1.0, 5.0, np.nan]), 1)
    writer.add_image("img", np.ones((3, 4, 5)), 2)
    writer.add_image("grey", np.full((6, 7), 9, dtype=np.uint8), 0, dataformats="HW")
    writer.add_images("batch", np.zeros((2, 3, 4, 4)), 1)
    figure, axes = plt.subplots()
    axes.plot([1, 2])
    writer.add_figure("figure", figure, 4)
    assert not plt.fignum_exists(figure.number)
    writer.add_hparams({"lr": 0.1, "flag": True}, {"hp/acc": 0.75})
    writer.add_hparams({"lr": 0.2}, {"hp/acc": 0.5}, run_name="second")
    writer.flush()
    writer.close()
    found = logged(project)
    assert set(found) == {"first", "second"}
    first = found["first"]
    assert first.run.experiment == "flights" and first.run.state == "finished"
    assert [point[::2] for point in first.points["loss"]] == [(step, 0.5**step) for step in range(10)]
    assert [value for _, _, value in first.points["acc/val"]] == [step / 20 for step in range(10)]
    assert first.run.params == {"lr": "0.1", "flag": "True"} and first.values("hp/acc") == [0.75]
    assert found["second"].run.parent == first.run.origin and found["second"].run.params == {"lr": "0.2"}
    assert first.files["tensorboard/text/note/3.md"] == b"hello *world*"
    histogram = json.loads(first.files["tensorboard/histograms/weights/1.json"])
    assert (histogram["num"], sum(histogram["bucket"]), histogram["max"], histogram["not_finite"]) == (4, 4, 5, 1)
    assert len(histogram["edges"]) == len(histogram["bucket"]) + 1
    picture = Image.open(BytesIO(first.files["tensorboard/images/img/2.png"]))
    assert (picture.size, picture.mode, picture.getpixel((0, 0))) == ((5, 4), "RGB", (255, 255, 255))
    assert Image.open(BytesIO(first.files["tensorboard/images/grey/0.png"])).mode == "L"
    assert {"tensorboard/images/batch/0/1.png", "tensorboard/images/figure/4.png"} <= set(first.files)


def test_nothing_raises_into_the_training(project: Path) -> None:
    with SummaryWriter("runs/odd") as writer:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            writer.add_scalar("loss", "no number", 0)
            writer.add_histogram("empty", [], 0)
            writer.add_image("img", np.zeros((2, 2)), 0)
            writer.add_figure("figure", object(), 0)
            writer.add_graph(object())
            writer.add_graph(object())
        writer.add_text("../../etc/passwd", "x", 1)
        writer.add_scalar("good", 1.5)
    assert sum("add_graph is not kept" in str(one.message) for one in told) == 1
    found = logged(project)["odd"]
    assert found.values("good") == [1.5]
    assert list(found.files) == ["tensorboard/text/etc/passwd/1.md"]


def test_a_training_that_fails(project: Path) -> None:
    with pytest.raises(ZeroDivisionError), SummaryWriter("runs/failing") as writer:
        writer.add_scalar("loss", 1.0, 0)
        raise ZeroDivisionError
    assert logged(project)["failing"].run.state == "failed"
