"""What a run captures by itself, and switching it off: `noria.run(console=False)` or `NORIA_CAPTURE_CONSOLE=0`."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noria.tracking.client.console import Listening, gathered

if TYPE_CHECKING:
    from noria.tracking.client.capture.system import Watching
    from noria.tracking.client.run import ActiveRun

_OFF = ("0", "false", "no", "off")
_PATIENCE = 3.0


@dataclass(frozen=True)
class Wanted:
    """What is to be captured."""

    code: bool = False
    environment: bool = False
    console: bool = False
    system: bool = False


def wanted(environment: Mapping[str, str], asked: Mapping[str, bool | None]) -> Wanted:
    """What was asked for; where nothing was, what `NORIA_CAPTURE_<NAME>` says; everything otherwise."""

    def choose(name: str) -> bool:
        given = asked.get(name)
        return given if given is not None else environment.get(f"NORIA_CAPTURE_{name.upper()}", "").lower() not in _OFF

    return Wanted(choose("code"), choose("environment"), choose("console"), choose("system"))


class Captures:
    """The captures of one run in this process. Nothing here raises."""

    def __init__(self, run: ActiveRun, what: Wanted, environment: Mapping[str, str], every: float) -> None:
        self._run, self._what, self._environment, self._every = run, what, environment, every
        self._listening: Listening | None = None
        self._watching: Watching | None = None
        self._noting: threading.Thread | None = None

    def start(self, folder: Path) -> None:
        """Begin; the slow part is done in a thread. `folder` is the spool's."""
        with suppress(Exception):
            if self._what.console:
                self._listening = Listening(folder)
        with suppress(Exception):
            if self._what.system:
                from noria.tracking.client.capture.system import Watching

                self._watching = Watching(str(folder), self._run.log_metrics, self._every)
        if self._what.code or self._what.environment:
            with suppress(RuntimeError):  # no thread can be started in an interpreter that is shutting down
                noting = threading.Thread(target=self._note, name="noria-capture", daemon=True)
                noting.start()
                self._noting = noting

    def failed(self, error: BaseException) -> None:
        """Put a traceback into the copy of the console, since it will be printed after the run's end."""
        with suppress(Exception):
            if self._listening is not None:
                self._listening.note("".join(traceback.format_exception(error)))

    def stop(self) -> None:
        """End every capture."""
        with suppress(Exception):
            if self._watching is not None:
                self._watching.stop()
            if self._noting is not None and self._noting is not threading.current_thread():
                self._noting.join(_PATIENCE)
            if self._listening is not None:
                self._listening.stop()

    def printed(self, folder: Path) -> bytes:
        """What the run printed."""
        return gathered(folder) if self._listening is not None else b""

    def _note(self) -> None:
        steps: list[Callable[[], Any]] = []
        if self._what.code:
            steps += [self._note_command, self._note_code]
        if self._what.environment:
            steps.append(self._note_environment)
        for step in steps:
            with suppress(Exception):
                step()

    def _note_command(self) -> None:
        from noria.tracking.client.capture.code import command

        self._run.set_tags(command(self._environment))

    def _note_code(self) -> None:
        from noria.tracking.client.capture.code import DIFF, git_state

        tags, diff = git_state(Path.cwd())
        if tags:
            self._run.set_tags(tags)
        if diff:
            self._run.log_artifact(diff, DIFF)

    def _note_environment(self) -> None:
        import json

        from noria.tracking.client.capture.environment import ENVIRONMENT, described, tags

        self._run.set_tags(tags())
        self._run.log_artifact(json.dumps(described(self._environment), indent=1).encode(), ENVIRONMENT)
