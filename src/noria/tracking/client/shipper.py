"""The thread that sends: it follows the spool of a run, and when that is sent, spools that dead processes left.

It looks at the spool a few times a second, so that a log call need not wake it. When the destination is away it
tries again after pauses that grow, and the spool grows meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from noria.core.clock import monotonic
from noria.core.errors import NoriaError, Unavailable
from noria.tracking.answers import Destination
from noria.tracking.client.delivery import Delivery
from noria.tracking.client.recorder import Recorder, warn
from noria.tracking.client.sweep import sweep

_PAUSE = 0.25
_LONGEST_PAUSE = 30.0
_SWEEP_EVERY = 15.0


class Shipper:
    """Sends what a recorder writes. `connect` gives the destination, or None when there is nobody to send to."""

    def __init__(self, recorder: Recorder, connect: Callable[[], Destination | None]) -> None:
        self._recorder, self._connect = recorder, connect
        self._to: Destination | None = None
        self._delivery: Delivery | None = None
        self._state = threading.Condition()
        self._wanted = -1
        self._attempts = 0
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.offline = self._told_away = False
        self.failure: Exception | None = None
        self._parents: list[object] = []
        recorder.on_open, recorder.on_fork = self.start, self._forked

    def start(self) -> None:
        """Begin, unless it has begun. In an interpreter that is shutting down no thread can; `flush` then sends."""
        if self._thread is None or not self._thread.is_alive():
            with suppress(RuntimeError):
                thread = threading.Thread(target=self._loop, name="noria-shipper", daemon=True)
                thread.start()
                self._thread = thread

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def acknowledged(self) -> int:
        """So many records of the current spool were acknowledged by the destination."""
        return self._delivery.position if self._delivery else 0

    def flush(self, seconds: float, waiting: Callable[[int], None] = lambda _left: None) -> bool:
        """Wait until everything logged by now is acknowledged, at most so long; True when it is.

        Gives up at once when there is nobody to send to, or when an attempt made meanwhile has failed.
        `waiting` is told now and then how many records are left.
        """
        target, until = self._recorder.next_position, monotonic() + seconds
        if target == 0:
            return True
        if not self.alive:
            self._attempt(lambda: monotonic() > until)
            return self.acknowledged() >= target
        with self._state:
            before = self._attempts
            self._wanted = target
            self._state.notify_all()
            while self.acknowledged() < target and self.alive and not self.offline and monotonic() < until:
                if self.failure is not None and self._attempts > before:
                    break
                self._state.wait(min(0.5, max(until - monotonic(), 0.0)))
                waiting(target - self.acknowledged())
        return self.acknowledged() >= target

    def stop(self, seconds: float = 0.0) -> None:
        """End the thread after what it is doing; waits so long for that."""
        with self._state:
            self._stopping = True
            self._state.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def sweep(self, until: Callable[[], bool]) -> None:
        """Send what dead processes left beside this run's spool, such as its forked children.

        To be called when the thread has stopped.
        """
        if not self.alive and not self.offline and self.failure is None:
            with suppress(Exception):
                self._to = self._to or self._connect()
                self._sweep(until)

    def close(self) -> None:
        """Let go of connections."""
        if self._to is not None and not self.alive:
            self._to.close()

    def _sweep(self, until: Callable[[], bool]) -> None:
        if self._to is not None:
            asked = self._recorder.to
            sweep(self._recorder.home, self._to, asked, until=until, leave=self._recorder.session)

    def _forked(self) -> None:
        """In the child: connections are the parent's. They are kept and never touched, as closing would be heard."""
        self._parents += [self._to, self._delivery]
        self._to = self._delivery = self._thread = self.failure = None
        self._state = threading.Condition()
        self._wanted, self._stopping = -1, False

    def _loop(self) -> None:
        pause, swept = _PAUSE, monotonic()
        while not self._stopping:
            self._attempt(lambda: self._stopping)
            pause = _PAUSE if self.failure is None else min(pause * 2, _LONGEST_PAUSE)
            with self._state:
                self._state.notify_all()
                if not self._stopping and (self.failure is not None or self._wanted <= self.acknowledged()):
                    self._state.wait(pause)
            if self.failure is None and monotonic() - swept > _SWEEP_EVERY and not self._stopping:
                with suppress(Exception):
                    self._sweep(lambda: self._stopping)
                swept = monotonic()

    def _attempt(self, until: Callable[[], bool]) -> None:
        try:
            self._send(until)
            self.failure = None
        except Exception as error:
            self._tell(error)
        finally:
            self._attempts += 1

    def _send(self, until: Callable[[], bool]) -> None:
        folder = self._recorder.folder
        if self._to is None and not self.offline:
            self._to = self._connect()
            self.offline = self._to is None
        if self._to is None or folder is None:
            return
        if self._delivery is None or self._delivery.folder is not folder:
            self._delivery = Delivery(folder, self._to, 0)
        if self._delivery.position >= self._recorder.next_position:
            return
        if not folder.path.exists():
            self._recorder.reopen()
            raise SpoolGone(f"{folder.path} was removed; what had not been sent of it is lost")
        self._delivery.send_all(until)
        self._delivery.drop_sent()

    def _tell(self, error: Exception) -> None:
        """Tell what is wrong, the first time; that a server is away is no problem of the run, and not counted."""
        if isinstance(error, Unavailable):
            if not self._told_away:
                warn(f"{error.message}; what is logged meanwhile is kept and sent later")
            self._told_away = True
        elif self.failure is None:
            self._recorder.trouble(error)
        self.failure = error


class SpoolGone(NoriaError):
    """The spool's folder was taken away while it was written."""

    code = "N2247"
