"""`noria replay`: history as live traffic, through the real endpoint."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated

import typer

from noria.cli.clock import moment_option
from noria.cli.opening import HERE, Folder, Json, open_project
from noria.cli.output import say_json

if TYPE_CHECKING:
    from noria.retraining.replay import Target
    from noria.retraining.result import Result


def command(
    model: Annotated[str | None, typer.Argument(help="The model; may be left out when there is one.")] = None,
    project: Folder = HERE,
    requests: Annotated[int, typer.Option(help="About so many requests, chosen by a hash of their key.")] = 25_000,
    everything: Annotated[bool, typer.Option("--all", help="Every request.")] = False,
    start: Annotated[str | None, typer.Option("--from", help="Begin here; default: where training ended.")] = None,
    until: Annotated[str | None, typer.Option(help="End here; default: where the data end.")] = None,
    look: Annotated[float, typer.Option(help="Hours between two looks of the controller.")] = 12.0,
    json: Json = False,
) -> None:
    """Send history through a running server in time order and report what became of the model.

    Uses the servers of `noria up --replay` if they are up in this project, and starts them itself otherwise.
    Broken off, it goes on from its last look. Writes report.html and replay.json into the project.
    """
    from noria.retraining.session import ReplayOptions, prepare

    root = project.resolve()
    options = ReplayOptions(
        requests=None if everything else requests,
        start=moment_option("--from", start),
        until=moment_option("--until", until),
        look_hours=look,
    )
    loaded, ws = open_project(root)
    session = prepare(ws, loaded.plan.model(model), loaded.functions, options)
    with _servers(root) as target, _bar(session.total, quiet=json) as watch:
        result = session.run(target, watch)
    report = root / "report.html"
    session.write_report(result, report)
    (root / "replay.json").write_text(jsonlib.dumps(_plain(result), indent=2))
    if json:
        say_json(result)
    else:
        _tell(result, report)


@contextmanager
def _servers(root: Path) -> Iterator[Target]:
    from noria.retraining.line import Line
    from noria.retraining.replay import Target
    from noria.server.ports import free_port
    from noria.server.supervisor import Child, Supervisor

    where = root / ".noria" / "up.json"
    if where.exists() and (found := _answering(where)):
        yield found
        return
    port, control_port = free_port(), free_port()
    target = Target(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{control_port}")
    command = [sys.executable, "-m", "noria.cli.main", "up", "--project", str(root), "--replay", "--with-parent"]
    command += ["--port", str(port), "--control-port", str(control_port)]
    stop = Event()
    keeper = Thread(target=Supervisor([Child("noria up", command)]).run, args=(stop,), name="servers")
    keeper.start()
    try:
        Line(target.control, patience=30.0).get("/health")
        yield target
    finally:
        stop.set()
        keeper.join()


def _answering(where: Path) -> Target | None:
    from noria.core.errors import NoriaError
    from noria.retraining.line import Line
    from noria.retraining.replay import Target

    target = Target(**jsonlib.loads(where.read_text()))
    try:
        Line(target.control, patience=1.0).get("/health")
    except NoriaError:
        return None
    return target


@contextmanager
def _bar(total: int, *, quiet: bool) -> Iterator[Callable[[int, str], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    if quiet:
        yield lambda _done, _note: None
        return
    columns = (TextColumn("replay"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("replay", total=total, note="")
        yield lambda done, note: progress.update(task, completed=done, note=note)


def _tell(result: Result, report: Path) -> None:
    score = result.score
    print(
        f"{result.requests:,} requests, {result.errors} errors; "
        f"{result.equality.values:,} feature values offline and online, {result.equality.mismatches} differ.\n"
        f"log loss {score.living['log_loss']:.4f} living, {score.frozen['log_loss']:.4f} frozen "
        f"({score.gain:+.1%} better); AUC {score.living['roc_auc']:.3f} and {score.frozen['roc_auc']:.3f}.\n"
        f"{len(result.retrainings)} retrainings: {result.promotions} promoted, {result.refused} refused, "
        f"{result.rolled_back} rolled back.\n"
        f"Report: {report}"
    )


def _plain(result: Result) -> object:
    import msgspec

    return msgspec.to_builtins(result)
