"""Columns of other sources' newest rows, added to a row when it comes: what the store would have answered then.

Each joined source is kept as a view of its own, whose features are the newest values of its columns. Views that
join alike share it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from noria.core.clock import Micros
from noria.features.model import FeatureSpec, LatestJoin, ViewSpec

PAST = 32
"""For how many newer rows a former one of a joined source is remembered."""
JOINED = "newest "
"""How the name of a joined source's view begins."""


class Answers(Protocol):
    """What answers for one joined source."""

    def answer(self, entity: tuple[Any, ...], at: Micros) -> dict[str, Any]:
        """The newest values of an entity at `at`, by column."""


class Joiner:
    """Adds the columns of `joins`, which `kept` answers for in the same order."""

    def __init__(self, joins: Sequence[LatestJoin], kept: Sequence[Answers]) -> None:
        self._joins = [
            (tuple(mine for mine, _ in join.on), {one.name: join.name(one.name) for one in join.columns}, answers)
            for join, answers in zip(joins, kept, strict=True)
        ]

    def joined(self, row: Mapping[str, Any], known: Micros) -> dict[str, Any]:
        """A row that became `known` then, with the other sources' columns beside its own."""
        wide = dict(row)
        for mine, names, answers in self._joins:
            found = answers.answer(tuple([row[column] for column in mine]), known)
            for column, name in names.items():
                wide[name] = found[column]
        return wide


def joined_view(join: LatestJoin) -> ViewSpec:
    """The view of a joined source that answers for it."""
    columns = tuple(
        FeatureSpec(column.name, "latest", column.name, ttl=join.ttl, dtype=column.dtype) for column in join.columns
    )
    return ViewSpec(
        name=f"{JOINED}{join.source}",
        source=join.source,
        entities=tuple(theirs for _, theirs in join.on),
        event_time=join.event_time,
        features=columns,
        columns=join.columns,
        key=join.key,
        retraction=join.retraction,
    )


def past_of(view: ViewSpec) -> int:
    """How many former values a view remembers: none, unless it is a joined source's."""
    return PAST if view.name.startswith(JOINED) else 0


def joiner(joins: Sequence[LatestJoin], kept: Callable[[ViewSpec], Answers]) -> Joiner | None:
    """The joiner of a view; None when it joins nothing. `kept` gives what answers for a joined source's view."""
    return Joiner(joins, [kept(joined_view(join)) for join in joins]) if joins else None
