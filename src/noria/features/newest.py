"""The newest row's values of one entity, by (event time, moment of knowing, key, value), in whatever order they come.

Features with the same `where` share one entry: [event time, moment of knowing, key, values, keys seen at that
very instant]. The keys tell a copy of a row that has already counted; older rows can never be an answer again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from noria.core.clock import Micros
from noria.features.aggregates.partial import Told
from noria.features.aggregates.predicates import all_hold
from noria.features.model import FeatureSpec, Predicate, ViewSpec

Entry = list[Any]


class Newest:
    """The newest values of one group of features. `rebuilt`: rows may be taken back, copies are told elsewhere."""

    def __init__(self, where: tuple[Predicate, ...], features: Sequence[FeatureSpec], *, rebuilt: bool) -> None:
        self._holds = all_hold(where)
        self._columns = [feature.column or "" for feature in features]
        self._features = [(number, feature.name, feature.ttl) for number, feature in enumerate(features)]
        self._rebuilt = rebuilt

    @classmethod
    def groups_of(cls, view: ViewSpec, *, rebuilt: bool) -> list[Newest]:
        """The groups that a view needs, in a fixed order."""
        groups: dict[tuple[Predicate, ...], list[FeatureSpec]] = {}
        for feature in view.features:
            if not feature.windowed:
                groups.setdefault(feature.where, []).append(feature)
        return [cls(where, features, rebuilt=rebuilt) for where, features in groups.items()]

    def add(self, entries: list[Entry | None], place: int, told: Told) -> None:
        """Take a row in: `entries[place]` is the group's entry, None when there is none yet."""
        entry = entries[place]
        if (entry is not None and told.at < entry[0]) or (self._holds is not None and not self._holds(told.row)):
            return
        values = [told.row[column] for column in self._columns]
        if entry is None or told.at > entry[0]:
            entries[place] = [told.at, told.known, told.key, values, self._seen(told)]
            return
        if told.key is not None and not self._rebuilt:
            if told.key in entry[4]:
                return
            entry[4].append(told.key)
        ours, theirs = _rank(told.known, told.key), _rank(entry[1], entry[2])
        if ours > theirs:
            entry[1:4] = [told.known, told.key, values]
        elif ours == theirs:
            entry[3] = [_larger(one, other) for one, other in zip(entry[3], values, strict=True)]

    def answer(self, entry: Entry, at: Micros, answers: dict[str, Any]) -> None:
        """Put the values that are not too old at `at` among the answers."""
        age, values = at - entry[0], entry[3]
        if age >= 0:
            for number, name, ttl in self._features:
                if ttl is None or age <= ttl:
                    answers[name] = values[number]

    def rebuild(self, entries: list[Entry | None], place: int, at: Micros, back: Iterable[Sequence[Told]]) -> None:
        """A row that happened `at` counts no more: look for the newest among all that do, newest pieces first."""
        entry = entries[place]
        if entry is None or entry[0] != at:
            return
        entries[place] = None
        for rows in back:
            for one in rows:
                self.add(entries, place, one)
            if entries[place] is not None:
                return

    def _seen(self, told: Told) -> list[Any]:
        return [] if told.key is None or self._rebuilt else [told.key]


def _rank(known: Micros, key: Any) -> tuple[Any, ...]:
    return known, key is not None, key if key is not None else 0


def _larger(one: Any, other: Any) -> Any:
    """The larger of two values of rows that happened and became known together; null is the smallest."""
    return other if one is None else one if other is None else max(one, other)
