"""The same points in MLflow's own store: the same history, the same newest point, the same sample of a short series."""

from __future__ import annotations

import json
import math
import random
import subprocess

import pytest

from noria.testing import rivals
from noria.testing.history_oracle import HistoryFixtures
from noria.tracking import history
from noria.tracking.model import Point

MLFLOW = """
import json, sys
from mlflow.entities import Metric
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
folder = sys.argv[1]
store = SqlAlchemyStore(f"sqlite:///{folder}/mlflow.db", folder)
experiment = store.create_experiment("flights")
def told(metrics):
    return [(one.step, one.timestamp, repr(one.value)) for one in metrics]
answers = []
for case in json.load(open(f"{folder}/cases.json")):
    run = store.create_run(experiment, "ada", 0, [], "run").info.run_id
    points = [Metric("loss", float(value), at, step) for step, at, value in case["points"]]
    for start in range(0, len(points), 1000):
        store.log_batch(run, points[start : start + 1000], [], [])
    samples = [store.get_metric_history_bulk_interval([run], "loss", *ask) for ask in case["asks"]]
    answers.append({
        "history": told(store.get_metric_history(run, "loss")),
        "samples": [told(sample) for sample in samples],
        "newest": repr(store.get_run(run).data.metrics["loss"]),
    })
json.dump(answers, open(f"{folder}/answers.json", "w"))
"""


def some_case(chance: random.Random, count: int) -> dict[str, object]:
    """Points in no order, with ties of every kind, and what to ask about them: limit, first step, last step."""
    far = count if chance.random() < 0.5 else 4
    values = [0.0, 1.0, math.nan, math.inf, -math.inf, chance.random(), chance.random()]
    points = [(chance.randint(-3, far), chance.randint(0, far), chance.choice(values)) for _ in range(count)]
    asks = [(limit, None, None) for limit in chance.sample([1, 2, 3, 10, 320, 2500], 3)]
    return {"points": points, "asks": [*asks, (7, 0, 3), (320, 0, count // 2)]}


class TestBesideMlflow(HistoryFixtures):
    @pytest.fixture
    def database(self, sqlite):
        return sqlite

    def test_it_answers_as_mlflow_does(self, ws, tmp_path):
        chance = random.Random(5)
        cases = [some_case(chance, count) for count in (1, 2, 3, 50, 319, 320, 321, 640, 1000, 2501)]
        (tmp_path / "cases.json").write_text(json.dumps(cases))
        subprocess.run([rivals.python("mlflow"), "-c", MLFLOW, str(tmp_path)], check=True)
        answers = json.loads((tmp_path / "answers.json").read_text())
        for number, (case, answer) in enumerate(zip(cases, answers, strict=True)):
            run = self.new_run(ws)
            run.log(*(Point("loss", value, at, step) for step, at, value in case["points"]))
            if number % 2:
                history.seal(ws, run.id, force=True)
            assert told(history.whole(ws, run.id, "loss")) == answer["history"]
            for (limit, first, last), sample in zip(case["asks"], answer["samples"], strict=True):
                got = history.sample(ws, [run.id], "loss", limit=limit, first_step=first, last_step=last)
                assert told(got[run.id]) == sample
            _, _, value, is_nan = run.latest()["loss"]
            assert repr(math.nan if is_nan else value) == answer["newest"]


def told(columns):
    rows = zip(columns.step.tolist(), columns.at.tolist(), columns.value.tolist(), strict=True)
    return [[step, at, repr(value)] for step, at, value in rows]
