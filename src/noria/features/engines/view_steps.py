"""The `WITH` clauses of one lookup: from typed rows and requests to a row of features for each moment and key."""

from __future__ import annotations

from collections.abc import Mapping

from noria.core.schema import DType
from noria.features.aggregates.slots import column_types
from noria.features.dialects.base import Dialect
from noria.features.engines.aggregates import Lowering, condition
from noria.features.engines.events import Events, listed
from noria.features.engines.join_steps import JoinSteps, taken_from
from noria.features.engines.model import BadLookup, Lookup, Rows, Step
from noria.features.engines.sketches import Marks
from noria.features.model import FOREVER, FeatureSpec, Knowledge, Predicate, ViewSpec
from noria.features.windows import Span, lookback, span_of

Inside = tuple[Span | int | None, tuple[Predicate, ...]]
"""Which rows a feature looks at: its window or its time to live (None: for ever), and what must hold."""


class ViewSteps:
    """The steps of one lookup; `place` is its number in the statement. Raises BadLookup for too few keys."""

    def __init__(self, dialect: Dialect, place: int, lookup: Lookup, knowledge: Knowledge) -> None:
        self._dialect, self._place, self._lookup, self._view = dialect, place, lookup, lookup.view
        self._knowledge = knowledge
        self._types = column_types(lookup.view)
        if len(lookup.keys) != len(self._view.entities):
            raise BadLookup(
                f"{lookup.view.name} is looked up by {len(lookup.keys)} columns, but its entity has "
                f"{len(self._view.entities)}: {', '.join(self._view.entities)}",
                hint="give one column of the requests for each, in that order",
            )
        self._keys = [f"noria_k{place}_{number}" for number in range(len(lookup.keys))]
        self._names = {name: f"c{number}" for number, name in enumerate(_columns(self._view))}
        self._insides = list(dict.fromkeys(_inside(feature) for feature in self._view.features))
        self._windows = list(dict.fromkeys(reach for reach, _ in self._insides if _begins(reach)))
        self._joins = [join for join in self._view.joins if taken_from(join, self._names)]
        self._marks = self._marked()
        own = {name: alias for name, alias in self._names.items() if name in self._own_columns()}
        self._events = Events(dialect, str(place), self._view, self._entity(), own, self._types)

    @property
    def pairs(self) -> str:
        """The step that is as long as all windows together."""
        return f"pairs_{self._place}"

    @property
    def sketched(self) -> bool:
        """Whether `pairs` is read more than once."""
        return any(feature.kind == "distinct" for feature in self._view.features)

    def asked_keys(self, spine: Rows) -> list[str]:
        """The request's keys, typed, for the spine."""
        triples = zip(self._lookup.keys, self._view.entities, self._keys, strict=True)
        return [
            f"{self._dialect.typed(spine.column(self._dialect, key), self._types[entity])} AS {name}"
            for key, entity, name in triples
        ]

    def steps(self, sources: Mapping[str, Rows]) -> list[Step]:
        """What stands before the last SELECT."""
        steps = [(f"asked_{self._place}", self._asked()), *self._events.steps(sources[self._view.source])]
        events = self._events.name
        for number, join in enumerate(self._joins):
            widening = JoinSteps(self._dialect, f"{self._place}_{number}", join, self._names, self._knowledge)
            steps += widening.steps(events, sources[join.source], self._types)
            events = widening.name
        if self._marks.names:
            steps.append((f"marked_{self._place}", self._marks.marked(events)))
            events = steps[-1][0]
        return [*steps, (self.pairs, self._pairs(events)), *self._aggregated()]

    def shown(self) -> list[str]:
        """The features in the last SELECT."""
        return [self._shown(place, feature) for place, feature in enumerate(self._view.features)]

    def joined(self) -> str:
        """How the last SELECT finds the view's answers."""
        view = f"view_{self._place}"
        equal = [f"{view}.{name} = spine.{name}" for name in ("noria_t", *self._keys)]
        return f"LEFT JOIN {view} ON {' AND '.join(equal)}"

    def _shown(self, place: int, feature: FeatureSpec) -> str:
        column, dialect = f"view_{self._place}.f{place}", self._dialect
        if feature.kind == "last_n":
            value = dialect.list_or_empty(column, feature.dtype)
        else:
            value = dialect.cast(column if feature.nullable else f"coalesce({column}, 0)", feature.dtype)
            value = dialect.usual(value) if feature.dtype == "string" else value
        return f"{value} AS {dialect.quoted(f'{self._view.name}.{feature.name}')}"

    def _entity(self) -> dict[str, tuple[str, DType]]:
        pairs = zip(self._view.entities, self._keys, strict=True)
        return {entity: (name, self._types[entity]) for entity, name in pairs}

    def _marked(self) -> Marks:
        counted = {one.column or "" for one in self._view.features if one.kind == "distinct"}
        ranked = {one.column or "" for one in self._view.features if one.kind == "quantile"}
        return Marks(
            self._dialect,
            {alias: self._types[name] for name, alias in self._names.items() if name in counted},
            [alias for name, alias in self._names.items() if name in ranked],
        )

    def _own_columns(self) -> set[str]:
        return {column.name for column in self._view.columns}

    def _asked(self) -> str:
        names = ["noria_t", *self._keys]
        there = " AND ".join(f"{name} IS NOT NULL" for name in names)
        inner = f"SELECT DISTINCT {', '.join(names)} FROM spine WHERE {there}"
        bounds = [f"{self._begin(reach)} AS lo{place}" for place, reach in enumerate(self._windows)]
        return f"SELECT\n    {listed(['asked.*', *bounds])}\n  FROM ({inner}) asked"

    def _begin(self, reach: Span | int | None) -> str:
        if isinstance(reach, Span):
            return self._dialect.floored(f"(noria_t - {reach.offset + reach.length})", reach.hop)
        return f"(noria_t - {reach})"

    def _pairs(self, events: str) -> str:
        """Each request with the events that count for it, and a truth value for each window."""
        asked, longest = f"asked_{self._place}", lookback([self._view])
        kept = [f"{asked}.{name}" for name in ("noria_t", *self._keys)]
        kept += [
            f"{self._events.name}.{name}" for name in (*self._events.order, *self._names.values(), *self._marks.names)
        ]
        inside = [f"{self._holds(inside)} AS in{place}" for place, inside in enumerate(self._insides)]
        on = [
            *(f"{self._events.name}.{name} = {asked}.{name}" for name in self._keys),
            *self._events.counts(f"{asked}.noria_t", self._knowledge),
            *([f"{self._events.name}.noria_at >= {asked}.noria_t - {longest}"] if longest < FOREVER else []),
        ]
        joined = "\n    AND ".join(on)
        source = events if events == self._events.name else f"{events} {self._events.name}"
        return f"SELECT\n    {listed([*kept, *inside])}\n  FROM {asked} JOIN {source} ON {joined}"

    def _holds(self, inside: Inside) -> str:
        reach, where = inside
        asked, at = f"asked_{self._place}", f"{self._events.name}.noria_at"
        holds = [f"{at} >= {asked}.lo{self._windows.index(reach)}"] if _begins(reach) else []
        if isinstance(reach, Span):
            end = f"{asked}.noria_t" + (f" - {reach.offset}" if reach.offset else "")
            holds.append(f"{at} < {end}")
        holds += [
            condition(self._dialect, one, f"{self._events.name}.{self._names[one.column]}", self._types[one.column])
            for one in where
        ]
        return f"({' AND '.join(holds) or self._dialect.truth(True)})"

    def _aggregated(self) -> list[Step]:
        group, pairs, parts = ", ".join(["noria_t", *self._keys]), self.pairs, f"parts_{self._place}"
        lowering = Lowering(self._dialect, self._names, self._types, self._events.order, pairs, group)
        values = [
            f"{lowering.value(one, f'in{self._insides.index(_inside(one))}', str(self._place))} AS f{number}"
            for number, one in enumerate(self._view.features)
        ]
        sums = [f"{expression} AS {name}" for expression, name in lowering.partials.names.items()]
        made = list(lowering.beside.values())
        names = [f"{parts}.{name}" for name in ("noria_t", *self._keys)]
        tables = [parts, *(self._beside(name, parts) for name, _ in made)]
        return [
            (parts, f"SELECT\n    {listed([group, *sums])}\n  FROM {pairs} GROUP BY {group}"),
            *made,
            (f"view_{self._place}", f"SELECT\n    {listed([*names, *values])}\n  FROM {' '.join(tables)}"),
        ]

    def _beside(self, sketch: str, parts: str) -> str:
        equal = " AND ".join(f"{sketch}.{name} = {parts}.{name}" for name in ("noria_t", *self._keys))
        return f"LEFT JOIN {sketch} ON {equal}"


def _inside(feature: FeatureSpec) -> Inside:
    return (span_of(feature) if feature.windowed else feature.ttl), feature.where


def _begins(reach: Span | int | None) -> bool:
    return not reach.lifetime if isinstance(reach, Span) else reach is not None


def _columns(view: ViewSpec) -> list[str]:
    """Every column of the view that a feature, a condition or a join reads."""
    names = [feature.column for feature in view.features]
    predicates = [one for feature in view.features for one in (*feature.where, feature.predicate) if one]
    names += [predicate.column for predicate in predicates]
    names += [mine for join in view.joins for mine, _ in join.on]
    return list(dict.fromkeys(name for name in names if name))
