"""What the stored states of an online store contain: the account that is written with them, in the same write."""

from __future__ import annotations

from collections.abc import Collection
from typing import Self

import msgspec

from noria.core.clock import Micros
from noria.stores.online import OnlineStore

NEVER: Micros = -(2**62)
"""A moment before everything: the history of a source that has no rows ends here."""
_KEY = b"noria/ledger"


class Fresh(msgspec.Struct, frozen=True):
    """The newest event of a view: when it happened, and when it became known."""

    event_time: Micros
    known: Micros


class Kept(msgspec.Struct):
    """What the states of one view contain: records of the spool up to `record`, and rows of history.

    `history`: everything known by then came from history; None when the view has not been filled yet.
    `sources`: those whose rows matter to it.
    """

    record: int
    history: Micros | None = None
    fresh: Fresh | None = None
    sources: tuple[str, ...] = ()


class Ledger(msgspec.Struct):
    """What has been taken in: records of the spool up to `record`; of each stream rows before its position.

    `newest` is the newest event time by source, `touched` the last record by source, `views` what the states
    of each view (by digest) contain. `spool` names the spool that the numbers are of, `moment` is the latest
    moment that was heard of: rows known later have not been taken in.
    """

    record: int = -1
    streams: dict[str, int] = msgspec.field(default_factory=dict)
    newest: dict[str, Micros] = msgspec.field(default_factory=dict)
    touched: dict[str, int] = msgspec.field(default_factory=dict)
    views: dict[str, Kept] = msgspec.field(default_factory=dict)
    spool: str = ""
    moment: Micros = NEVER

    @classmethod
    def read(cls, store: OnlineStore) -> Self:
        """The account in `store`; that of nothing when there is none."""
        (stored,) = store.get_many([_KEY])
        return msgspec.msgpack.decode(stored, type=cls) if stored else cls()

    def entry(self) -> dict[bytes, bytes]:
        """The account as it is stored."""
        return {_KEY: msgspec.msgpack.encode(self)}

    def continued(self, spool: str, oldest: int | None) -> str:
        """Go on with a spool whose oldest record has the number `oldest`; gives what is amiss, in words, or "".

        Another spool than the one the states were filled from has numbers of its own. When records between
        the states and the spool are gone, no view is complete any more: all of them begin anew.
        """
        said = ""
        if self.spool and self.spool != spool:
            said = "the store was filled from another spool; events that only that one has are not in it"
            self.record, self.touched = -1, {}
            for kept in self.views.values():
                kept.record = -1
        elif oldest is not None and oldest > self.record + 1:
            said = f"the store is older than its spool: events {self.record + 1} to {oldest - 1} are missing"
            self.views.clear()
        self.spool = spool
        return said

    def complete(self, view: str, source: str) -> bool:
        """Whether the states of a view contain every event of its source that was taken in."""
        kept = self.views.get(view)
        return kept is not None and kept.record >= self.touched.get(source, -1)

    def outlived(self, kept: Collection[str]) -> list[str]:
        """Views that are not `kept` and have missed events meanwhile: their states can answer nobody any more."""
        return [
            name
            for name, one in self.views.items()
            if name not in kept and not all(self.complete(name, source) for source in one.sources)
        ]

    def note(self, source: str, newest: Micros | None) -> None:
        """Account for rows of a source, the newest of which happened at `newest`."""
        if newest is not None:
            self.newest[source] = max(newest, self.newest.get(source, newest))

    def reached(self, stream: str, after: int) -> None:
        """Rows of a stream before the position `after` are in."""
        self.streams[stream] = max(after, self.streams.get(stream, 0))
