"""The runs that a process has going: which one a bare `noria.log_metric` belongs to, and how they end with it.

A program ends by itself (`atexit`), by an exception that nobody caught (`sys.excepthook`), or by SIGTERM; each
ends its runs with the state that tells so. SIGTERM is only listened to where nobody else does. What ends a process
without a word, such as `kill -9`, is found out later by whoever sends its spool.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import suppress
from contextvars import ContextVar
from types import FrameType, TracebackType
from typing import Any

from noria.tracking.client.run import ActiveRun

_TERM_SECONDS = 3.0


class Process:
    """The runs of this process, the newest last."""

    def __init__(self) -> None:
        self.starting = threading.RLock()
        self._here: ContextVar[tuple[ActiveRun, ...]] = ContextVar("noria_runs", default=())
        self._runs: list[ActiveRun] = []
        self._listening = False
        self._excepthook: Any = None
        self._interrupted = False

    def current(self) -> ActiveRun | None:
        """The innermost run that goes on in this context, else the newest of the process (as in a new thread)."""
        for run in reversed(self._here.get()):
            if run.going:
                return run
        return self._runs[-1] if self._runs else None

    def enclosing(self) -> ActiveRun | None:
        """The innermost run that goes on in this very context."""
        return next((run for run in reversed(self._here.get()) if run.going), None)

    def begun(self, run: ActiveRun, *, listen: bool = True) -> None:
        """A run goes on from now on. `listen`: end it with the process."""
        self._here.set((*(one for one in self._here.get() if one.going), run))
        self._runs.append(run)
        run.on_end = self._over
        if listen and not self._listening:
            self._listening = True
            self._listen()

    def _over(self, run: ActiveRun) -> None:
        with suppress(ValueError):
            self._runs.remove(run)

    def _listen(self) -> None:
        atexit.register(self._exiting)
        self._excepthook, sys.excepthook = sys.excepthook, self._failed
        with suppress(ValueError):  # only the main thread may
            if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
                signal.signal(signal.SIGTERM, self._terminated)

    def _exiting(self) -> None:
        self._end_all()
        if self._interrupted:  # CPython forgets that it was, and so its exit status, when anything else is executed
            with suppress(KeyboardInterrupt):
                exec("raise KeyboardInterrupt")

    def _end_all(self, state: Any = None, seconds: float | None = None) -> None:
        for run in reversed(list(self._runs)):
            run.end(state, seconds=seconds)

    def _failed(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._interrupted = isinstance(error, KeyboardInterrupt)
        for run in list(self._runs):
            run.failed(error)
        self._excepthook(kind, error, trace)

    def _terminated(self, _number: int, _frame: FrameType | None) -> None:
        """End by SIGTERM, but say so first: in a thread, since this one may hold a lock that saying so needs."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

        def last_words() -> None:
            with suppress(Exception):
                self._end_all("killed", _TERM_SECONDS)
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=last_words, name="noria-last-words").start()


PROCESS = Process()
"""This process; there is only one, as with its signals and its exit."""
