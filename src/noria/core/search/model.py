"""What a search text means: a tree of comparisons, and the order of what is found.

MLflow's language is a strict subset of ours: a text that its parser refuses and ours reads names what it used
in `Parsed.extensions`, so that `not parsed.extensions` says "MLflow would read this too".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from noria.core.errors import BadInput

Kind = Literal["runs", "experiments", "logged_models", "registered_models", "model_versions"]
"""What is searched."""

Entity = Literal["attribute", "metric", "param", "tag", "dataset"]
"""What part of it a comparison looks at."""

Value = int | float | str | tuple[str, ...] | None
"""The right side of a comparison: nothing for IS [NOT] NULL, several texts for [NOT] IN."""


class BadSearch(BadInput):
    """A filter or an order that cannot be read: says where, and what would be allowed there."""

    code = "N1011"

    def __init__(self, text: str, position: int, message: str, *, what: str = "filter", hint: str = "") -> None:
        self.position = position
        super().__init__(f"the {what} cannot be read at character {position + 1}: {message}{_pointer(text, position)}",
                         hint=hint)  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """`entity.key operator value`, such as `metrics.auc >= 0.7`.

    `operator` is one of = != < <= > >= LIKE, ILIKE, NOT LIKE, NOT ILIKE, IN, NOT IN, IS NULL, IS NOT NULL.
    What has no such key matches none of them but IS NULL, also not `!=`; NaN matches only `!=`.
    """

    entity: Entity
    key: str
    operator: str
    value: Value = None


@dataclass(frozen=True)
class And:
    """Every one of these."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Or:
    """At least one of these."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Not:
    """Whatever does not match this: also what has no such key."""

    operand: Expression


Expression = Comparison | And | Or | Not


@dataclass(frozen=True)
class Parsed:
    """A filter that was read. `expression` is None when it asks for nothing, so that everything matches."""

    expression: Expression | None = None
    extensions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class OrderTerm:
    """One key of an order. The dataset narrows which values of a logged model's metric are looked at."""

    entity: Entity
    key: str
    ascending: bool = True
    dataset_name: str | None = None
    dataset_digest: str | None = None


def comparisons(expression: Expression | None) -> Iterator[Comparison]:
    """Every comparison of the tree, in the order of the text."""
    if isinstance(expression, Comparison):
        yield expression
    elif isinstance(expression, Not):
        yield from comparisons(expression.operand)
    elif expression is not None:
        for operand in expression.operands:
            yield from comparisons(operand)


_WIDTH = 60


def _pointer(text: str, position: int) -> str:
    """The line at fault, or the part of it around the position, and a caret below."""
    if not text:
        return ""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    first, last = max(start, position - _WIDTH), min(end, position + _WIDTH)
    line = "".join(c if c.isprintable() else " " for c in text[first:last])
    return f"\n  {line}\n  {' ' * (position - first)}^"
