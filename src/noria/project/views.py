"""`FeatureView`: features of one entity, computed from one source's rows, the same offline and online."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

from noria.core.errors import Fault
from noria.core.schema import DType
from noria.core.suggest import did_you_mean
from noria.core.units import Duration
from noria.features.model import AggregateKind, FeatureSpec, ViewSpec
from noria.project.columns import ColumnPredicate, ColumnRef
from noria.project.sources import Source

S = TypeVar("S", bound=Source)


class Feature:
    """What `mean(...)`, `count(...)`, `latest(...)` give: one feature, or one for each of several windows."""

    def __init__(
        self, kind: AggregateKind, of: object, over: Duration | Sequence[Duration] | None, ttl: Duration | None
    ):
        self.kind = kind
        self.of = of
        self.windows = [over] if isinstance(over, Duration) else list(over or ())
        self.suffixed = not isinstance(over, Duration)
        self.ttl = ttl
        self.view = ""
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.view, self.name = owner.__name__, name

    def __repr__(self) -> str:
        return f"{self.view}.{self.name}" if self.name else f"{self.kind}(…)"

    def specs(self) -> list[FeatureSpec]:
        """The features this declares, with their final names."""
        base = FeatureSpec(self.name, self.kind, dtype=_dtype(self))
        if isinstance(self.of, ColumnPredicate):
            base = replace(base, predicate=self.of.predicate)
        elif isinstance(self.of, ColumnRef):
            base = replace(base, column=self.of.column.name)
        if self.kind == "latest":
            return [replace(base, ttl=self.ttl.micros if self.ttl else None)]
        return [
            replace(base, name=f"{self.name}_{window}" if self.suffixed else self.name, window=window.micros)
            for window in self.windows
        ]

    def names(self) -> tuple[str, ...]:
        """Full names, as in training frames and reports: `Airport.mean_delay_1h`."""
        return tuple(f"{self.view}.{spec.name}" for spec in self.specs())


def count(of: object = None, *, over: Duration | Sequence[Duration]) -> Feature:
    """How many rows there were in each window before the question; 0 when none. With a column: non-null ones."""
    return Feature("count", of, over, None)


def sum(of: float | None, *, over: Duration | Sequence[Duration]) -> Feature:
    """The sum of a column over each window; null when there was no value."""
    return Feature("sum", of, over, None)


def mean(of: float | None, *, over: Duration | Sequence[Duration]) -> Feature:
    """The mean of a column over each window; null when there was no value."""
    return Feature("mean", of, over, None)


def min(of: float | None, *, over: Duration | Sequence[Duration]) -> Feature:
    """The smallest value of a column over each window; null when there was none."""
    return Feature("min", of, over, None)


def max(of: float | None, *, over: Duration | Sequence[Duration]) -> Feature:
    """The largest value of a column over each window; null when there was none."""
    return Feature("max", of, over, None)


def share(of: bool, *, over: Duration | Sequence[Duration]) -> Feature:
    """The share of rows of each window for which a comparison such as `Arrival.delay > 15` holds."""
    return Feature("share", of, over, None)


def latest(of: object, *, ttl: Duration) -> Feature:
    """The newest value of a column, unless it is older than `ttl` (inclusive); then null."""
    return Feature("latest", of, None, ttl)


class FeatureView(Generic[S]):
    """Features of one entity: subclass `FeatureView[SomeSource]` and name the entity's column.

    Example::

        class Airport(noria.FeatureView[Departure], entity="origin"):
            mean_delay = mean(Departure.delay, over=[hours(1), hours(24)])
    """

    noria_view: ClassVar[Declared]

    def __init_subclass__(cls, *, entity: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        features = [value for value in vars(cls).values() if isinstance(value, Feature)]
        cls.noria_view = Declared(cls.__name__, _source_of(cls), entity, tuple(features))


@dataclass(frozen=True)
class Declared:
    """A view as written; `check` tells what is wrong with it, `spec` gives what the features folder needs."""

    name: str
    source: type[Source] | None
    entity: str
    features: tuple[Feature, ...]

    def check(self) -> list[Fault]:
        """Everything wrong with the view."""
        if self.source is None:
            return [Fault(self.name, "does not say its source", "write FeatureView[SomeSource]")]
        faults = []
        names = self.source.noria_schema.names
        if self.entity not in names:
            guess = did_you_mean(self.entity, names) or f"{self.source.__name__} has {', '.join(names)}"
            faults.append(Fault(self.name, f"entity={self.entity!r} is no column of {self.source.__name__}", guess))
        if not self.features:
            faults.append(Fault(self.name, "has no features", "add one, such as total = count(over=hours(1))"))
        for feature in self.features:
            faults += _faults(self.source, feature)
        return faults

    def spec(self) -> ViewSpec:
        """The view as the features folder takes it; only for a view without faults."""
        assert self.source is not None
        schema = self.source.noria_schema
        specs = tuple(spec for feature in self.features for spec in feature.specs())
        return ViewSpec(
            self.name,
            self.source.__name__,
            (self.entity,),
            schema.event_time,
            specs,
            schema.columns,
            schema.key,
            schema.retraction,
        )


def _source_of(cls: type) -> type[Source] | None:
    for base in getattr(cls, "__orig_bases__", ()):
        for argument in typing.get_args(base):
            if isinstance(argument, type) and issubclass(argument, Source):
                return argument
    return None


def _faults(source: type[Source], feature: Feature) -> list[Fault]:
    of, place = feature.of, repr(feature)
    faults = []
    if feature.kind == "share" and not isinstance(of, ColumnPredicate):
        faults.append(Fault(place, "share() takes a comparison", f"such as {source.__name__}.column > 15"))
    elif feature.kind not in ("share", "count") and not isinstance(of, ColumnRef):
        faults.append(Fault(place, f"{feature.kind}() takes a column", f"such as {source.__name__}.column"))
    elif isinstance(of, ColumnRef | ColumnPredicate) and of.source != source.__name__:
        faults.append(Fault(place, f"{of!r} is of {of.source}, but the view's source is {source.__name__}"))
    if (
        isinstance(of, ColumnRef)
        and feature.kind in ("sum", "mean", "min", "max")
        and of.column.dtype not in ("int", "float")
    ):
        faults.append(Fault(place, f"{feature.kind}() takes a number; {of!r} is {of.column.dtype}"))
    windows = feature.windows if feature.kind != "latest" else [feature.ttl]
    if not windows or any(window is None or window.micros <= 0 for window in windows):
        faults.append(Fault(place, "needs a length of time above zero", "such as over=hours(1) or ttl=hours(6)"))
    return faults


def _dtype(feature: Feature) -> DType:
    if feature.kind == "count":
        return "int"
    if feature.kind in ("latest", "min", "max", "sum") and isinstance(feature.of, ColumnRef):
        return feature.of.column.dtype
    return "float"
