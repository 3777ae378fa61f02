"""Writing one run's records to its spool, whatever happens: nothing here raises into the program that logs.

What goes wrong is counted by kind, told once a kind on standard error, and written into the run as the tag
`noria.problems`. After a fork the child writes to a spool of its own, for the same run.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from noria.core.clock import Clock
from noria.core.errors import NoriaError, StorageFull
from noria.core.ids import TimeOrderedIds
from noria.stores.spool import Spool
from noria.tracking.client.folder import SPOOLS, About, SpoolFolder
from noria.tracking.records import AnyRecord, Begun, Tags, encode

PROBLEMS = "noria.problems"
"""The tag that counts what went wrong while a run was logged."""


_OVER = "{} has ended; what is logged to it now is not kept"


class Closed(NoriaError):
    """Something was logged to a run that had ended."""

    code = "N2246"


class Recorder:
    """The one writer of a run's records in this process. `begun` is how each of its spools begins.

    `put` is safe from several threads. When it gives True, the record survives the death of the process.
    """

    def __init__(self, home: Path, begun: Begun, clock: Clock, to: str = "") -> None:
        self.home, self.run, self.clock, self.to = home, begun.run, clock, to
        self.owner = begun.owner
        self.folder: SpoolFolder | None = None
        self.on_open: Callable[[], None] = _nothing
        self.on_fork: Callable[[], None] = _nothing
        self._begun = begun
        self._spool: Spool | None = None
        self._opening = threading.RLock()
        self._closed = False
        self._problems: Counter[str] = Counter()
        _RECORDERS.add(self)

    @property
    def session(self) -> str:
        """The id of the spool that is written now; empty before the first record."""
        return self.folder.id if self.folder else ""

    @property
    def next_position(self) -> int:
        """The number the next record of this spool will have."""
        return self._spool.next_position if self._spool else 0

    @property
    def problems(self) -> dict[str, int]:
        """How often what went wrong."""
        return dict(self._problems)

    def put(self, record: AnyRecord) -> bool:
        """Append a record; False when it could not be kept, which is counted and told."""
        try:
            (self._spool or self._open()).append(encode(record))
        except Exception as error:
            self.trouble(Closed(_OVER.format(self.run)) if self._closed else error)
            return False
        return True

    def open(self) -> bool:
        """Begin the spool, unless it has begun; False when it cannot be, which is counted and told."""
        try:
            return (self._spool or self._open()) is not None
        except Exception as error:
            self.trouble(error)
            return False

    def trouble(self, error: BaseException) -> None:
        """Count something that went wrong; the first of its kind is told."""
        with suppress(Exception):
            kind = _kind(error)
            self._problems[kind] += 1
            if self._problems[kind] == 1:
                warn(f"{_sentence(error)}\n  the run goes on; more of this kind is counted in its tag {PROBLEMS}")

    def tell_problems(self) -> None:
        """Write the counts into the run."""
        if self._problems and self._spool is not None:
            self.put(Tags(self.run, {PROBLEMS: json.dumps(dict(self._problems))}))

    def finish(self) -> None:
        """Take no more records; what is logged from now on is refused, and told."""
        self._closed = True
        with suppress(Exception):
            if self._spool is not None:
                self._spool.finish()

    def close(self) -> None:
        """Let go of the spool's lock, so that others may send what is left."""
        self._closed = True
        with suppress(Exception):
            if self._spool is not None:
                self._spool.close()

    def reopen(self) -> None:
        """Go on in a new spool, because the old one was taken away."""
        with suppress(Exception), self._opening:
            if self._spool is not None and not self._closed:
                self._spool.close()
                self._spool = None

    def after_fork(self) -> None:
        """In the child: leave the parent's spool alone."""
        self._opening = threading.RLock()
        with suppress(Exception):
            if self._spool is not None:
                self._spool.forget()
        self._spool, self.folder, self.owner = None, None, False
        self.on_fork()

    def _open(self) -> Spool:
        with self._opening:
            if self._closed:
                raise Closed(_OVER.format(self.run))
            if self._spool is not None:
                return self._spool
            session = TimeOrderedIds(self.clock).new("spool")
            folder = SpoolFolder(self.home / SPOOLS / session)
            spool = folder.make(About(self.run, self.owner, self.to, os.getpid()))
            begun = msgspec.structs.replace(self._begun, session=session, owner=self.owner)
            try:
                spool.append(encode(begun))
            except BaseException:
                spool.close()
                folder.remove()
                raise
            self.folder, self._spool = folder, spool
        self.on_open()
        return spool


def warn(said: str) -> None:
    """A sentence on standard error, if there is one."""
    with suppress(Exception):
        sys.stderr.write(f"noria: {said}\n")
        sys.stderr.flush()


def _nothing() -> None:
    pass


def _kind(error: BaseException) -> str:
    if isinstance(error, StorageFull):
        return "disk full"
    if isinstance(error, NoriaError):
        return type(error).__name__
    return type(error).__name__ if not isinstance(error, OSError) else f"OSError: {error.strerror}"


def _sentence(error: BaseException) -> str:
    return str(error) if isinstance(error, NoriaError) else f"{type(error).__name__}: {error}"


_RECORDERS: weakref.WeakSet[Recorder] = weakref.WeakSet()
"""Every recorder of this process: a forked child must let go of their files before it does anything else."""


def _forked() -> None:
    for recorder in list(_RECORDERS):
        recorder.after_fork()


os.register_at_fork(after_in_child=_forked)
