"""`Feature`: what `mean(...)` and its kin give, before it is known whether it makes sense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from noria.core.schema import DType
from noria.core.units import Duration
from noria.features.model import AggregateKind, FeatureSpec, Predicate
from noria.project.columns import ColumnPredicate, ColumnRef


@dataclass(frozen=True)
class Lifetime:
    """Everything before the moment asked about."""

    def __str__(self) -> str:
        return "lifetime"


Window = Duration | Lifetime
Over = Window | Sequence[Window]
Hop = Duration | Literal["exact"] | None
Where = bool | Sequence[bool]
"""Comparisons of columns, of which all must hold: to a type checker they are truth values."""


@dataclass(frozen=True)
class How:
    """How a feature's windows lie, and what it takes from them, as it was written."""

    hop: object = None
    offset: object = Duration(0)
    where: object = ()
    n: object = None
    quantile: object = None

    @property
    def conditions(self) -> tuple[object, ...]:
        """The comparisons of `where`."""
        return tuple(self.where) if isinstance(self.where, list | tuple) else (self.where,)


class Feature:
    """One feature, or one for each of several windows."""

    def __init__(
        self, kind: AggregateKind, of: object, over: object = None, ttl: object = None, how: How | None = None
    ) -> None:
        self.kind = kind
        self.of = of
        self.windows = list(over) if isinstance(over, list | tuple) else [] if over is None else [over]
        self.suffixed = isinstance(over, list | tuple)
        self.ttl = ttl
        self.how = how or How()
        self.view = ""
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.view, self.name = owner.__name__, name

    def __repr__(self) -> str:
        return f"{self.view}.{self.name}" if self.name else f"{self.kind}(…)"

    def names(self) -> tuple[str, ...]:
        """Full names, as in training frames and reports: `Airport.mean_delay_1h`."""
        return tuple(f"{self.view}.{spec.name}" for spec in self.specs(""))

    def specs(self, source: str) -> list[FeatureSpec]:
        """The features this declares, with their final names, for a view of `source`; only when it has no faults."""
        how, micros = self.how, _micros
        base = FeatureSpec(
            self.name,
            self.kind,
            column=_column(self.of, source) if isinstance(self.of, ColumnRef) else None,
            predicate=predicate_in(self.of, source) if isinstance(self.of, ColumnPredicate) else None,
            dtype=_dtype(self),
            offset=micros(how.offset) or 0,
            where=tuple(predicate_in(one, source) for one in how.conditions if isinstance(one, ColumnPredicate)),
            n=how.n if isinstance(how.n, int) else None,
            quantile=float(how.quantile) if isinstance(how.quantile, int | float) else None,
        )
        if self.kind == "latest":
            return [replace(base, ttl=micros(self.ttl))]
        hop = 1 if how.hop == "exact" else micros(how.hop)
        return [
            replace(
                base,
                name=f"{self.name}_{window}" if self.suffixed else self.name,
                window=micros(window),
                lifetime=isinstance(window, Lifetime),
                hop=None if isinstance(window, Lifetime) else hop,
            )
            for window in self.windows
        ]


def predicate_in(said: ColumnPredicate, source: str) -> Predicate:
    """A comparison as a view of `source` takes it: columns of other sources by their full names."""
    column = said.predicate.column
    return said.predicate if said.source == source else replace(said.predicate, column=f"{said.source}.{column}")


def _column(ref: ColumnRef, source: str) -> str:
    return ref.column.name if ref.source == source else f"{ref.source}.{ref.column.name}"


def _micros(said: object) -> int | None:
    return said.micros if isinstance(said, Duration) else None


def _dtype(feature: Feature) -> DType:
    if feature.kind in ("count", "distinct"):
        return "int"
    if feature.kind in ("latest", "min", "max", "sum", "first", "last", "last_n") and isinstance(feature.of, ColumnRef):
        return feature.of.column.dtype
    return "float"
