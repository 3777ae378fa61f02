"""The newest row's values of one entity, by (event time, moment of knowing, key, value), in whatever order they come.

Features with the same `where` share one entry: [event time, moment of knowing, key, values, keys seen at that
very instant, past]. The keys tell a copy of a row that has already counted; older rows can never be an answer
again. But rows of other sources look back: events of two sources seldom arrive in the order in which they
became known. For them `past` remembers the last entries, each newer and known later than the one before it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from noria.core.clock import Micros
from noria.features.aggregates.partial import Told
from noria.features.aggregates.predicates import all_hold
from noria.features.model import FeatureSpec, Predicate, ViewSpec

Entry = list[Any]


class Newest:
    """The newest values of one group of features.

    `rebuilt`: rows may be taken back, copies are told elsewhere. `past`: how many former entries are remembered.
    """

    def __init__(
        self, where: tuple[Predicate, ...], features: Sequence[FeatureSpec], *, rebuilt: bool, past: int
    ) -> None:
        self._holds = all_hold(where)
        self._columns = [feature.column or "" for feature in features]
        self._features = [(number, feature.name, feature.ttl) for number, feature in enumerate(features)]
        self._rebuilt, self._past = rebuilt, past

    @classmethod
    def groups_of(cls, view: ViewSpec, *, rebuilt: bool, past: int) -> list[Newest]:
        """The groups that a view needs, in a fixed order."""
        groups: dict[tuple[Predicate, ...], list[FeatureSpec]] = {}
        for feature in view.features:
            if not feature.windowed:
                groups.setdefault(feature.where, []).append(feature)
        return [cls(where, features, rebuilt=rebuilt, past=past) for where, features in groups.items()]

    def add(self, entries: list[Entry | None], place: int, told: Told) -> None:
        """Take a row in: `entries[place]` is the group's entry, None when there is none yet."""
        entry = entries[place]
        older = entry is not None and told.at < entry[0]
        if (older and not self._past) or (self._holds is not None and not self._holds(told.row)):
            return
        values = [told.row[column] for column in self._columns]
        if entry is None or told.at > entry[0]:
            past = [] if entry is None else entry[5]
            if entry is not None and self._past:
                self._remember(past, entry[:4])
            entries[place] = [told.at, told.known, told.key, values, self._seen(told), past]
        elif older:
            if told.known < entry[1]:
                self._remember(entry[5], [told.at, told.known, told.key, values])
        else:
            self._tie(entry, told, values)

    def answer(self, entry: Entry, at: Micros, answers: dict[str, Any]) -> None:
        """Put the values that are not too old at `at` among the answers."""
        if entry[1] > at and self._past:
            entry = next((one for one in reversed(entry[5]) if one[1] <= at), entry)
        age, values = at - entry[0], entry[3]
        if age >= 0:
            for number, name, ttl in self._features:
                if ttl is None or age <= ttl:
                    answers[name] = values[number]

    def rebuild(self, entries: list[Entry | None], place: int, at: Micros, back: Iterable[Sequence[Told]]) -> None:
        """A row that happened `at` counts no more: look for the newest among all that do, newest pieces first."""
        entry = entries[place]
        if entry is not None and self._past:
            entry[5][:] = [one for one in entry[5] if one[0] != at]
        if entry is None or entry[0] != at:
            return
        entries[place] = None
        for rows in back:
            for one in rows:
                self.add(entries, place, one)
            if entries[place] is not None:
                return

    def _tie(self, entry: Entry, told: Told, values: list[Any]) -> None:
        """Another row of the newest instant."""
        if told.key is not None and not self._rebuilt:
            if told.key in entry[4]:
                return
            entry[4].append(told.key)
        ours, theirs = _rank(told.known, told.key), _rank(entry[1], entry[2])
        if ours > theirs:
            if self._past and told.known > entry[1]:
                self._remember(entry[5], entry[:4])
            entry[1:4] = [told.known, told.key, values]
        elif ours == theirs:
            entry[3] = [_larger(one, other) for one, other in zip(entry[3], values, strict=True)]
        elif self._past and told.known < entry[1]:
            self._remember(entry[5], [told.at, told.known, told.key, values])

    def _remember(self, past: list[Entry], former: Entry) -> None:
        """Put a former entry in its place; both times rise in `past`, so some are left out, or go."""
        at, known, key, _ = former
        if key is not None and any(one[0] == at and one[2] == key for one in past):
            return
        place = bisect_right(past, known, key=itemgetter(1))
        if place and past[place - 1][0] > at:
            return
        past.insert(place, former)
        while place + 1 < len(past) and past[place + 1][0] < at:
            del past[place + 1]
        del past[: -self._past]

    def _seen(self, told: Told) -> list[Any]:
        return [] if told.key is None or self._rebuilt else [told.key]


def _rank(known: Micros, key: Any) -> tuple[Any, ...]:
    return known, key is not None, key if key is not None else 0


def _larger(one: Any, other: Any) -> Any:
    """The larger of two values of rows that happened and became known together; null is the smallest."""
    return other if one is None else one if other is None else max(one, other)
