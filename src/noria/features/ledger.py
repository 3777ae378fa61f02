"""What the stored states of an online store contain: the account that is written with them, in the same write."""

from __future__ import annotations

from typing import Self

import msgspec

from noria.core.clock import Micros
from noria.stores.online import OnlineStore

NEVER: Micros = -(2**62)
"""A moment before everything: the history of a source that has no rows ends here."""
_KEY = b"noria/ledger"


class Kept(msgspec.Struct):
    """What the states of one view contain: records of the spool up to `record`, and rows of history.

    `history`: everything known by then came from history; None when the view has not been filled yet.
    """

    record: int
    history: Micros | None = None


class Ledger(msgspec.Struct):
    """What has been taken in: records of the spool up to `record`; of each stream rows before its position.

    `newest` is the newest event time by source, `touched` the last record by source, `views` what the states
    of each view (by digest) contain.
    """

    record: int = -1
    streams: dict[str, int] = msgspec.field(default_factory=dict)
    newest: dict[str, Micros] = msgspec.field(default_factory=dict)
    touched: dict[str, int] = msgspec.field(default_factory=dict)
    views: dict[str, Kept] = msgspec.field(default_factory=dict)

    @classmethod
    def read(cls, store: OnlineStore) -> Self:
        """The account in `store`; that of nothing when there is none."""
        (stored,) = store.get_many([_KEY])
        return msgspec.msgpack.decode(stored, type=cls) if stored else cls()

    def entry(self) -> dict[bytes, bytes]:
        """The account as it is stored."""
        return {_KEY: msgspec.msgpack.encode(self)}

    def complete(self, view: str, source: str) -> bool:
        """Whether the states of a view contain every event of its source that was taken in."""
        kept = self.views.get(view)
        return kept is not None and kept.record >= self.touched.get(source, -1)

    def note(self, source: str, stream: str, after: int, newest: Micros | None) -> None:
        """Account for rows of a source: `after` is the position in the stream behind them."""
        if newest is not None:
            self.newest[source] = max(newest, self.newest.get(source, newest))
        if stream:
            self.streams[stream] = max(after, self.streams.get(stream, 0))
