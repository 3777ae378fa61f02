"""What can be done to judge a model: evaluate it on later rows, and hold the evaluation against the gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from noria.core.errors import BadInput
from noria.core.rules import Operator, Outcome, Quantity, Rule, Verdict
from noria.validation.bootstrap import Draws, compare, estimate, replicates
from noria.validation.metrics import CLASSIFICATION, REGRESSION, larger_is_better, measure
from noria.validation.model import Comparison, Estimate, Evaluation, GateSheet, GateSpec

Array = np.ndarray[Any, Any]
_LEAST = 100
"""Rows that a slice needs to be judged."""
_SLICES = 50
_SLICE_REPLICATES = 100
_MIRROR: dict[str, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


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

    Arrays have one entry a test row. `champion` are the champion's predictions on the same rows. A metric that
    is undefined (an AUC of one class, anything of a NaN) is left out, and a gate that wants it is not run.
    Slices are a column's 50 most frequent values, those of 100 rows or more. Raises BadInput when there is no
    row, or arrays differ in length.
    """
    _refuse(label, prediction, asked_at, champion, slices)
    names = CLASSIFICATION if task == "classification" else REGRESSION
    constant = np.full(len(label), train_mean)
    draws = Draws(len(label), seed=seed)
    drawn = {name: replicates(name, label, prediction, draws) for name in names}
    coarse = Draws(len(label), seed=seed, replicates=_SLICE_REPLICATES)
    return Evaluation(
        rows=len(label),
        first=int(asked_at.min()),
        last=int(asked_at.max()),
        metrics=_defined({name: estimate(name, label, prediction, draws, drawn[name]) for name in names}),
        trivial={name: value for name in names if np.isfinite(value := measure(name, label, constant))},
        slices={column: _sliced(names, label, prediction, values, coarse) for column, values in slices.items()},
        champion={} if champion is None else _compared(label, prediction, champion, draws, drawn),
        champion_version=champion_version,
        latency={name: value for name, value in latency.items() if np.isfinite(value)},
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
    if rule.quantity.kind == "champion" and isinstance(rule.threshold, Quantity):
        mirrored = Rule(rule.threshold, _MIRROR[rule.op], rule.quantity)
        return replace(_verdict(mirrored, evaluation), rule=str(rule))
    if isinstance(rule.threshold, Quantity) and rule.threshold.kind == "champion":
        return _against_champion(rule, rule.threshold, evaluation)
    return rule.verdict(lambda quantity: _measured(quantity, evaluation))


def _against_champion(rule: Rule, champion: Quantity, evaluation: Evaluation) -> Verdict:
    metric = str(champion.about[0])
    value = _measured(rule.quantity, evaluation)
    if (rule.quantity.kind, rule.quantity.about) != ("metric", champion.about):
        said = f"only {metric} itself can be compared with the champion's {metric}"
        return Verdict(str(rule), Outcome.NOT_RUN, value, None, said)
    if value is None:
        return Verdict(str(rule), Outcome.NOT_RUN, None, None, f"{metric} could not be measured")
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
    names: tuple[str, ...], label: Array, prediction: Array, values: Array, draws: Draws
) -> dict[str, dict[str, Estimate]]:
    texts = np.array([str(value) for value in values])
    found, inverse, counts = np.unique(texts, return_inverse=True, return_counts=True)
    sliced = {}
    for place in np.argsort(-counts, kind="stable")[:_SLICES]:
        if counts[place] < _LEAST:
            break
        rows = np.flatnonzero(inverse == place)
        drawn = draws.of(rows)
        estimates = {name: estimate(name, label[rows], prediction[rows], drawn) for name in names}
        sliced[str(found[place])] = _defined(estimates)
    return sliced


def _compared(
    label: Array, prediction: Array, champion: Array, draws: Draws, drawn: Mapping[str, Array]
) -> dict[str, Comparison]:
    compared = {name: compare(name, label, prediction, champion, draws, known) for name, known in drawn.items()}
    return {name: one for name, one in compared.items() if np.isfinite([one.difference, one.low, one.high]).all()}


def _refuse(
    label: Array, prediction: Array, asked_at: Array, champion: Array | None, slices: Mapping[str, Array]
) -> None:
    if not len(label):
        raise BadInput("there are no test rows to evaluate on", hint="look at the split, and at when labels mature")
    lengths = {"prediction": len(prediction), "asked_at": len(asked_at)}
    lengths |= {f"slice {name}": len(values) for name, values in slices.items()}
    if champion is not None:
        lengths["champion"] = len(champion)
    if wrong := [f"{name} has {size}" for name, size in lengths.items() if size != len(label)]:
        raise BadInput(f"there are {len(label)} labels, but {', '.join(wrong)}")


def _defined(estimates: dict[str, Estimate]) -> dict[str, Estimate]:
    """Without the metrics that are undefined on these rows, such as an AUC of one class."""
    return {name: one for name, one in estimates.items() if np.isfinite([one.value, one.low, one.high]).all()}
