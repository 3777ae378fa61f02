"""The `WITH` clauses of one lookup: from typed rows and requests to a row of features for each moment and key."""

from __future__ import annotations

from collections.abc import Iterable

from noria.data.model import INGESTED_AT
from noria.features.dialects.base import Dialect
from noria.features.engines.aggregates import Lowering, Partials
from noria.features.engines.model import BadLookup, Lookup, Rows
from noria.features.model import FeatureSpec, ViewSpec
from noria.features.windows import hop_of, lookback


class ViewSteps:
    """The steps of one lookup; `place` is its number in the statement. Raises BadLookup for too few keys."""

    def __init__(self, dialect: Dialect, place: int, lookup: Lookup) -> None:
        self._dialect, self._place, self._lookup, self._view = dialect, place, lookup, lookup.view
        self._types = {column.name: column.dtype for column in lookup.view.columns}
        self._entity = entities(lookup.view)
        self._used = {name: f"c{number}" for number, name in enumerate(_columns(lookup.view))}
        self._spans = list(dict.fromkeys(_span(feature) for feature in lookup.view.features))
        if len(lookup.keys) != len(self._entity):
            raise BadLookup(
                f"{lookup.view.name} is looked up by {len(lookup.keys)} columns, but its entity has "
                f"{len(self._entity)}: {', '.join(self._entity)}",
                hint="give one column of the requests for each, in that order",
            )

    def asked_keys(self, spine: Rows) -> list[str]:
        """The request's keys, typed, for the spine."""
        pairs = zip(self._lookup.keys, self._entity, self._names(), strict=True)
        dialect = self._dialect
        return [
            f"{dialect.cast(spine.column(dialect, key), self._types[entity])} AS {name}" for key, entity, name in pairs
        ]

    def steps(self, rows: Rows) -> list[tuple[str, str]]:
        """Names and bodies of what stands before the last SELECT."""
        needs(f"rows of {self._view.source}", rows, [*self._entity, self._view.event_time, *self._used])
        parts, values = self._aggregated()
        bodies = {"asked": self._asked(), "rows": self._rows(rows), "pairs": self._pairs(), "parts": parts}
        return [(f"{name}_{self._place}", body) for name, body in {**bodies, "view": values}.items()]

    def shown(self) -> list[str]:
        """The features in the last SELECT."""
        return [self._shown(place, feature) for place, feature in enumerate(self._view.features)]

    def joined(self) -> str:
        """How the last SELECT finds the view's answers."""
        view = f"view_{self._place}"
        equal = [f"{view}.{name} = spine.{name}" for name in ("noria_t", *self._names())]
        return f"LEFT JOIN {view} ON {' AND '.join(equal)}"

    def _shown(self, place: int, feature: FeatureSpec) -> str:
        column, dialect = f"view_{self._place}.f{place}", self._dialect
        value = f"coalesce({column}, 0)" if feature.kind == "count" else column
        return f"{dialect.cast(value, feature.dtype)} AS {dialect.quoted(f'{self._view.name}.{feature.name}')}"

    def _names(self) -> list[str]:
        return [f"noria_k{self._place}_{number}" for number in range(len(self._entity))]

    def _asked(self) -> str:
        names = ["noria_t", *self._names()]
        there = " AND ".join(f"{name} IS NOT NULL" for name in names)
        inner = f"SELECT DISTINCT {', '.join(names)} FROM spine WHERE {there}"
        bounds = [f"{self._begin(span)} AS lo{place}" for place, span in enumerate(self._spans)]
        return f"SELECT\n    {listed(['asked.*', *bounds], 4)}\n  FROM ({inner}) asked"

    def _begin(self, span: tuple[str, int]) -> str:
        kind, micros = span
        start = f"(noria_t - {micros})"
        return self._dialect.floored(start, hop_of(micros)) if kind == "window" else start

    def _rows(self, rows: Rows) -> str:
        at = rows.column(self._dialect, self._view.event_time)
        known = at
        if INGESTED_AT in rows.columns:
            known = self._dialect.greatest(f"coalesce({rows.column(self._dialect, INGESTED_AT)}, {at})", at)
        chosen = [
            *(f"{self._value(rows, name)} AS {alias}" for name, alias in zip(self._entity, self._names(), strict=True)),
            f"{at} AS noria_at",
            f"{known} AS noria_known",
            *(f"{self._value(rows, name)} AS {alias}" for name, alias in self._used.items()),
        ]
        return f"SELECT\n    {listed(chosen, 4)}\n  FROM {rows.sql} source_rows"

    def _value(self, rows: Rows, column: str) -> str:
        dtype, dialect = self._types[column], self._dialect
        if dtype == "time":
            return rows.column(dialect, column)
        value = dialect.cast(rows.column(dialect, column), dtype)
        return dialect.when(dialect.finite(value), value) if dtype == "float" else value

    def _pairs(self) -> str:
        asked, rows = f"asked_{self._place}", f"rows_{self._place}"
        kept = [f"{asked}.{name}" for name in ("noria_t", *self._names())]
        kept += [f"{rows}.{name}" for name in ("noria_at", "noria_known", *self._used.values())]
        conditions = [
            *(f"{rows}.{name} = {asked}.{name}" for name in self._names()),
            f"{rows}.noria_at <= {asked}.noria_t",
            f"{rows}.noria_at >= {asked}.noria_t - {lookback([self._view])}",
            f"{rows}.noria_known <= {asked}.noria_t",
        ]
        inside = [f"{self._holds(span, place)} AS in{place}" for place, span in enumerate(self._spans)]
        joined = "\n    AND ".join(conditions)
        return f"SELECT\n    {listed([*kept, *inside], 4)}\n  FROM {asked} JOIN {rows} ON {joined}"

    def _holds(self, span: tuple[str, int], place: int) -> str:
        asked, rows = f"asked_{self._place}", f"rows_{self._place}"
        begins = f"{rows}.noria_at >= {asked}.lo{place}"
        return begins if span[0] == "ttl" else f"{begins} AND {rows}.noria_at < {asked}.noria_t"

    def _aggregated(self) -> tuple[str, str]:
        partials, group = Partials(), ", ".join(["noria_t", *self._names()])
        columns = {name: (alias, self._types[name]) for name, alias in self._used.items()}
        lowering = Lowering(self._dialect, columns, partials)
        values = [
            f"{lowering.value(one, f'in{self._spans.index(_span(one))}')} AS f{number}"
            for number, one in enumerate(self._view.features)
        ]
        sums = [f"{expression} AS {name}" for expression, name in partials.names.items()]
        parts = f"SELECT\n    {group},\n    {listed(sums, 4)}\n  FROM pairs_{self._place} GROUP BY {group}"
        return parts, f"SELECT\n    {group},\n    {listed(values, 4)}\n  FROM parts_{self._place}"


def entities(view: ViewSpec) -> tuple[str, ...]:
    """The columns that a view's entity is made of."""
    return (view.entity,)


def listed(values: Iterable[str], indent: int = 2) -> str:
    """Expressions one below the other."""
    return (",\n" + " " * indent).join(values)


def needs(what: str, rows: Rows, columns: Iterable[str]) -> None:
    """Raise BadLookup when columns are missing."""
    missing = [name for name in dict.fromkeys(columns) if name not in rows.columns]
    if missing:
        raise BadLookup(
            f"{what} have no column {', '.join(map(repr, missing))}",
            hint=f"there are: {', '.join(rows.columns)}",
        )


def _span(feature: FeatureSpec) -> tuple[str, int]:
    return ("ttl", feature.ttl or 0) if feature.kind == "latest" else ("window", feature.window or 0)


def _columns(view: ViewSpec) -> list[str]:
    names = [feature.column for feature in view.features]
    names += [feature.predicate.column for feature in view.features if feature.predicate]
    return list(dict.fromkeys(name for name in names if name))
