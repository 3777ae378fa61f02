"""Searching for values: Optuna's TPE over the declared space, scored on the last fifth of the training time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import optuna
import pyarrow as pa

from noria.features.model import input_columns
from noria.training.frames import to_frame
from noria.training.model import Choice, TrainingSpec, Value
from noria.training.operations import fit, predict

OnTrial = Callable[[int, int, float], None]
"""Called after each trial with how many are done, how many there are, and the best loss so far."""


@dataclass(frozen=True)
class Found:
    """The best values, and every trial with its values and loss (log loss, or root mean squared error)."""

    values: dict[str, Value]
    trials: list[dict[str, Any]]


def search(
    spec: TrainingSpec, train: pa.Table, function: Callable[..., Any], *, on_trial: OnTrial | None = None
) -> Found:
    """The values of `spec.search` with the smallest loss on the later fifth of `train`.

    Seeded, so the same rows give the same values. Raises TrainingFailed when a trial's training does.
    """
    assert spec.search is not None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    early, late = _inner_split(_sample(train, spec), spec.inputs.asked_at)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=spec.seed))
    trials: list[dict[str, Any]] = []
    for number in range(spec.search.trials):
        trial = study.ask()
        values = {name: _suggest(trial, name, space) for name, space in spec.search.space.items()}
        loss = _loss(spec, early, late, function, {**spec.values, **values})
        study.tell(trial, loss)
        trials.append({"values": values, "loss": loss})
        if on_trial:
            on_trial(number + 1, spec.search.trials, float(study.best_value))
    best = min(trials, key=lambda one: float(one["loss"]))
    return Found(best["values"], trials)


def _suggest(trial: optuna.Trial, name: str, space: Any) -> Value:
    if isinstance(space, Choice):
        return cast("Value", trial.suggest_categorical(name, list(space.options)))
    if space.integer:
        return int(trial.suggest_int(name, round(space.low), round(space.high), log=space.log))
    return float(trial.suggest_float(name, space.low, space.high, log=space.log))


def _loss(spec: TrainingSpec, early: pa.Table, late: pa.Table, function: Callable[..., Any], values: Any) -> float:
    model = fit(spec, early, function, values)
    answers = predict(model, to_frame(late, input_columns(spec.inputs), spec.frame), spec.label.task)
    truth = late["label"].to_numpy()
    if spec.label.task == "regression":
        return float(np.sqrt(np.mean((answers - truth) ** 2)))
    safe = np.clip(answers, 1e-7, 1 - 1e-7)
    return float(-np.mean(truth * np.log(safe) + (1 - truth) * np.log(1 - safe)))


def _sample(train: pa.Table, spec: TrainingSpec) -> pa.Table:
    rows = spec.search.rows if spec.search else None
    if rows is None or rows >= train.num_rows:
        return train
    chosen = np.random.default_rng(spec.seed).choice(train.num_rows, rows, replace=False)
    return train.take(pa.array(np.sort(chosen)))


def _inner_split(train: pa.Table, asked_at: str) -> tuple[pa.Table, pa.Table]:
    moments = train[asked_at].to_numpy()
    edge = np.quantile(moments, 0.8)
    return train.filter(pa.array(moments < edge)), train.filter(pa.array(moments >= edge))
