"""What a plan is given to do: bundles of features over windows, of the entities that are asked about."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from noria.features.offline.bundles import Bundle
from noria.features.offline.events import Events
from noria.features.offline.made import both, entities, listed
from noria.features.sql import floored
from noria.features.windows import Span


@dataclass(frozen=True)
class Task:
    """One bundle over one window; the plan leaves its merged partials by `noria_row` in `table`."""

    span: Span
    bundle: Bundle
    table: str


@dataclass(frozen=True)
class Ground:
    """The connection, with the table of requests and that of events."""

    connection: duckdb.DuckDBPyConnection
    events: Events
    asked: str = "asked"

    @property
    def by_entity(self) -> str:
        """The condition that a request `a` and a row `e` are of one entity."""
        return both([f"a.{name} = e.{name}" for name in entities(self.events.entities)])

    @property
    def entity(self) -> str:
        """The columns of an entity, as a list."""
        return listed(entities(self.events.entities))

    def run(self, statement: str) -> None:
        """Execute one statement."""
        self.connection.execute(statement)

    def merge(self, task: Task, *pieces: str) -> None:
        """Merge pieces, queries of (noria_row, partials…), into the task's table."""
        together = " UNION ALL ".join(pieces)
        self.run(
            f"CREATE OR REPLACE TEMP TABLE {task.table} AS SELECT noria_row, {task.bundle.merge()} "
            f"FROM ({together}) GROUP BY ALL"
        )


def start(span: Span, moment: str = "noria_t") -> str:
    """SQL for where a window begins (not of a lifetime)."""
    return floored(f"{moment} - {span.offset + span.length}", span.hop)


def inside(span: Span, moment: str = "a.noria_t") -> str:
    """The condition that an event lies in a window."""
    ends = f"noria_at < {moment} - {span.offset}"
    return ends if span.lifetime else f"noria_at >= {start(span, moment)} AND {ends}"


VISIBLE = "e.noria_seen <= a.noria_t AND (e.noria_gone IS NULL OR e.noria_gone > a.noria_t)"
"""The condition that an event counts for a request."""
