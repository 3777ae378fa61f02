"""Searching for values: Optuna's TPE over the declared space, scored on the last fifth of the training time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import optuna
import pyarrow as pa

from noria.core.errors import BadInput
from noria.features.model import input_columns
from noria.training.frames import to_frame
from noria.training.model import Choice, Range, TooFewRows, TrainingFailed, TrainingSpec, Value
from noria.training.operations import fit, predict

OnTrial = Callable[[int, int, float], None]
"""Called after each trial with how many are done, how many there are, and the best loss so far."""


@dataclass(frozen=True)
class Found:
    """The best values, and every trial with its values and loss.

    The loss is log loss, or root mean squared error; None, beside an `error`, where the training failed.
    """

    values: dict[str, Value]
    trials: list[dict[str, Any]]


def search(
    spec: TrainingSpec, train: pa.Table, function: Callable[..., Any], *, on_trial: OnTrial | None = None
) -> Found:
    """The values of `spec.search` with the smallest loss on the last fifth of `train`.

    The declared values are tried first, so what is found is never worse than they are. Seeded: the same rows
    give the same values. A trial whose training fails is kept with its error and no loss.
    Raises TrainingFailed when every trial fails, TooFewRows when the rows cannot be cut in two.
    """
    if spec.search is None or spec.search.trials < 1:
        raise BadInput(f"{spec.function} has nothing to search", hint="give it a [search] table with trials >= 1")
    early, late = _inner_split(_sample(train, spec), spec.inputs.asked_at)
    study = _study(spec)
    trials: list[dict[str, Any]] = []
    best = math.inf
    for number in range(spec.search.trials):
        trial = study.ask()
        values = {name: _suggest(trial, name, space) for name, space in spec.search.space.items()}
        try:
            loss = _loss(spec, early, late, function, {**spec.values, **values})
        except TrainingFailed as error:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            trials.append({"values": values, "loss": None, "error": error.message})
            failure = error
        else:
            study.tell(trial, loss)
            trials.append({"values": values, "loss": loss})
            best = min(best, loss)
        if on_trial:
            on_trial(number + 1, spec.search.trials, best)
    ended = [one for one in trials if one["loss"] is not None]
    if not ended:
        raise TrainingFailed(f"all {len(trials)} trials failed; the last: {failure.message}", hint=failure.hint)
    return Found(min(ended, key=lambda one: float(one["loss"]))["values"], trials)


def _study(spec: TrainingSpec) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=spec.seed))
    space = spec.search.space if spec.search else {}
    declared = {name: spec.values[name] for name in space if name in spec.values}
    if declared and all(_holds(space[name], value) for name, value in declared.items()):
        study.enqueue_trial(declared)
    return study


def _holds(space: Choice | Range, value: Value) -> bool:
    if isinstance(space, Choice):
        return value in space.options
    return isinstance(value, int | float) and space.low <= value <= space.high


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
    """The rows asked before the last fifth of the time, labelled by then, and the rows of that fifth."""
    moments = train[asked_at].to_numpy()
    if not len(moments):
        raise TooFewRows("there is no training row to search on")
    first, last = int(moments.min()), int(moments.max())
    edge = first + (last - first) * 4 // 5
    learnt = train["labelled_at"].to_numpy() if "labelled_at" in train.column_names else moments
    early, late = train.filter(pa.array((moments < edge) & (learnt < edge))), train.filter(pa.array(moments >= edge))
    if not early.num_rows:
        raise TooFewRows("no training row was labelled before the last fifth of the time", hint="widen the split")
    return early, late
