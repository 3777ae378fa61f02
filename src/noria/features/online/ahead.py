"""Rows that were sent before their time, as clocks that differ a little do: each counts from its own moment on.

A row that becomes known at t must not count for a question before t, and a window's end is exact only as long
as nothing later has been folded into its tiles. So such rows wait here; they are stored with the account.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from noria.core.clock import Micros
from noria.features.online.batches import Known
from noria.stores.online import OnlineStore

_KEY = b"noria/ahead"
_NEVER_DUE: Micros = 2**62


class Ahead:
    """The rows that wait; `moment` is the latest moment they were asked to move up to."""

    def __init__(self, store: OnlineStore, moment: Micros) -> None:
        (stored,) = store.get_many([_KEY])
        self.moment = moment
        self._waiting: list[tuple[Micros, int, str, dict[str, Any]]] = []
        self._number = 0
        for known, source, *rows in msgspec.msgpack.decode(stored) if stored else ():
            for row in rows:  # none when it was erased
                self._push(known, source, row)

    @property
    def next(self) -> Micros:
        """When the next row is due; far away when none waits."""
        return self._waiting[0][0] if self._waiting else _NEVER_DUE

    def arrived(self, source: str, rows: list[Known], now: Micros | None) -> list[Known]:
        """Of rows that came `now` those whose time has come; the others wait. Without a `now` nothing waits."""
        latest = None if now is None else max(now, self.moment)
        if latest is None or all(known <= latest for _, known in rows):
            return rows
        for row, known in rows:
            if known > latest:
                self._push(known, source, row)
        return [(row, known) for row, known in rows if known <= latest]

    def due(self, moment: Micros) -> Mapping[str, list[Known]]:
        """The rows whose time has come by `moment`, by source; they wait no longer."""
        self.moment = max(self.moment, moment)
        found: dict[str, list[Known]] = {}
        while self._waiting and self._waiting[0][0] <= moment:
            known, _, source, row = heapq.heappop(self._waiting)
            found.setdefault(source, []).append((row, known))
        return found

    def without(self, rows: Iterable[Known], now: Micros | None) -> list[Known]:
        """Of rows that once came `now` those that do not wait here still."""
        latest = self.moment if now is None else max(now, self.moment)
        return [(row, known) for row, known in rows if now is None or known <= latest]

    def entry(self) -> dict[bytes, bytes]:
        """The waiting rows as they are stored."""
        rows = [(known, source, row) for known, _, source, row in sorted(self._waiting, key=lambda one: one[:2])]
        return {_KEY: msgspec.msgpack.encode(rows)}

    def _push(self, known: Micros, source: str, row: dict[str, Any]) -> None:
        self._number += 1
        heapq.heappush(self._waiting, (known, self._number, source, row))
