"""What can be done to judge a model: evaluate it on later rows, and hold the evaluation against the gates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from noria.core.rules import Outcome, Quantity, Rule, Verdict
from noria.validation.bootstrap import Draws, compare, estimate
from noria.validation.metrics import CLASSIFICATION, REGRESSION, larger_is_better, measure
from noria.validation.model import Comparison, Estimate, Evaluation, GateSheet, GateSpec

Array = np.ndarray[Any, Any]
_LEAST = 100
"""Rows that a slice needs to be judged."""
_SLICES = 50
_SLICE_REPLICATES = 100


def evaluate(
    *,
    task: Literal["classification", "regression"],
    label: Array,
    prediction: Array,
    train_mean: float,
    slices: Mapping[str, Array],
    asked_at: Array,
    latency: Mapping[str, float],
    champion: Array | None,
    champion_version: int | None,
    seed: int = 0,
) -> Evaluation:
    """Every metric of the task with its interval, by slice, against the training mean and the champion.

    Arrays have one entry a test row. `champion` are the champion's predictions on the same rows.
    """
    names = CLASSIFICATION if task == "classification" else REGRESSION
    constant = np.full(len(label), train_mean)
    draws = Draws(len(label), seed=seed)
    return Evaluation(
        rows=len(label),
        first=int(asked_at.min()),
        last=int(asked_at.max()),
        metrics=_defined({name: estimate(name, label, prediction, draws) for name in names}),
        trivial={name: value for name in names if np.isfinite(value := measure(name, label, constant))},
        slices={column: _sliced(names, label, prediction, values, seed) for column, values in slices.items()},
        champion={} if champion is None else _compared(names, label, prediction, champion, draws),
        champion_version=champion_version,
        latency=dict(latency),
    )


def judge(spec: GateSpec, evaluation: Evaluation) -> GateSheet:
    """The verdict of every gate.

    A rule that compares with the champion holds at 95 % confidence or not at all: it passes when the whole
    paired interval lies on the side that the rule asks for, so a version that is only as good as the champion
    is refused, and the champion stays. It passes when there is no champion yet, and is not run when there is
    one that could not be compared.
    """
    return GateSheet(tuple(_verdict(rule, evaluation) for rule in spec.rules))


def _verdict(rule: Rule, evaluation: Evaluation) -> Verdict:
    if isinstance(rule.threshold, Quantity) and rule.threshold.kind == "champion":
        return _against_champion(rule, rule.threshold, evaluation)
    return rule.verdict(lambda quantity: _measured(quantity, evaluation))


def _against_champion(rule: Rule, champion: Quantity, evaluation: Evaluation) -> Verdict:
    metric = str(champion.about[0])
    own = evaluation.metrics.get(metric)
    value = own.value if own else None
    if evaluation.champion_version is None:
        return Verdict(str(rule), Outcome.PASSED, value, None, "no champion yet")
    found = evaluation.champion.get(metric)
    if found is None:
        said = f"version {evaluation.champion_version} could not be compared on these rows"
        return Verdict(str(rule), Outcome.NOT_RUN, value, None, said)
    note = f"difference {found.difference:+.4f}, 95 % interval {found.low:+.4f} to {found.high:+.4f}"
    outcome = Outcome.PASSED if _proven(rule, found) else Outcome.FAILED
    return Verdict(str(rule), outcome, found.new, found.champion, note)


def _proven(rule: Rule, found: Comparison) -> bool:
    return found.high <= 0 if rule.op in ("<", "<=") else found.low >= 0


def _measured(quantity: Quantity, evaluation: Evaluation) -> float | None:
    if quantity.kind == "metric":
        found = evaluation.metrics.get(str(quantity.about[0]))
        return found.value if found else None
    if quantity.kind == "latency":
        return evaluation.latency.get(str(quantity.about[0]))
    if quantity.kind == "worst":
        metric, column = map(str, quantity.about)
        values = [one[metric].value for one in evaluation.slices.get(column, {}).values() if metric in one]
        known = [value for value in values if np.isfinite(value)]
        if not known:
            return None
        return min(known) if larger_is_better(metric) else max(known)
    return None


def _sliced(
    names: tuple[str, ...], label: Array, prediction: Array, values: Array, seed: int
) -> dict[str, dict[str, Estimate]]:
    texts = np.array([str(value) for value in values])
    found, counts = np.unique(texts, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_SLICES]
    sliced = {}
    for value in found[order]:
        rows = texts == value
        if rows.sum() >= _LEAST:
            draws = Draws(int(rows.sum()), seed=seed, replicates=_SLICE_REPLICATES)
            estimates = {name: estimate(name, label[rows], prediction[rows], draws) for name in names}
            sliced[str(value)] = _defined(estimates)
    return sliced


def _compared(
    names: tuple[str, ...], label: Array, prediction: Array, champion: Array, draws: Draws
) -> dict[str, Comparison]:
    compared = {name: compare(name, label, prediction, champion, draws) for name in names}
    return {name: one for name, one in compared.items() if np.isfinite([one.difference, one.low, one.high]).all()}


def _defined(estimates: dict[str, Estimate]) -> dict[str, Estimate]:
    """Without the metrics that are undefined on these rows, such as an AUC of one class."""
    return {name: one for name, one in estimates.items() if np.isfinite([one.value, one.low, one.high]).all()}
