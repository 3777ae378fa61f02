"""Features of many requests as one SQL statement, point-in-time and as known, on any engine.

The universal form: every request is joined with the rows of its entity that had happened and were known when
it was asked, back to the longest window; one GROUP BY then takes all windows at once, each aggregate looking
only at its own rows. It needs no as-of join (three of five engines have none) and says the bitemporal
condition in so many words. What it costs is the number of (request, row) pairs of the longest window.

    spine     the requests, typed         asked_N   its distinct moments and keys, with where windows begin
    rows_N    the view's source, typed    pairs_N   asked_N with the rows each may know
    parts_N   one aggregate a number      view_N    features from these numbers
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from noria.core.schema import DType
from noria.data.model import INGESTED_AT
from noria.features.dialects.base import Dialect
from noria.features.engines.aggregates import Lowering, Partials
from noria.features.engines.model import BadLookup, Lookup, Rows
from noria.features.model import FeatureSpec, ViewSpec
from noria.features.windows import hop_of, lookback


@dataclass(frozen=True)
class Statement:
    """A statement, and what its columns are called in Noria (an engine may know them by shorter names).

    The last ones are features, `types` are theirs.
    """

    sql: str
    columns: tuple[str, ...]
    types: Mapping[str, DType]


def statement(
    dialect: Dialect, spine: Rows, asked_at: str, lookups: Sequence[Lookup], sources: Mapping[str, Rows]
) -> Statement:
    """Every column of the spine, then the features of each lookup, named `View.feature`.

    Requests without a moment or without a key get what an entity without rows gets: counts of 0, else null.
    Raises BadLookup when a column is missing.
    """
    _needs("the requests", spine, [asked_at, *(key for lookup in lookups for key in lookup.keys)])
    moment = dialect.micros(f"spine.{dialect.quoted(asked_at)}", spine.times.get(asked_at, "micros"))
    steps = [("spine", f"SELECT * FROM {spine.sql} requests")]
    shown = [f"spine.{dialect.quoted(name)}" for name in spine.columns]
    joins, types = [], dict[str, DType]()
    for place, lookup in enumerate(lookups):
        view = _View(dialect, place, lookup)
        steps += view.steps(moment, sources[lookup.view.source])
        shown += [view.shown(feature) for feature in lookup.view.features]
        joins.append(view.joined(moment))
        types.update({f"{lookup.view.name}.{feature.name}": feature.dtype for feature in lookup.view.features})
    common = ",\n".join(f"{name} AS (\n  {body}\n)" for name, body in steps)
    tail = "\n".join(["FROM spine", *joins])
    sql = f"WITH {common}\nSELECT\n  {_listed(shown)}\n{tail}"
    return Statement(sql, (*spine.columns, *types), types)


class _View:
    """The steps of one lookup."""

    def __init__(self, dialect: Dialect, place: int, lookup: Lookup) -> None:
        self._dialect, self._place, self._lookup, self._view = dialect, place, lookup, lookup.view
        self._types = {column.name: column.dtype for column in lookup.view.columns}
        self._keys = [f"noria_k{number}" for number in range(len(lookup.keys))]
        if len(self._keys) != len(entities(self._view)):
            raise BadLookup(
                f"{self._view.name} is looked up by {len(self._keys)} columns, but its entity has "
                f"{len(entities(self._view))}: {', '.join(entities(self._view))}",
                hint="give one column of the requests for each, in that order",
            )

    def steps(self, moment: str, rows: Rows) -> list[tuple[str, str]]:
        """Names and bodies of what stands before the last SELECT."""
        _needs(f"the source {self._view.source}", rows, [*entities(self._view), self._view.event_time])
        used = {name: f"c{place}" for place, name in enumerate(_columns(self._view))}
        _needs(f"the source {self._view.source}", rows, used)
        parts, values = self._aggregated(used)
        return [
            (f"asked_{self._place}", self._asked(moment)),
            (f"rows_{self._place}", self._typed(rows, used)),
            (f"pairs_{self._place}", self._pairs(used)),
            (f"parts_{self._place}", parts),
            (f"view_{self._place}", values),
        ]

    def shown(self, feature: FeatureSpec) -> str:
        """A feature in the last SELECT."""
        dialect, column = self._dialect, f"view_{self._place}.f{self._view.features.index(feature)}"
        value = f"coalesce({column}, 0)" if feature.kind == "count" else column
        return f"{dialect.cast(value, feature.dtype)} AS {dialect.quoted(f'{self._view.name}.{feature.name}')}"

    def joined(self, moment: str) -> str:
        """How the last SELECT finds the view's answers."""
        name = f"view_{self._place}"
        keys = [f"{name}.{key} = {value}" for key, value in zip(self._keys, self._asked_keys(), strict=True)]
        return f"LEFT JOIN {name} ON {' AND '.join([f'{name}.noria_t = {moment}', *keys])}"

    def _asked_keys(self) -> list[str]:
        pairs = zip(self._lookup.keys, entities(self._view), strict=True)
        return [self._cast(f"spine.{self._dialect.quoted(key)}", self._types[entity]) for key, entity in pairs]

    def _cast(self, value: str, dtype: DType) -> str:
        return self._dialect.cast(value, dtype)

    def _asked(self, moment: str) -> str:
        keys = self._asked_keys()
        chosen = [f"{moment} AS noria_t", *(f"{key} AS {name}" for key, name in zip(keys, self._keys, strict=True))]
        there = " AND ".join(f"{value} IS NOT NULL" for value in (moment, *keys))
        bounds = [f"{self._begin(length)} AS lo{place}" for place, length in enumerate(self._lengths)]
        inner = f"SELECT DISTINCT {', '.join(chosen)} FROM spine WHERE {there}"
        return f"SELECT {', '.join(['asked.*', *bounds])}\n  FROM ({inner}) asked"

    @property
    def _lengths(self) -> list[tuple[str, int]]:
        """What windows there are: the length of each, and whether it is a time to live, which is not rounded."""
        return list(dict.fromkeys(_length(feature) for feature in self._view.features))

    def _begin(self, length: tuple[str, int]) -> str:
        kind, micros = length
        start = f"(noria_t - {micros})"
        return self._dialect.floored(start, hop_of(micros)) if kind == "window" else start

    def _typed(self, rows: Rows, used: Mapping[str, str]) -> str:
        dialect, view = self._dialect, self._view
        at = self._time(rows, view.event_time)
        known = dialect.greatest(self._time(rows, INGESTED_AT), at) if INGESTED_AT in rows.columns else at
        keys = [self._value(rows, name) for name in entities(view)]
        chosen = [
            *(f"{value} AS {name}" for value, name in zip(keys, self._keys, strict=True)),
            f"{at} AS noria_at",
            f"{known} AS noria_known",
            *(f"{self._value(rows, name)} AS {alias}" for name, alias in used.items()),
        ]
        there = " AND ".join(f"{value} IS NOT NULL" for value in (*keys, at))
        return f"SELECT {', '.join(chosen)}\n  FROM {rows.sql} source_rows WHERE {there}"

    def _time(self, rows: Rows, column: str) -> str:
        return self._dialect.micros(self._dialect.quoted(column), rows.times.get(column, "micros"))

    def _value(self, rows: Rows, column: str) -> str:
        dtype, dialect = self._types[column], self._dialect
        if dtype == "time":
            return self._time(rows, column)
        value = dialect.cast(dialect.quoted(column), dtype)
        return dialect.when(dialect.finite(value), value) if dtype == "float" else value

    def _pairs(self, used: Mapping[str, str]) -> str:
        asked, rows, longest = f"asked_{self._place}", f"rows_{self._place}", lookback([self._view])
        chosen = [f"{asked}.*", *(f"{rows}.{name}" for name in ("noria_at", "noria_known", *used.values()))]
        conditions = [
            *(f"{rows}.{key} = {asked}.{key}" for key in self._keys),
            f"{rows}.noria_at <= {asked}.noria_t",
            f"{rows}.noria_at >= {asked}.noria_t - {longest}",
            f"{rows}.noria_known <= {asked}.noria_t",
        ]
        joined = "\n   AND ".join(conditions)
        return f"SELECT {', '.join(chosen)}\n  FROM {asked} JOIN {rows}\n    ON {joined}"

    def _aggregated(self, used: Mapping[str, str]) -> tuple[str, str]:
        partials, group = Partials(), ", ".join(["noria_t", *self._keys])
        columns = {name: (alias, self._types[name]) for name, alias in used.items()}
        lowering = Lowering(self._dialect, columns, partials)
        values = [f"{lowering.value(one, self._inside(one))} AS f{n}" for n, one in enumerate(self._view.features)]
        sums = [f"{expression} AS {name}" for expression, name in partials.names.items()]
        parts = f"SELECT\n    {group},\n    {_listed(sums, 4)}\n  FROM pairs_{self._place} GROUP BY {group}"
        return parts, f"SELECT\n    {group},\n    {_listed(values, 4)}\n  FROM parts_{self._place}"

    def _inside(self, feature: FeatureSpec) -> str:
        begin = f"noria_at >= lo{self._lengths.index(_length(feature))}"
        return begin if feature.kind == "latest" else f"{begin} AND noria_at < noria_t"


def entities(view: ViewSpec) -> tuple[str, ...]:
    """The columns that a view's entity is made of."""
    return (view.entity,)


def _length(feature: FeatureSpec) -> tuple[str, int]:
    return ("ttl", feature.ttl or 0) if feature.kind == "latest" else ("window", feature.window or 0)


def _columns(view: ViewSpec) -> list[str]:
    names = [feature.column for feature in view.features]
    names += [feature.predicate.column for feature in view.features if feature.predicate]
    return list(dict.fromkeys(name for name in names if name))


def _listed(values: Iterable[str], indent: int = 2) -> str:
    return (",\n" + " " * indent).join(values)


def _needs(what: str, rows: Rows, columns: Iterable[str]) -> None:
    missing = [name for name in dict.fromkeys(columns) if name not in rows.columns]
    if missing:
        raise BadLookup(
            f"{what} have no column {', '.join(map(repr, missing))}",
            hint=f"there are: {', '.join(rows.columns)}",
        )
