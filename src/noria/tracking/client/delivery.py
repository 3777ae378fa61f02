"""Sending one spool to one destination: files first, then records, in order, and dropping what was acknowledged.

How far a spool has been taken in is known by the destination alone, which counts in the transaction that writes.
So whoever sends may die at any moment, and several may send the same spool at once.
"""

from __future__ import annotations

from collections.abc import Callable

from noria.stores.spool import SpoolTail, drop_segment, sealed_segments
from noria.tracking.answers import Damaged, Destination, Gap, Refusal, TooMuch
from noria.tracking.client.folder import SpoolFolder
from noria.tracking.records import as_kept

_MOST_BYTES = 1 << 20
_MOST_REFUSALS = 100


class Delivery:
    """One spool on its way. `position` is the number of the first record that was not acknowledged to us."""

    def __init__(self, folder: SpoolFolder, to: Destination, position: int | None = None) -> None:
        """`position` is where the destination stands, if that is known; it is asked otherwise."""
        self.folder, self._to = folder, to
        self._tail = None if position is None else SpoolTail(folder.path, position)
        self.position = position or 0
        self._most_bytes = _MOST_BYTES
        self.refused: list[Refusal] = []
        self.sent = 0

    def send_some(self) -> bool:
        """Send the next batch; False when there is none.

        Raises Unavailable when the destination is away, Conflict when what it lacks is no longer here, Corrupt,
        Declined. Nothing is lost by any of them: the same call may be made again.
        """
        if self._tail is None:
            self._go_to(self._to.position(self.folder.id))
        assert self._tail is not None
        first = self._tail.position
        try:
            records = self._tail.read(self._most_bytes)
            if not records:
                return False
            self._send(first, records)
        except Gap as gap:  # it has more than we knew, or was set back
            self._go_to(gap.position)
        except TooMuch:
            self._go_to(first)
            if self._most_bytes == 1:
                raise
            self._most_bytes = max(self._most_bytes // 8, 1)
        except BaseException:
            self._go_to(first)
            raise
        return True

    def send_all(self, until: Callable[[], bool] = lambda: False) -> None:
        """Send batch after batch until there are no more, or `until` says so."""
        while not until() and self.send_some():
            pass

    def drop_sent(self) -> None:
        """Remove the closed segments whose records were all acknowledged."""
        for segment in sealed_segments(self.folder.path):
            if segment.last < self.position:
                drop_segment(segment)

    def _go_to(self, position: int) -> None:
        self._tail, self.position = SpoolTail(self.folder.path, position), position

    def _send(self, first: int, records: list[bytes]) -> None:
        kept = [found for record in records if (found := as_kept(record)) is not None]
        for one in kept:
            self._bring(one.digest)
        taken = self._to.take(self.folder.id, first, records)
        if taken.position < first + len(records):
            raise Gap(self.folder.id, taken.position, first + len(records))
        self.position = taken.position
        if taken.position > first + len(records):  # somebody else is sending the same spool, and is ahead
            self._go_to(taken.position)
        self.sent += len(records)
        self.refused = [*self.refused, *taken.refused][:_MOST_REFUSALS]
        for one in kept:
            self.folder.file(one.digest).unlink(missing_ok=True)

    def _bring(self, digest: str) -> None:
        """Bring a file's bytes. One that was sent before, or is lost, is not here; the destination knows which."""
        try:
            self._to.put_file(digest, self.folder.file(digest))
        except FileNotFoundError:
            return
        except Damaged as error:
            self.refused.append(Refusal(-1, error.message))
