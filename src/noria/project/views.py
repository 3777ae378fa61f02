"""`FeatureView`: features of one entity, computed from one source's rows, the same offline and online."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from noria.core.errors import Fault
from noria.features.model import ViewSpec
from noria.project.aggregates import count as count
from noria.project.aggregates import latest as latest
from noria.project.aggregates import max as max
from noria.project.aggregates import mean as mean
from noria.project.aggregates import min as min
from noria.project.aggregates import share as share
from noria.project.aggregates import sum as sum
from noria.project.feature import Feature as Feature
from noria.project.feature_faults import feature_faults
from noria.project.joined import Joined, missing_column
from noria.project.sources import Source

S = TypeVar("S", bound=Source)


class FeatureView(Generic[S]):
    """Features of one entity: subclass `FeatureView[SomeSource]` and name the entity's column, or several.

    Example::

        class Airport(noria.FeatureView[Departure], entity="origin"):
            mean_delay = mean(Departure.delay, over=[hours(1), hours(24)])

        class Route(noria.FeatureView[Departure], entity=("origin", "dest")):
            departures = count(over=days(7))

    `joins` adds columns of other sources' newest rows (`aggregates.latest_of`).
    """

    noria_view: ClassVar[Declared]

    def __init_subclass__(
        cls, *, entity: str | Sequence[str] = "", joins: Sequence[Joined] = (), **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        features = tuple(value for value in vars(cls).values() if isinstance(value, Feature))
        entities = (entity,) if isinstance(entity, str) else tuple(entity)
        cls.noria_view = Declared(cls.__name__, _source_of(cls), entities, features, tuple(joins))


@dataclass(frozen=True)
class Declared:
    """A view as written; `check` tells what is wrong with it, `spec` gives what the features folder needs."""

    name: str
    source: type[Source] | None
    entities: tuple[str, ...]
    features: tuple[Feature, ...]
    joins: tuple[Joined, ...] = ()

    @property
    def sources(self) -> list[type[Source]]:
        """The view's source, and those that are joined."""
        joined = [join.source for join in self.joins if isinstance(join.source, type)]
        return [self.source, *joined] if self.source else joined

    def check(self) -> list[Fault]:
        """Everything wrong with the view."""
        if self.source is None:
            return [Fault(self.name, "does not say its source", "write FeatureView[SomeSource]")]
        faults = self._entity(self.source)
        if not self.features:
            faults.append(Fault(self.name, "has no features", "add one, such as total = count(over=hours(1))"))
        for join in self.joins:
            faults += join.check(self.name, self.source)
        joined = [source.__name__ for source in self.sources[1:]]
        faults += [
            Fault(self.name, f"joins {name} more than once", "one row of a source is added to each row")
            for name in dict.fromkeys(joined)
            if joined.count(name) > 1
        ]
        for feature in self.features:
            faults += feature_faults(feature, self.source, joined)
        return faults + self._names()

    def spec(self) -> ViewSpec:
        """The view as the features folder takes it; only for a view without faults."""
        assert self.source is not None
        schema, name = self.source.noria_schema, self.source.__name__
        return ViewSpec(
            self.name,
            name,
            self.entities,
            schema.event_time,
            tuple(spec for feature in self.features for spec in feature.specs(name)),
            schema.columns,
            schema.key,
            schema.retraction,
            tuple(join.spec() for join in self.joins),
        )

    def _entity(self, source: type[Source]) -> list[Fault]:
        if not self.entities:
            return [Fault(self.name, "does not say its entity", 'such as entity="origin"')]
        faults = [
            missing_column(self.name, f"entity={name!r}", name, source)
            for name in self.entities
            if name not in source.noria_schema
        ]
        if len(set(self.entities)) < len(self.entities):
            faults.append(Fault(self.name, f"entity={self.entities!r} names a column twice"))
        return faults

    def _names(self) -> list[Fault]:
        """Names of features that stand twice: `delay_1h` may be one of `delay`'s windows, too."""
        names = [name for feature in self.features for name in feature.names()]
        return [
            Fault(name, "stands for two features", "rename one; a list of windows adds their lengths to the name")
            for name in dict.fromkeys(names)
            if names.count(name) > 1
        ]


def _source_of(cls: type) -> type[Source] | None:
    for base in getattr(cls, "__orig_bases__", ()):
        for argument in typing.get_args(base):
            if isinstance(argument, type) and issubclass(argument, Source):
                return argument
    return None
