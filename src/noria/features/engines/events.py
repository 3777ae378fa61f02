"""A source's rows as events: typed, each once, with the moment at which it was taken back.

Rows of one key, entity and event time are one event (`ViewSpec`): the first known of them counts, and none
from the moment on at which a retraction of it is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from noria.core.schema import DType
from noria.data.model import INGESTED_AT
from noria.features.dialects.base import Dialect
from noria.features.engines.model import Rows, Step, needs
from noria.features.model import Knowledge, LatestJoin, ViewSpec


@dataclass(frozen=True)
class Events:
    """What is wanted of a source: `entity` and `used` map its columns to names, `types` are of all its columns."""

    dialect: Dialect
    tag: str
    of: ViewSpec | LatestJoin
    entity: Mapping[str, tuple[str, DType]]
    used: Mapping[str, str]
    types: Mapping[str, DType]

    @property
    def name(self) -> str:
        """The last of the steps; its rows have the names, `noria_at`, `noria_known` and what `order` needs."""
        return f"events_{self.tag}"

    @property
    def order(self) -> list[str]:
        """By what events are told to be newer, before their value."""
        return ["noria_at", "noria_known", *(["noria_key"] if self.of.key else [])]

    def steps(self, rows: Rows) -> list[Step]:
        """Typed rows, and events from them. Raises BadLookup for a missing column."""
        special = [self.of.event_time, self.of.key, self.of.retraction]
        needs(f"rows of {self.of.source}", rows, [name for name in (*self.entity, *special, *self.used) if name])
        return [(f"rows_{self.tag}", self._rows(rows)), (self.name, self._events())]

    def counts(self, moment: str, knowledge: Knowledge) -> list[str]:
        """The conditions under which an event counts for a request at `moment`."""
        happened, gone = f"{self.name}.noria_at <= {moment}", f"{self.name}.noria_gone"
        takes = self.of.key is not None and self.of.retraction is not None
        if knowledge == "as_of_event":
            return [happened, f"{gone} IS NULL"] if takes else [happened]
        known = [happened, f"{self.name}.noria_known <= {moment}"]
        return [*known, f"({gone} IS NULL OR {gone} > {moment})"] if takes else known

    def _rows(self, rows: Rows) -> str:
        at = rows.column(self.dialect, self.of.event_time)
        known = at
        if INGESTED_AT in rows.columns:
            ingested = rows.column(self.dialect, INGESTED_AT)
            known = self.dialect.greatest(f"coalesce({ingested}, {at})", at)
        chosen = {alias: self._value(rows, name, dtype) for name, (alias, dtype) in self.entity.items()}
        chosen |= {"noria_at": at, "noria_known": known}
        if self.of.key is not None:
            chosen["noria_key"] = self._value(rows, self.of.key, self.types[self.of.key])
        if self.of.retraction is not None:
            chosen["noria_taken"] = self._taken(rows, self.of.retraction)
        chosen |= {alias: self._value(rows, name, self.types[name]) for name, alias in self.used.items()}
        columns = [f"{value} AS {name}" for name, value in chosen.items()]
        return f"SELECT\n    {listed(columns)}\n  FROM {rows.sql} source_rows"

    def _value(self, rows: Rows, column: str, dtype: DType) -> str:
        there = rows.column(self.dialect, column)
        if self.types[column] == "time":
            return there
        return self.dialect.typed(there, dtype)

    def _taken(self, rows: Rows, column: str) -> str:
        value = self._value(rows, column, self.types[column])
        taken = value if self.types[column] == "bool" else f"{value} < 0"
        return f"coalesce({taken}, {self.dialect.truth(False)})"

    def _events(self) -> str:
        source, retracts = f"rows_{self.tag}", self.of.retraction is not None
        counted = "NOT noria_taken" if retracts else self.dialect.truth(True)
        if self.of.key is None:
            return f"SELECT * FROM {source} WHERE {counted}"
        event = ", ".join([*(alias for alias, _ in self.entity.values()), "noria_at", "noria_key"])
        side = f"{event}, noria_taken" if retracts else event
        columns = [f"{source}.*", f"row_number() OVER (PARTITION BY {side} ORDER BY noria_known) AS noria_copy"]
        if retracts:
            gone = f"min({self.dialect.when('noria_taken', 'noria_known')}) OVER (PARTITION BY {event})"
            columns.append(f"{self.dialect.when('noria_key IS NOT NULL', gone)} AS noria_gone")
        inner = f"SELECT {', '.join(columns)} FROM {source}"
        return f"SELECT * FROM ({inner}) told\n  WHERE {counted} AND (noria_key IS NULL OR noria_copy = 1)"


def listed(values: list[str], indent: int = 4) -> str:
    """Expressions one below the other."""
    return (",\n" + " " * indent).join(values)
