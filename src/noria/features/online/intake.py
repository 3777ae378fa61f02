"""The door of the online store: events of one source as they are sent, typed, or refused with every fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noria.core.clock import Micros, show_moment
from noria.core.errors import Fault
from noria.data.model import INGESTED_AT
from noria.features.model import BadEvents, ViewSpec
from noria.features.online.batches import Known
from noria.features.online.events import RowReader, ingested, merged_columns, shown

SKEW = 60_000_000
"""How far a sender's clock may be ahead of ours, in microseconds."""


class Intake:
    """Reads events of `source` for all the views that are kept of it."""

    def __init__(self, source: str, views: Sequence[ViewSpec]) -> None:
        self.source = source
        self._event_time = views[-1].event_time
        self._reader = RowReader(merged_columns([view.columns for view in views]), also=[INGESTED_AT])
        self.blank: dict[str, Any] = dict.fromkeys(self._reader.names)

    def read(self, rows: Sequence[Mapping[str, Any]], first: int, now: Micros | None) -> list[Known]:
        """Typed rows in their order, each with the moment it became known. The first is `rows[first]` of what was sent.

        Raises BadEvents with every fault. A row known more than a minute after `now` is one: a far future would
        push everything real out of its entity's windows.
        """
        faults: list[Fault] = []
        typed = [
            found for number, row in enumerate(rows, first) if (found := self._row(row, f"rows[{number}]", faults))
        ]
        if faults:
            hint = "nothing was taken in; mend them and send again"
            raise BadEvents(f"the events of {self.source}", shown(faults), hint=hint)
        if now is not None:
            self._refuse_future(typed, first, now)
        return typed

    def newest(self, rows: Sequence[Known]) -> Micros | None:
        """When the newest of some rows happened."""
        return max((row[self._event_time] for row, _ in rows), default=None)

    def _row(self, row: Mapping[str, Any], place: str, faults: list[Fault]) -> Known | None:
        found = self._reader.read(row, place, faults)
        at = found.get(self._event_time)
        if at is not None:
            return found, ingested(row, at, place, faults)
        if self._event_time in found:
            faults.append(Fault(f"{place}.{self._event_time}", "is missing"))
        return None

    def _refuse_future(self, typed: Sequence[Known], first: int, now: Micros) -> None:
        latest = now + SKEW
        faults = [
            Fault(f"rows[{number}]", f"is stamped {show_moment(known)}; it is {show_moment(now)} here")
            for number, (_, known) in enumerate(typed, first)
            if known > latest
        ]
        if faults:
            hint = "nothing was taken in; set the sender's clock right and send again"
            raise BadEvents(f"the events of {self.source}", shown(faults), hint=hint)
