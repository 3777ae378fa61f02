"""What a graph is: a name that is served by asking others, one after the other or side by side.

The kinds are those of KServe's InferenceGraph. In a `sequence` each step's answer becomes a column of the row that
the following steps are asked about, and the last answer is the graph's; in an `ensemble` all are asked about the same
row, and their answers are combined. What is asked may be a graph again, as long as there is no circle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Literal

from noria.core.schema import Column
from noria.core.suggest import did_you_mean
from noria.features.model import InputSet

Kind = Literal["sequence", "ensemble"]
Combine = Literal["mean", "weighted", "max", "min", "vote"]
COMBINES: tuple[Combine, ...] = ("mean", "weighted", "max", "min", "vote")


@dataclass(frozen=True)
class StepSpec:
    """One that is asked. Its answer is `column` to the steps after it; `weight` counts in an ensemble."""

    name: str
    column: str
    weight: float = 1.0


@dataclass(frozen=True)
class GraphSpec:
    """A declared graph. `combine` is how an ensemble's answers become one; a `vote` is cast for answers of `threshold`
    and above, and more than half of the weight wins.

    `before` and `after` are functions by `module:name`: one makes the row that is asked about of the request's, the
    other the graph's answer of what came out.
    """

    name: str
    kind: Kind
    steps: tuple[StepSpec, ...]
    combine: Combine = "mean"
    threshold: float = 0.5
    before: str = ""
    after: str = ""


def combined(spec: GraphSpec, answers: Sequence[float]) -> float:
    """One answer of an ensemble's, which are in the order of its steps.

    >>> spec = GraphSpec("g", "ensemble", (StepSpec("a", "a", 1), StepSpec("b", "b", 3)), "weighted")
    >>> combined(spec, [1.0, 2.0])
    1.75
    """
    if spec.combine == "max":
        return max(answers)
    if spec.combine == "min":
        return min(answers)
    if spec.combine == "mean":
        return fsum(answers) / len(answers)
    weights = [step.weight for step in spec.steps]
    total = fsum(weights)
    if spec.combine == "vote":
        won = fsum(weight for weight, answer in zip(weights, answers, strict=True) if answer >= spec.threshold)
        return 1.0 if 2 * won > total else 0.0
    return fsum(weight * answer for weight, answer in zip(weights, answers, strict=True)) / total


def joined(spec: GraphSpec, members: Mapping[str, InputSet]) -> tuple[InputSet, list[str]]:
    """What a request of a graph looks like, given what its members take; and what is wrong with that.

    It has every column that a member takes and no earlier step makes. Its key and the moment of asking are those of
    the first member.
    """
    first = members[spec.steps[0].name]
    columns: dict[str, Column] = {}
    made: dict[str, str] = {}
    faults: list[str] = []
    for step in spec.steps:
        inputs = members[step.name]
        for column in inputs.request:
            if column.name in made:
                faults += _unlike_an_answer(step.name, column, made[column.name])
            elif column.name != inputs.asked_at:
                known = columns.get(column.name, column)
                faults += _unlike(step.name, column, known)
                columns[column.name] = _narrower(known, column)
        if spec.kind == "sequence":
            made[step.column] = step.name
    faults += _unread(spec, members)
    moment = next(column for column in first.request if column.name == first.asked_at)
    request = (*(column for name, column in columns.items() if name != moment.name), moment)
    if first.key not in columns:
        faults.append(f"{first.key!r}, the key of a request, is made by a step")
    return replace(first, source=f"graph {spec.name}", request=request, views=(), inputs=()), faults


def _unlike(step: str, column: Column, known: Column) -> list[str]:
    if column.dtype == known.dtype:
        return []
    return [f"{step} takes {column.name!r} as {column.dtype}, and another member as {known.dtype}"]


def _unlike_an_answer(step: str, column: Column, maker: str) -> list[str]:
    if column.dtype == "float":
        return []
    return [f"{step} takes {column.name!r} as {column.dtype}, and the answer of {maker} is a float"]


def _narrower(one: Column, other: Column) -> Column:
    """What both take."""
    low = [bound for bound in (one.at_least, other.at_least) if bound is not None]
    high = [bound for bound in (one.at_most, other.at_most) if bound is not None]
    return replace(
        one,
        nullable=one.nullable and other.nullable,
        at_least=max(low) if low else None,
        at_most=min(high) if high else None,
    )


def _unread(spec: GraphSpec, members: Mapping[str, InputSet]) -> list[str]:
    """Answers in a sequence that no later step takes."""
    faults = []
    for place, step in enumerate(spec.steps[:-1] if spec.kind == "sequence" else ()):
        later = [one.name for one in spec.steps[place + 1 :]]
        taken = {column.name: None for name in later for column in members[name].request}
        if step.column not in taken:
            hint = did_you_mean(step.column, taken) or f"columns are {', '.join(taken)}"
            faults.append(f"{' and '.join(later)} takes no column {step.column!r}, the answer of {step.name} ({hint})")
    return faults
