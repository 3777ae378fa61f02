"""The newest row of another source beside each event of a view: the `WITH` clauses of one `LatestJoin`.

An event is joined with what was known when it became known (with hindsight: with what had happened when it
happened), so the value never changes afterwards. Events that share that moment share the answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from noria.core.schema import DType
from noria.features.dialects.base import Dialect
from noria.features.engines.events import Events, listed
from noria.features.engines.model import Rows, Step
from noria.features.model import Knowledge, LatestJoin


class JoinSteps:
    """The steps of one join; `names` are those of all columns that the view reads, the joined ones included."""

    def __init__(
        self, dialect: Dialect, tag: str, join: LatestJoin, names: Mapping[str, str], knowledge: Knowledge
    ) -> None:
        self._dialect, self._tag, self._join, self._names = dialect, tag, join, names
        self._knowledge = knowledge

    @property
    def name(self) -> str:
        """The view's events with the joined columns beside them."""
        return f"wide_{self._tag}"

    def steps(self, events: str, rows: Rows, types: Mapping[str, DType]) -> list[Step]:
        """From the view's `events` to `name`; `types` are those of the view's columns."""
        theirs = {column.name: column.dtype for column in self._join.columns}
        entity = {other: (f"o{place}", types[mine]) for place, (mine, other) in enumerate(self._join.on)}
        taken = {column: self._names[self._join.name(column)] for column in taken_from(self._join, self._names)}
        other = Events(self._dialect, self._tag, self._join, entity, taken, theirs)
        return [
            (f"wanted_{self._tag}", self._wanted(events)),
            *other.steps(rows),
            (f"found_{self._tag}", self._found(other, list(taken.values()))),
            (self.name, self._wide(events, list(taken.values()))),
        ]

    @property
    def _moment(self) -> str:
        return "noria_at" if self._knowledge == "as_of_event" else "noria_known"

    @property
    def _mine(self) -> list[str]:
        return [self._names[mine] for mine, _ in self._join.on]

    def _wanted(self, events: str) -> str:
        chosen = [f"{self._moment} AS noria_t", *(f"{mine} AS w{place}" for place, mine in enumerate(self._mine))]
        there = " AND ".join(f"{mine} IS NOT NULL" for mine in self._mine)
        return f"SELECT DISTINCT {', '.join(chosen)} FROM {events} WHERE {there}"

    def _found(self, other: Events, taken: list[str]) -> str:
        wanted = f"wanted_{self._tag}"
        group = ", ".join(f"{wanted}.{name}" for name in ("noria_t", *self._asked_names()))
        order = [f"{other.name}.{name}" for name in other.order]
        always = self._dialect.truth(True)
        values = [
            f"{self._dialect.first_of(value, [*order, value], always, newest=True)} AS {name}"
            for name, value in ((name, f"{other.name}.{name}") for name in taken)
        ]
        on = [
            *(f"{other.name}.o{place} = {wanted}.{name}" for place, name in enumerate(self._asked_names())),
            *other.counts(f"{wanted}.noria_t", self._knowledge),
        ]
        if self._join.ttl is not None:
            on.append(f"{other.name}.noria_at >= {wanted}.noria_t - {self._join.ttl}")
        joined = "\n    AND ".join(on)
        return (
            f"SELECT\n    {listed([group, *values])}\n  FROM {wanted} JOIN {other.name} ON {joined}\n  GROUP BY {group}"
        )

    def _wide(self, events: str, taken: list[str]) -> str:
        found = f"found_{self._tag}"
        on = [f"{found}.noria_t = {events}.{self._moment}"]
        on += [f"{found}.{name} = {events}.{mine}" for name, mine in zip(self._asked_names(), self._mine, strict=True)]
        chosen = ", ".join([f"{events}.*", *(f"{found}.{name}" for name in taken)])
        return f"SELECT {chosen}\n  FROM {events} LEFT JOIN {found} ON {' AND '.join(on)}"

    def _asked_names(self) -> list[str]:
        return [f"w{place}" for place in range(len(self._join.on))]


def taken_from(join: LatestJoin, names: Mapping[str, str]) -> list[str]:
    """The columns of the joined source that are read under the names `source.column`."""
    return [column.name for column in join.columns if join.name(column.name) in names]
