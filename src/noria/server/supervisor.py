"""Keeping processes alive: start them, start them again when they die, stop them cleanly.

A child is told to end with its parent by a pipe on its standard input, which the system closes when the
parent dies in whatever way, `kill -9` included; so no child is ever left behind holding a port.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event

from noria.core.clock import monotonic

_GRACE = 15.0
_SOON = 1.0


@dataclass(frozen=True)
class Child:
    """One process to keep alive: a name for people, its command line, and file descriptors that it inherits.

    One that is `needed` by the others is stopped after them. One that died is started again after `rest` seconds: what
    takes its place at once should not share a processor with its start.
    """

    name: str
    arguments: Sequence[str]
    inherits: Sequence[int] = ()
    needed: bool = False
    rest: float = 0.0


class Supervisor:
    """Runs children until told to stop."""

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = list(children)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}
        self._died: dict[str, float] = {}

    def run(self, stop: Event) -> None:
        """Start every child and keep it alive until `stop` is set; then stop them all."""
        try:
            while not stop.is_set():
                for child in self._children:
                    self._keep_alive(child)
                stop.wait(0.1)
        finally:
            self.stop()

    def stop(self) -> None:
        """Ask every child to end, wait for it, and end it the hard way only when it does not."""
        for needed in (False, True):
            self._stop([self._running[one.name] for one in self._children if one.needed is needed and self._has(one)])

    def _has(self, child: Child) -> bool:
        return child.name in self._running

    def _stop(self, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        for process in processes:
            process.terminate()
        deadline = monotonic() + _GRACE
        for process in processes:
            try:
                process.wait(max(0.1, deadline - monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _keep_alive(self, child: Child) -> None:
        process = self._running.get(child.name)
        if process is not None and process.poll() is None:
            return
        if process is not None:
            if child.name not in self._died:
                self._died[child.name] = monotonic()
                sys.stderr.write(f"noria: {child.name} ended with {process.returncode}; starting it again\n")
            if monotonic() - self._died[child.name] < child.rest:
                return
            if monotonic() - self._started[child.name] < _SOON:
                return  # it dies at once: wait a moment between attempts
            del self._died[child.name]
        self._started[child.name] = monotonic()
        self._running[child.name] = subprocess.Popen(
            child.arguments, stdin=subprocess.PIPE, pass_fds=tuple(child.inherits)
        )


def end_with_parent() -> None:
    """In a child: ask oneself to stop as soon as the parent is gone."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
