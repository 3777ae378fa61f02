"""How far long work on data has come, as one bar for people."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Gauge:
    """A bar that is told where things stand: what is being done, how much of it is done, and of how much.

    Nothing is drawn before it is told something, where nobody looks, or when it is not `shown`.
    """

    def __init__(self, *, shown: bool = True) -> None:
        self._shown = shown and sys.stderr.isatty()
        self._bar: tuple[Progress, TaskID] | None = None

    def __enter__(self) -> Gauge:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar[0].stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        if not self._shown:
            return
        progress, task = self._bar = self._bar or _begin()
        progress.update(task, description=what, completed=done, total=total or None)


def _begin() -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    progress = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
    progress.start()
    return progress, progress.add_task("", total=None)
