"""Run by the interpreter that has MLflow: does in a real SqlAlchemyStore what stories say, and tells what became of it.

Reads `stories.json` in the folder it is given, writes `told.json`: for each story the outcome of every deed, `done` or
MLflow's error code, and how everything stands in the end.
"""

import json
import logging
import os
import sys
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_TRUNCATE_LONG_VALUES"] = "true"
logging.disable(logging.CRITICAL)

from mlflow.entities import (  # noqa: E402
    Dataset,
    DatasetInput,
    ExperimentTag,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelParameter,
    LoggedModelStatus,
    LoggedModelTag,
    Metric,
    Param,
    RunStatus,
    RunTag,
)
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # noqa: E402


class Teller:
    """One story's things: experiments, runs and models in the order in which they were made."""

    def __init__(self, store, number):
        self.store, self.number = store, number
        self.experiments, self.runs, self.models = [], [], []

    def at(self, made, place):
        return made[place % len(made)] if made else ("999999" if made is self.experiments else "nobody")

    def create_experiment(self, name, tags):
        said = [ExperimentTag(*pair) for pair in tags]
        self.experiments.append(self.store.create_experiment(f"{name}.{self.number}" if name else name, None, said))

    def rename_experiment(self, place, name):
        self.store.rename_experiment(self.at(self.experiments, place), f"{name}.{self.number}")

    def delete_experiment(self, place):
        self.store.delete_experiment(self.at(self.experiments, place))

    def restore_experiment(self, place):
        self.store.restore_experiment(self.at(self.experiments, place))

    def set_experiment_tag(self, place, name, value):
        self.store.set_experiment_tag(self.at(self.experiments, place), ExperimentTag(name, value))

    def delete_experiment_tag(self, place, name):
        self.store.delete_experiment_tag(self.at(self.experiments, place), name)

    def create_run(self, place, name, user, started, tags):
        said = [RunTag(*pair) for pair in tags]
        run = self.store.create_run(self.at(self.experiments, place), user, started, said, name)
        self.runs.append(run.info.run_id)

    def update_run(self, place, status, ended, name):
        status = None if status is None else RunStatus.from_string(status)
        self.store.update_run_info(self.at(self.runs, place), status, ended, name)

    def delete_run(self, place):
        self.store.delete_run(self.at(self.runs, place))

    def restore_run(self, place):
        self.store.restore_run(self.at(self.runs, place))

    def log_batch(self, place, points, params, tags):
        said = [Metric(name, float(value), at, step) for name, value, at, step in points]
        pairs = [Param(*pair) for pair in params], [RunTag(*pair) for pair in tags]
        self.store.log_batch(self.at(self.runs, place), said, *pairs)

    def log_param(self, place, name, value):
        self.store.log_param(self.at(self.runs, place), Param(name, value))

    def set_tag(self, place, name, value):
        self.store.set_tag(self.at(self.runs, place), RunTag(name, value))

    def delete_tag(self, place, name):
        self.store.delete_tag(self.at(self.runs, place), name)

    def log_inputs(self, place, datasets, models):
        said = [
            DatasetInput(Dataset(name, digest, "code", source), [InputTag(*pair) for pair in tags])
            for name, digest, source, tags in datasets
        ]
        links = [LoggedModelInput(self.at(self.models, model)) for model in models]
        self.store.log_inputs(self.at(self.runs, place), said, links)

    def log_outputs(self, place, model, step):
        self.store.log_outputs(self.at(self.runs, place), [LoggedModelOutput(self.at(self.models, model), step)])

    def create_model(self, place, name, params, tags):
        said = [LoggedModelTag(*pair) for pair in tags], [LoggedModelParameter(*pair) for pair in params]
        model = self.store.create_logged_model(self.at(self.experiments, place), name, None, *said, "sklearn")
        self.models.append(model.model_id)

    def finalize_model(self, place, status):
        self.store.finalize_logged_model(self.at(self.models, place), LoggedModelStatus(status))

    def delete_model(self, place):
        self.store.delete_logged_model(self.at(self.models, place))

    def set_model_tags(self, place, tags):
        self.store.set_logged_model_tags(self.at(self.models, place), [LoggedModelTag(*pair) for pair in tags])

    def delete_model_tag(self, place, name):
        self.store.delete_logged_model_tag(self.at(self.models, place), name)

    def standing(self):
        """Everything of the story, in words that both stores have."""
        return {
            "experiments": [self._experiment(key) for key in self.experiments],
            "runs": [self._run(key) for key in self.runs],
            "models": [self._model(key) for key in self.models],
        }

    def _experiment(self, key):
        one = self.store.get_experiment(key)
        return [one.name, one.lifecycle_stage, one.tags]

    def _run(self, key):
        run = self.store.get_run(key)
        info, data = run.info, run.data
        used = [[one.dataset.name, one.dataset.digest, one.dataset.source, {tag.key: tag.value for tag in one.tags}]
                for one in run.inputs.dataset_inputs]  # fmt: skip
        outputs = [] if run.outputs is None else run.outputs.model_outputs
        return [
            self.experiments.index(str(info.experiment_id)), info.run_name, info.user_id, info.status,
            info.lifecycle_stage, info.start_time, info.end_time, data.params, data.tags,
            {name: repr(value) for name, value in data.metrics.items()}, sorted(used, key=repr),
            sorted({self._place(one.model_id) for one in run.inputs.model_inputs}),
            sorted([self._place(one.model_id), one.step] for one in outputs),
        ]  # fmt: skip

    def _place(self, model):
        return self.models.index(model) if model in self.models else -1

    def _model(self, key):
        one = self.store.get_logged_model(key, allow_deleted=True)
        place = self.experiments.index(str(one.experiment_id))
        return [place, one.name, one.status.value, one.params, one.tags]


def main(folder):
    store = SqlAlchemyStore(f"sqlite:///{folder}/mlflow.db", str(folder))
    told = []
    stories = json.loads((folder / "stories.json").read_text())
    for number, story in enumerate(stories):
        teller, outcomes = Teller(store, number), []
        for deed, *given in story:
            try:
                getattr(teller, deed)(*given)
                outcomes.append("done")
            except MlflowException as error:
                outcomes.append(error.error_code)
        told.append({"outcomes": outcomes, "standing": teller.standing()})
    (folder / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
