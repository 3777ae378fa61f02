"""A turn's progress as bars for people."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from noria.retraining.model import StepReport


class Bars:
    """One bar a step while it runs, one line when it is done. Writes to standard error, so pipes stay clean."""

    def __init__(self) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._progress.stop()

    def started(self, step: str, total: int) -> None:
        self._tasks[step] = self._progress.add_task(step, total=total)

    def advanced(self, step: str, note: str = "") -> None:
        if step in self._tasks:
            described = f"{step} [dim]{note}[/dim]" if note else step
            self._progress.update(self._tasks[step], advance=1, description=described)

    def finished(self, report: StepReport) -> None:
        task = self._tasks.pop(report.name, None)
        if task is not None:
            self._progress.remove_task(task)
        mark = "[dim]reused[/dim]" if report.reused else f"{report.seconds:5.1f} s"
        line = f"  [green]✓[/green] {report.name:<20} {mark:<8} {report.result}"
        self._progress.console.print(line, highlight=False)
        if not report.reused and report.why:
            self._progress.console.print(f"    [dim]because {report.why}[/dim]", highlight=False)


class Counted:
    """One bar for something done many times; its total may be unknown. Silent unless `shown`."""

    def __init__(self, title: str, total: int | None = None, *, shown: bool = True) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        console = Console(stderr=True)
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console, transient=True, disable=not shown)
        self._title = title
        self._task = self._progress.add_task(title, total=total)

    def __enter__(self) -> Counted:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._progress.stop()

    def advance(self, note: str = "") -> None:
        """One more is done."""
        from rich.markup import escape

        self._progress.update(self._task, advance=1, description=f"{self._title} [dim]{escape(note[:40])}[/dim]")

    def rows(self, done: int, total: int | None) -> None:
        """So many are done; of so many, where that is known."""
        self._progress.update(self._task, completed=done, total=total)

    def at(self, what: str, done: int, total: int) -> None:
        """So much of so much is done, of a part that is called so."""
        self._progress.update(self._task, description=f"{self._title} [dim]{what}[/dim]", completed=done, total=total)
