"""Rules are values: `auc >= 0.65` can be printed, stored beside its verdict, and shown.

A `Quantity` names something that will be measured later; comparing it gives a `Rule`; rules join with `|`
and `&` into a `Condition`. Nothing is evaluated until somebody who knows the measurements asks
`rule.verdict(measure)`, and a quantity nobody could measure gives "not run", which is never a pass.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypeGuard

from noria.core.errors import BadInput
from noria.core.units import Duration

Operator = Literal["<", "<=", ">", ">="]
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Outcome(StrEnum):
    """How a rule came out. `NOT_RUN` is neither a pass nor a failure, and blocks like a failure."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


class _NoTruth:
    def __bool__(self) -> bool:
        raise TypeError(
            f"{self} is a rule, not yet a fact: it has no truth value until it is measured. "
            "Join rules with | and & instead of `or` and `and`, and hand them over instead of testing them with `if`."
        )


@dataclass(frozen=True)
class Quantity:
    """Something that can be measured: a `kind` and what it is about.

    Kinds and their `about`: metric (name) · worst (metric, column) · champion (metric) · live (metric,
    micros) · latency ("p50" | "p95" | "p99", in microseconds) · drift (view or view.feature) · missing
    (view.feature) · errors () · every (micros).
    """

    kind: str
    about: tuple[str | int, ...] = ()

    def __le__(self, other: Quantity | Duration | float) -> Rule:
        return Rule(self, "<=", _threshold(other))

    def __lt__(self, other: Quantity | Duration | float) -> Rule:
        return Rule(self, "<", _threshold(other))

    def __ge__(self, other: Quantity | Duration | float) -> Rule:
        return Rule(self, ">=", _threshold(other))

    def __gt__(self, other: Quantity | Duration | float) -> Rule:
        return Rule(self, ">", _threshold(other))

    def __str__(self) -> str:
        if self.kind == "metric":
            return str(self.about[0])
        if self.kind == "latency":
            return f"{self.about[0]} latency"
        if self.kind == "live":
            return f"{self.about[0]}.live({Duration(int(self.about[1]))})"
        if self.kind == "worst":
            return f"{self.about[0]}.worst({self.about[1]})"
        if self.kind == "every":
            return f"every({Duration(int(self.about[0]))})"
        return f"{self.kind}({', '.join(map(str, self.about))})"


Measure = Callable[[Quantity], float | None]
"""Answers what a quantity measured, or None when it could not be measured."""


@dataclass(frozen=True)
class Verdict:
    """What became of one rule, with the numbers it was judged by."""

    rule: str
    outcome: Outcome
    value: float | None
    threshold: float | None
    note: str = ""

    @property
    def passed(self) -> bool:
        """True only when the rule was measured and holds."""
        return self.outcome is Outcome.PASSED


class Condition(_NoTruth, ABC):
    """Anything that can hold or not: one rule, a bare trigger, or several joined by `|` and `&`."""

    def __or__(self, other: Condition) -> Condition:
        return _joined("|", self, other)

    def __and__(self, other: Condition) -> Condition:
        return _joined("&", self, other)

    @abstractmethod
    def leaves(self) -> Iterator[Rule | Trigger]:
        """The single rules and triggers inside, left to right."""


@dataclass(frozen=True)
class Rule(Condition):
    """A quantity compared with a threshold, which is a number or another quantity.

    Thresholds of time are microseconds.
    """

    quantity: Quantity
    op: Operator
    threshold: float | Quantity

    def verdict(self, measure: Measure) -> Verdict:
        """Judge the rule with what `measure` answers."""
        value = measure(self.quantity)
        limit = measure(self.threshold) if isinstance(self.threshold, Quantity) else self.threshold
        if not _known(value) or not _known(limit):
            missing = self.quantity if not _known(value) else self.threshold
            return Verdict(str(self), Outcome.NOT_RUN, value, limit, f"{missing} could not be measured")
        outcome = Outcome.PASSED if _COMPARE[self.op](value, limit) else Outcome.FAILED
        return Verdict(str(self), outcome, value, limit)

    def leaves(self) -> Iterator[Rule | Trigger]:
        yield self

    def __str__(self) -> str:
        limit = self.threshold
        if self.quantity.kind == "latency" and not isinstance(limit, Quantity):
            return f"{self.quantity} {self.op} {Duration(int(limit))}"
        return f"{self.quantity} {self.op} {limit if isinstance(limit, Quantity) else f'{limit:.12g}'}"


@dataclass(frozen=True)
class Trigger(Condition):
    """A quantity that says by itself when it fires: `every(days(30))`, or drift beyond its noise floor."""

    quantity: Quantity

    def leaves(self) -> Iterator[Rule | Trigger]:
        yield self

    def __str__(self) -> str:
        return str(self.quantity)


@dataclass(frozen=True)
class Joined(Condition):
    """Conditions joined: `|` holds when any does, `&` when all do."""

    op: Literal["|", "&"]
    parts: tuple[Condition, ...] = field(default=())

    def leaves(self) -> Iterator[Rule | Trigger]:
        for part in self.parts:
            yield from part.leaves()

    def __str__(self) -> str:
        return f" {self.op} ".join(f"({part})" if isinstance(part, Joined) else str(part) for part in self.parts)


def holds(condition: Condition, fired: Callable[[Rule | Trigger], bool]) -> list[Rule | Trigger]:
    """The leaves because of which `condition` holds; empty when it does not.

    `fired` tells of each single rule or trigger whether it fires now.
    """
    if isinstance(condition, Rule | Trigger):
        return [condition] if fired(condition) else []
    if not isinstance(condition, Joined):
        raise BadInput(f"{condition!r} is not a condition", hint="build one by comparing a quantity, or with every()")
    found = [holds(part, fired) for part in condition.parts]
    if condition.op == "&" and not all(found):
        return []
    return [leaf for leaves in found for leaf in leaves]


def to_json(condition: Condition) -> dict[str, Any]:
    """A condition as JSON, to be stored with a plan; `from_json` reads it back."""
    if isinstance(condition, Rule):
        limit = condition.threshold
        stored = _quantity_json(limit) if isinstance(limit, Quantity) else limit
        return {"quantity": _quantity_json(condition.quantity), "op": condition.op, "threshold": stored}
    if isinstance(condition, Trigger):
        return {"trigger": _quantity_json(condition.quantity)}
    if isinstance(condition, Joined):
        return {"join": condition.op, "parts": [to_json(part) for part in condition.parts]}
    raise BadInput(f"{condition!r} is not a condition")


def from_json(stored: dict[str, Any]) -> Condition:
    """The condition that `to_json` wrote."""
    if "join" in stored:
        return Joined(stored["join"], tuple(from_json(part) for part in stored["parts"]))
    if "trigger" in stored:
        return Trigger(_quantity(stored["trigger"]))
    limit = stored["threshold"]
    return Rule(_quantity(stored["quantity"]), stored["op"], _quantity(limit) if isinstance(limit, dict) else limit)


def _quantity_json(quantity: Quantity) -> dict[str, Any]:
    return {"kind": quantity.kind, "about": list(quantity.about)}


def _quantity(stored: dict[str, Any]) -> Quantity:
    return Quantity(stored["kind"], tuple(stored["about"]))


def _joined(op: Literal["|", "&"], left: Condition, right: object) -> Condition:
    if not isinstance(right, Condition):
        raise BadInput(
            f"{left} cannot be joined with {right!r}", hint="join rules, each a quantity compared with a number"
        )
    return Joined(op, (*_parts(left, op), *_parts(right, op)))


def _parts(condition: Condition, op: str) -> tuple[Condition, ...]:
    if isinstance(condition, Joined) and condition.op == op:
        return condition.parts
    return (condition,)


def _threshold(other: Quantity | Duration | float) -> float | Quantity:
    if isinstance(other, Quantity):
        return other
    if isinstance(other, Duration):
        return float(other.micros)
    if isinstance(other, bool) or not isinstance(other, int | float) or math.isnan(other):
        raise BadInput(f"{other!r} is no threshold", hint="compare with a number, a duration or another quantity")
    return float(other)


def _known(value: float | None) -> TypeGuard[float]:
    return value is not None and not math.isnan(value)
