"""`noria run`: one turn of the wheel."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from noria.cli.clock import moment_option
from noria.cli.opening import HERE, Folder, Json, open_project
from noria.cli.output import say_json

if TYPE_CHECKING:
    from noria.retraining.model import TurnReport

Moment = Annotated[str | None, typer.Option("--as-of", help="Use only what was knowable then, such as 2013-04-01.")]


def command(
    model: Annotated[str | None, typer.Argument(help="The model; may be left out when there is one.")] = None,
    project: Folder = HERE,
    as_of: Moment = None,
    fresh: Annotated[bool, typer.Option(help="Look at everything, even when nothing seems to have changed.")] = False,
    json: Json = False,
) -> None:
    """Snapshot and check data, build features, train, validate, package, gate, register.

    Work that is unchanged is reused; a run in which nothing changed does nothing and says so.
    """
    from noria.config.settings import HOME
    from noria.project import stamp

    root = project.resolve()
    name = model or "all"
    now = stamp.take(root, {"as_of": as_of}) if root.exists() else None
    if not fresh and (last := stamp.matches(root / HOME, name, now)):
        _say_unchanged(last, as_json=json)
        return
    reports = _turns(root, model, moment_option("--as-of", as_of), quiet=json)
    if json:
        say_json(reports)
    for report in reports if not json else []:
        print(f"{report.model}: {report.outcome}. {report.reason[0].upper()}{report.reason[1:]}.")
    stamp.keep(root / HOME, name, now, "; ".join(f"{one.model} version {one.version}" for one in reports))


def _turns(root: Path, model: str | None, as_of: int | None, *, quiet: bool) -> list[TurnReport]:
    from noria.cli.progress import Bars
    from noria.core.clock import ManualClock
    from noria.features.registry.recording import record
    from noria.retraining.turn import take_turn

    loaded, ws = open_project(root, ManualClock(as_of) if as_of else None)  # a turn as of then acts then
    for one in record(ws, loaded.plan.views):
        if not quiet and one.outcome != "unchanged":
            print(f"view {one.view}: version {one.number}, {one.outcome}")
    plans = [loaded.plan.model(model)] if model else list(loaded.plan.models)
    reports = []
    for plan in plans:
        with nullcontext(None) if quiet else Bars() as bars:
            reports.append(take_turn(ws, plan, loaded.functions, as_of=as_of, progress=bars))
    ws.close()
    return reports


def _say_unchanged(last: str, *, as_json: bool) -> None:
    why = "no file of the project, no data file, no value and no installed package has changed"
    if as_json:
        say_json([{"outcome": "unchanged", "last": last, "reason": why}])
    else:
        print(f"Nothing to do: {why} since {last}.")
