"""Messages into the data plane: asked again until it has them, bad ones set aside, none lost and none twice.

`take` returns True when every message is durable with the data plane, or among the dead letters; only then may
the broker be told. A message that is given again after that is known by its position or id and counts once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from noria.serving.streams.bodies import Reader
from noria.serving.streams.model import Event, Letter
from noria.serving.streams.posting import Bury, Patient, document, said

_ROW = re.compile(r"rows\[(\d+)\](.*)")
_OURS = (400, 413, 422)
"""Answers that are about the messages. Every other one is about the data plane, and passes."""


@dataclass(frozen=True)
class _Run:
    """Events of one stream that are posted together: consecutive positions, or ids."""

    events: Sequence[Event]
    rows: Sequence[dict[str, Any]]

    def split(self, at: int) -> tuple[_Run, _Run]:
        return _Run(self.events[:at], self.rows[:at]), _Run(self.events[at:], self.rows[at:])

    def without(self, bad: set[int]) -> list[tuple[Event, dict[str, Any]]]:
        both = zip(self.events, self.rows, strict=True)
        return [one for number, one in enumerate(both) if number not in bad]

    def batch(self, source: str) -> dict[str, Any]:
        first = self.events[0]
        place: dict[str, Any] = {"position": first.position}
        if first.position is None:
            place = {"ids": [event.id for event in self.events]}
        return {"source": source, "stream": first.stream, "rows": list(self.rows), **place}


class Delivery(Patient):
    """Delivers events of `source` to the data plane behind `client`."""

    def __init__(self, client: httpx.AsyncClient, source: str, reader: Reader, bury: Bury) -> None:
        super().__init__(client, bury)
        self._source, self._reader = source, reader

    async def take(self, events: Sequence[Event]) -> bool:
        """Whether all of them are durable now; False when this was stopped first: then tell the broker nothing."""
        good: list[tuple[Event, dict[str, Any]]] = []
        letters: list[Letter] = []
        for event in events:
            found = self._reader.read(event)
            if isinstance(found, Letter):
                letters.append(found)
            else:
                good.append(found)
        for run in _runs(good):
            if not await self._one(run, letters):
                return False
        return not letters or await self.set_aside(letters)

    async def _one(self, run: _Run, letters: list[Letter]) -> bool:
        """Deliver a run; what is bad of it goes to `letters`."""
        body = msgspec.json.encode([run.batch(self._source)])
        answer = await self.post("/events", body, len(run.rows), lambda one: one.status_code in _OURS)
        if answer is None:
            return False
        if answer.status_code == 200:
            self._count(answer)
            return True
        reasons = _reasons(answer, len(run.rows))
        if not reasons and len(run.rows) > 1:
            first, second = run.split(len(run.rows) // 2)
            return await self._one(first, letters) and await self._one(second, letters)
        reasons = reasons or {0: said(answer)}
        letters += [Letter(run.events[number], reason) for number, reason in reasons.items()]
        for rest in _runs(run.without(set(reasons))):
            if not await self._one(rest, letters):
                return False
        return True

    def _count(self, answer: httpx.Response) -> None:
        counts = answer.json()
        self.tally.taken += counts["applied"]
        self.tally.repeated += counts["repeated"]


def _runs(found: Iterable[tuple[Event, dict[str, Any]]]) -> Iterable[_Run]:
    """Events in their order, cut where the stream changes or a position is left out."""
    events: list[Event] = []
    rows: list[dict[str, Any]] = []
    for event, row in found:
        if events and not _follows(events[-1], event):
            yield _Run(events, rows)
            events, rows = [], []
        events.append(event)
        rows.append(row)
    if events:
        yield _Run(events, rows)


def _follows(one: Event, other: Event) -> bool:
    if one.stream != other.stream or (one.position is None) != (other.position is None):
        return False
    return one.position is None or other.position == one.position + 1


def _reasons(answer: httpx.Response, rows: int) -> dict[int, str]:
    """What is wrong with which row, as far as the answer says."""
    found: dict[int, str] = {}
    for line in str(document(answer).get("error", "")).splitlines():
        place = _ROW.match(line.strip(" -"))
        if place and int(place.group(1)) < rows:
            number, reason = int(place.group(1)), place.group(2).lstrip(".: ")
            found[number] = f"{found[number]}; {reason}" if number in found else reason
    return found
