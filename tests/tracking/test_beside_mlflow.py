"""The same random stories in MLflow's own store and in ours, on both databases: the same refusals, the same end."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from noria.core.errors import BadInput, NoriaError, NotFound
from noria.testing import rivals
from noria.tracking import experiments, inputs, logged_models, runs
from noria.tracking.experiments import ExperimentExists, NotActive
from noria.tracking.model import Dataset, DatasetInput, ModelLink, Point
from noria.workspace.workspace import Workspace

STORIES = 60
NAMES = ["a", "b", "c/d", "e f", "g:h", "mlflow.note", "..", "a//b", "/a", "a@b", "x" * 250, "x" * 251, ""]
USUAL = ["a", "b", "c/d"]
VALUES = ["1", "2", "", "x" * 6_001, "y" * 8_001, "'; --", "ü\U0001f682"]

WEIGHTS = {
    "create_experiment": 2, "rename_experiment": 1, "delete_experiment": 1, "restore_experiment": 2,
    "set_experiment_tag": 1, "delete_experiment_tag": 1, "create_run": 4, "update_run": 4, "delete_run": 1,
    "restore_run": 2, "log_batch": 8, "log_param": 3, "set_tag": 3, "delete_tag": 2, "log_inputs": 3,
    "log_outputs": 1, "create_model": 2, "finalize_model": 1, "delete_model": 1, "set_model_tags": 1,
    "delete_model_tag": 1,
}  # fmt: skip


class Author:
    """Makes up deeds. Places are counted among the things that the story has made so far, and wrap around."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)

    def story(self) -> list[list[Any]]:
        beginning = [["create_experiment", "first", []], ["create_run", 0, "", "ada", 5, []]]
        return [*beginning, *(self.deed() for _ in range(self.chance.randint(5, 60)))]

    def place(self) -> int:
        return self.chance.choice([0, 0, 0, 1, 2, 3])

    def name(self) -> str:
        return self.chance.choice(USUAL if self.chance.random() < 0.85 else NAMES)

    def value(self) -> str:
        return self.chance.choice(VALUES if self.chance.random() < 0.5 else VALUES[:2])

    def run_name(self) -> str:
        return self.chance.choice(["", "one", "two"])

    def pairs(self, most: int = 3) -> list[list[str]]:
        return [[self.name(), self.value()] for _ in range(self.chance.randint(0, most))]

    def tag(self) -> list[str]:
        if self.chance.random() < 0.2:
            return ["mlflow.runName", self.chance.choice(["one", "two"])]
        return [self.name(), self.value()]

    def point(self) -> list[Any]:
        value = self.chance.choice([0.0, 1.0, -2.5, "nan", "inf", "-inf"])
        return [self.name(), value, self.chance.choice([0, 1, 2, 2, -1]), self.chance.randint(-1, 2)]

    def deed(self) -> list[Any]:
        deeds = [name for name, weight in WEIGHTS.items() for _ in range(weight)]
        deed = self.chance.choice(deeds)
        return [deed, *getattr(self, f"_{deed}")()]

    def _create_experiment(self) -> list[Any]:
        return [
            self.chance.choice(["first", "second", "third", ""]),
            [["a", "1"]] if self.chance.random() < 0.5 else [],
        ]

    def _rename_experiment(self) -> list[Any]:
        return [self.place(), self.chance.choice(["first", "new"])]

    def _delete_experiment(self) -> list[Any]:
        return [self.place()]

    _restore_experiment = _delete_run = _restore_run = _delete_model = _delete_experiment

    def _set_experiment_tag(self) -> list[Any]:
        return [self.place(), self.name(), self.chance.choice(["1", "z" * 20_000, "z" * 20_001])]

    def _delete_experiment_tag(self) -> list[Any]:
        return [self.place(), self.chance.choice(USUAL)]

    def _create_run(self) -> list[Any]:
        name = self.run_name()
        tags = {pair[0]: pair[1] for pair in [["plain", "1"], *([self.tag()] if self.chance.random() < 0.5 else [])]}
        usual = {key: value for key, value in tags.items() if key and len(key) <= 250 and len(value) <= 8_000}
        return [self.place(), name, "ada", self.chance.choice([1, 2]), [list(pair) for pair in usual.items()]]

    def _update_run(self) -> list[Any]:
        state = self.chance.choice([None, "RUNNING", "FINISHED", "FAILED", "KILLED", "SCHEDULED"])
        return [self.place(), state, self.chance.choice([None, 7, 9]), self.chance.choice([None, self.run_name()])]

    def _log_batch(self) -> list[Any]:
        points = [self.point() for _ in range(self.chance.randint(0, 5))]
        return [self.place(), points, self.pairs(2), [self.tag() for _ in range(self.chance.randint(0, 2))]]

    def _log_param(self) -> list[Any]:
        return [self.place(), self.name(), self.value()]

    def _set_tag(self) -> list[Any]:
        return [self.place(), *self.tag()]

    def _delete_tag(self) -> list[Any]:
        return [self.place(), self.chance.choice([*USUAL, "mlflow.runName"])]

    def _log_inputs(self) -> list[Any]:
        datasets = [
            [
                self.chance.choice("pq"),
                self.chance.choice("12"),
                self.chance.choice(["s", "t"]),
                [["k", self.value()[:500]]],
            ]
            for _ in range(self.chance.randint(0, 3))
        ]
        if self.chance.random() < 0.05:
            datasets.append(["d" * 501, "1", "s", []])
        return [self.place(), datasets, []]

    def _log_outputs(self) -> list[Any]:
        return [self.place(), self.chance.randint(0, 9), 0]

    def _create_model(self) -> list[Any]:
        name = self.chance.choice(["net", "net", "a/b", "a.b", ""])
        return [self.place(), name, [["a", "1"]], [["t", self.chance.choice("12")]]]

    def _finalize_model(self) -> list[Any]:
        return [self.place(), self.chance.choice(["READY", "FAILED"])]

    def _set_model_tags(self) -> list[Any]:
        return [self.place(), [[self.chance.choice("tu"), self.chance.choice("12")] for _ in range(2)]]

    def _delete_model_tag(self) -> list[Any]:
        return [self.place(), self.chance.choice("tu")]


class Teller:
    """Does in our store what a story says; see `mlflow_deeds.py`, which does it in MLflow's."""

    def __init__(self, ws: Workspace, number: int) -> None:
        self.ws, self.number = ws, number
        self.experiments: list[int] = []
        self.runs: list[str] = []
        self.models: list[str] = []

    def experiment(self, place: int) -> int:
        return self.experiments[place % len(self.experiments)] if self.experiments else 999_999

    def run(self, place: int) -> str:
        return self.runs[place % len(self.runs)] if self.runs else "nobody"

    def model(self, place: int) -> str:
        return self.models[place % len(self.models)] if self.models else "nobody"

    def do(self, deed: str, given: list[Any]) -> str:
        try:
            getattr(self, deed)(*given)
        except NotFound:
            return "RESOURCE_DOES_NOT_EXIST"
        except ExperimentExists:
            return "BAD_REQUEST" if deed == "rename_experiment" else "RESOURCE_ALREADY_EXISTS"
        except BadInput as error:
            renaming = isinstance(error, NotActive) and deed == "rename_experiment"
            return "INVALID_STATE" if renaming else "INVALID_PARAMETER_VALUE"
        except NoriaError as error:
            return type(error).__name__
        return "done"

    def create_experiment(self, name: str, tags: Any) -> None:
        name = f"{name}.{self.number}" if name else name
        self.experiments.append(experiments.create_experiment(self.ws, name, tags=dict(tags)).key)

    def rename_experiment(self, place: int, name: str) -> None:
        experiments.update_experiment(self.ws, self.experiment(place), f"{name}.{self.number}")

    def delete_experiment(self, place: int) -> None:
        experiments.delete_experiment(self.ws, self.experiment(place))

    def restore_experiment(self, place: int) -> None:
        experiments.restore_experiment(self.ws, self.experiment(place))

    def set_experiment_tag(self, place: int, name: str, value: str) -> None:
        experiments.set_experiment_tag(self.ws, self.experiment(place), name, value)

    def delete_experiment_tag(self, place: int, name: str) -> None:
        experiments.delete_experiment_tag(self.ws, self.experiment(place), name)

    def create_run(self, place: int, name: str, user: str, started: int, tags: Any) -> None:
        begun = {"name": name, "actor": user, "started": started, "tags": dict(tags)}
        self.runs.append(runs.create_run(self.ws, self.experiment(place), **begun).id)

    def update_run(self, place: int, status: str | None, ended: int | None, name: str | None) -> None:
        state: Any = None if status is None else status.lower()
        runs.update_run(self.ws, self.run(place), state=state, ended=ended, name=name)

    def delete_run(self, place: int) -> None:
        runs.delete_run(self.ws, self.run(place))

    def restore_run(self, place: int) -> None:
        runs.restore_run(self.ws, self.run(place))

    def log_batch(self, place: int, points: Any, params: Any, tags: Any) -> None:
        said = [Point(name, float(value), at, step) for name, value, at, step in points]
        runs.log_batch(self.ws, self.run(place), said, [tuple(pair) for pair in params], [tuple(pair) for pair in tags])

    def log_param(self, place: int, name: str, value: str) -> None:
        runs.log_batch(self.ws, self.run(place), params={name: value})

    def set_tag(self, place: int, name: str, value: str) -> None:
        runs.log_batch(self.ws, self.run(place), tags={name: value})

    def delete_tag(self, place: int, name: str) -> None:
        with self.ws.database.transaction() as connection:
            runs.delete_tag(connection, runs.locate(connection, self.run(place)), name)

    def log_inputs(self, place: int, datasets: Any, models: Any) -> None:
        said = [
            DatasetInput(Dataset(name, digest, "code", source), dict(tags)) for name, digest, source, tags in datasets
        ]
        inputs.log_inputs(self.ws, self.run(place), said, [ModelLink(self.model(model)) for model in models])

    def log_outputs(self, place: int, model: int, step: int) -> None:
        inputs.log_outputs(self.ws, self.run(place), [ModelLink(self.model(model), step)])

    def create_model(self, place: int, name: str, params: Any, tags: Any) -> None:
        made = {"kind": "sklearn", "params": dict(params), "tags": dict(tags)}
        self.models.append(logged_models.create_logged_model(self.ws, self.experiment(place), name, **made).id)

    def finalize_model(self, place: int, status: str) -> None:
        logged_models.finalize(self.ws, self.model(place), status)

    def delete_model(self, place: int) -> None:
        logged_models.delete_logged_model(self.ws, self.model(place))

    def set_model_tags(self, place: int, tags: Any) -> None:
        logged_models.set_logged_model_tags(self.ws, self.model(place), [tuple(pair) for pair in tags])

    def delete_model_tag(self, place: int, name: str) -> None:
        logged_models.delete_logged_model_tag(self.ws, self.model(place), name)

    def standing(self) -> dict[str, Any]:
        """Everything of the story, in words that both stores have."""
        return {
            "experiments": [[one.name, one.stage, dict(one.tags)]
                            for one in experiments.experiments_by_key(self.ws, self.experiments)],
            "runs": [self._run(id) for id in self.runs],
            "models": [self._model(id) for id in self.models],
        }  # fmt: skip

    def _run(self, id: str) -> list[Any]:
        run = runs.get_run(self.ws, id)
        used = [[one.dataset.name, one.dataset.digest, one.dataset.source, dict(one.tags)] for one in run.datasets]
        return [
            self.experiments.index(run.experiment), run.name, run.actor, run.state.upper(), run.stage, run.started,
            run.ended, dict(run.params), dict(run.tags),
            {name: repr(point.value) for name, point in run.metrics.items()}, sorted(used, key=repr),
            sorted({self._place(link.model) for link in run.models_in}),
            sorted([self._place(link.model), link.step] for link in run.models_out),
        ]  # fmt: skip

    def _place(self, model: str) -> int:
        return self.models.index(model) if model in self.models else -1

    def _model(self, id: str) -> list[Any]:
        one = logged_models.get_logged_model(self.ws, id, deleted=True)
        return [self.experiments.index(one.experiment), one.name, one.state.upper(), dict(one.params), dict(one.tags)]


@pytest.fixture(scope="module")
def stories() -> list[list[list[Any]]]:
    return [Author(seed).story() for seed in range(STORIES)]


@pytest.fixture(scope="module")
def told(stories: list[list[list[Any]]], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What MLflow made of the stories."""
    folder = tmp_path_factory.mktemp("stories")
    (folder / "stories.json").write_text(json.dumps(stories))
    script = Path(__file__).parent / "mlflow_deeds.py"
    subprocess.run([rivals.python("mlflow"), str(script), str(folder)], check=True)
    found: list[dict[str, Any]] = json.loads((folder / "told.json").read_text())
    return found


@pytest.mark.parametrize("database", ["sqlite_ws", "postgresql_ws"])
def test_stories_end_as_they_end_with_mlflow(
    request: pytest.FixtureRequest, stories: list[list[list[Any]]], told: list[dict[str, Any]], database: str
) -> None:
    ws = request.getfixturevalue(database)
    for number, (story, theirs) in enumerate(zip(stories, told, strict=True)):
        teller = Teller(ws, number)
        for place, ((deed, *given), outcome) in enumerate(zip(story, theirs["outcomes"], strict=True)):
            if (deed, outcome) == ("log_outputs", "BAD_REQUEST"):
                outcome = "done"  # MLflow trips over an output said twice; a client may well send it twice
            assert (place, deed, given, teller.do(deed, given)) == (place, deed, given, outcome)
        assert plain(teller.standing()) == plain(theirs["standing"])


def plain(standing: dict[str, Any]) -> Any:
    """As it stands, but for the names that each store makes up in its own way."""
    return json.loads(re.sub(r'"[a-z]+-[a-z]+-\d+"', '"made up"', json.dumps(standing)))
