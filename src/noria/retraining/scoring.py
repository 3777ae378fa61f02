"""What a replay came to: the living model beside the first one, frozen, on the very same rows.

The frozen model is scored on the features that were logged when the living model answered; they do not
depend on the model, so nothing has to be asked twice. The same log proves offline = online: every logged
feature is compared with the one that the backfill computes for that request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from noria.core.clock import to_datetime
from noria.data.model import Part
from noria.features import operations as features
from noria.features.equality import equal
from noria.features.model import input_columns
from noria.monitoring.observations import PredictionRow
from noria.optimization import operations as packaging
from noria.optimization.session import Session
from noria.registry import operations as registry
from noria.retraining.model import ModelPlan
from noria.retraining.steps import Functions
from noria.training.cache import StepCache
from noria.validation.metrics import measure
from noria.workspace.workspace import Workspace

Answer = PredictionRow
"""A logged prediction, as far as it is scored."""


@dataclass(frozen=True)
class Period:
    """One month of both models: `rows` labelled requests, and each metric of each."""

    month: str
    rows: int
    living: dict[str, float]
    frozen: dict[str, float]


@dataclass(frozen=True)
class Score:
    """Both models over everything, and by month. `gain` is the share by which the living log loss is lower."""

    rows: int
    living: dict[str, float]
    frozen: dict[str, float]
    gain: float
    months: tuple[Period, ...]


def score(ws: Workspace, plan: ModelPlan, answers: Sequence[Answer], labels: Mapping[str, float]) -> Score:
    """Compare the living answers with what version 1 would have answered, where labels came."""
    labelled = [one for one in answers if one.prediction_id in labels]
    truth = np.array([labels[one.prediction_id] for one in labelled])
    living = np.array([one.output for one in labelled])
    frozen = frozen_answers(ws, plan, labelled)
    months = np.array([to_datetime(one.at).strftime("%Y-%m") for one in labelled])
    names = ("log_loss", "roc_auc", "brier") if plan.training.label.task == "classification" else ("rmse", "mae")

    def both(rows: np.ndarray[Any, Any]) -> tuple[dict[str, float], dict[str, float]]:
        return (
            {name: measure(name, truth[rows], living[rows]) for name in names},
            {name: measure(name, truth[rows], frozen[rows]) for name in names},
        )

    everything = np.ones(len(labelled), dtype=bool)
    alive, still = both(everything)
    periods = tuple(
        Period(str(month), int((months == month).sum()), *both(months == month)) for month in np.unique(months)
    )
    return Score(len(labelled), alive, still, 1 - alive[names[0]] / still[names[0]], periods)


def frozen_answers(ws: Workspace, plan: ModelPlan, answers: Sequence[Answer]) -> np.ndarray[Any, Any]:
    """What the first version answers on the logged features."""
    first = registry.get_version(ws, plan.name, 1)
    packaged = packaging.load_package(ws, first.package)
    columns = {one.name: [answer.features.get(one.name) for answer in answers] for one in packaged.columns}
    return Session(ws.blobs.path(packaged.model), packaged.columns).predict(columns)


@dataclass(frozen=True)
class Equality:
    """Logged features beside computed ones: how many values were compared, how many differ, and examples."""

    rows: int
    values: int
    mismatches: int
    examples: tuple[str, ...] = ()


def offline_equals_online(
    ws: Workspace,
    plan: ModelPlan,
    functions: Functions,
    sources: Mapping[str, Sequence[Part]],
    answers: Sequence[Answer],
) -> Equality:
    """Compare every logged feature with the point-in-time backfill of the same request."""
    offline = _offline(ws, plan, functions, sources, answers)
    by_key = {key: row for row, key in enumerate(offline[plan.training.inputs.key].to_pylist())}
    rows = [by_key[one.key] for one in answers if one.key in by_key]
    found = [one for one in answers if one.key in by_key]
    mismatches, examples, compared = len(answers) - len(found), [], 0
    for column in input_columns(plan.training.inputs):
        computed = offline[column.name].take(pa.array(rows)).to_pylist()
        for answer, expected in zip(found, computed, strict=True):
            compared += 1
            if not equal(answer.features.get(column.name), expected):
                mismatches += 1
                examples.append(f"{answer.key} {column.name}: {answer.features.get(column.name)} != {expected}")
    return Equality(len(found), compared, mismatches, tuple(examples[:5]))


def _offline(
    ws: Workspace,
    plan: ModelPlan,
    functions: Functions,
    sources: Mapping[str, Sequence[Part]],
    answers: Sequence[Answer],
) -> pa.Table:
    first, last = min(one.at for one in answers), max(one.at for one in answers)
    cache = StepCache(ws)
    digests = []
    for part in sources[plan.training.inputs.source]:
        if part.last_event < first or part.first_event > last:
            continue
        inputs = features.part_inputs(plan.training.inputs, part, sources)
        compute = partial(_build, ws, plan, functions, sources, part)
        digests.append(cache.run(f"{plan.name}/features/{part.name}", inputs, compute).value["features"])
    return features.load_features(ws, digests)


def _build(
    ws: Workspace, plan: ModelPlan, functions: Functions, sources: Mapping[str, Sequence[Part]], part: Part
) -> dict[str, Any]:
    digest = features.build_part(ws, plan.training.inputs, part, sources, functions)
    return {"features": digest, "blobs": [digest]}
