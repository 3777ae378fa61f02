"""Worker processes that tests may kill: started from a clean process, so that starting costs milliseconds."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from noria.config.settings import settings_for
from noria.core.clock import Clock, SystemClock, monotonic, sleep
from noria.core.units import ms
from noria.runtime import tables  # noqa: F401
from noria.runtime.context import Context
from noria.runtime.worker import Worker, Workflow
from noria.workspace.workspace import Workspace, open_workspace

_own = sa.MetaData()
effects = sa.Table("test_effects", _own, sa.Column("run", sa.Text), sa.Column("effect", sa.Text))
"""What transactional steps of the tests write. No key, so a doubled effect is two rows."""


def workspace(root: Path, url: str, clock: Clock | None = None) -> Workspace:
    """A workspace on a database, with the table of effects. Processes are killed here, not machines: no fsync."""
    ws = open_workspace(root, settings_for(root, {"database": url}, {}), clock or SystemClock())
    if ws.database.is_sqlite:
        sa.event.listen(ws.database.engine, "connect", lambda c, _: c.execute("PRAGMA synchronous=OFF"))
        ws.database.engine.dispose()
    _own.create_all(ws.database.engine)
    return ws


def effects_of(ws: Workspace, run: str) -> list[str]:
    """What the transactional steps of a run have done, sorted."""
    with ws.database.reading() as connection:
        return sorted(connection.execute(sa.select(effects.c.effect).where(effects.c.run == run)).scalars())


def add_effect(connection: sa.Connection, run: str, effect: str) -> str:
    """Do something that must happen once."""
    connection.execute(sa.insert(effects).values(run=run, effect=effect))
    return effect


def mixed(context: Context, args: dict[str, Any]) -> int:
    """Plain and transactional steps in turn, then a pause and a signal: every commit point there is."""
    total = 0
    for number in range(args["steps"]):
        sleep(args.get("slow", 0.0))
        total += context.step(f"plan {number}", lambda number=number: number)  # type: ignore[misc]
        context.transaction_step(
            f"effect {number}", lambda c, number=number: add_effect(c, context.run, f"{number}")  # type: ignore[misc]
        )  # fmt: skip
    context.sleep("pause", ms(0))
    return total + int(context.wait("bonus"))


def careful(context: Context, args: dict[str, Any]) -> str:
    """One step that may not be repeated; it leaves a line in a file each time it is."""

    def act() -> str:
        with Path(args["file"]).open("a") as file:
            file.write("done\n")
        return "done"

    return str(context.step("act", act, kind="once"))


def blocked(context: Context, args: dict[str, Any]) -> str:
    """Says that it is inside its step, then waits there until it may go on."""

    def inside() -> str:
        Path(args["inside"]).touch()
        wait_for(Path(args["go"]).exists)
        return "through"

    context.step("block", inside)
    return str(context.transaction_step("effect", lambda c: add_effect(c, context.run, "after")))


def hogging(context: Context, args: dict[str, Any]) -> str:
    """Keeps Python's global lock for a time: no thread of this process runs meanwhile."""

    def hog() -> str:
        Path(args["inside"]).touch()
        ctypes.PyDLL(None).usleep(int(args["micros"]))
        return "done"

    return str(context.step("hog", hog))


WORKFLOWS: dict[str, Workflow] = {"mixed": mixed, "careful": careful, "blocked": blocked, "hogging": hogging}


class Trap:
    """A fault hook that kills its process with SIGKILL at the `at`-th place it is called from; counts them."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.places: list[str] = []

    def __call__(self, place: str) -> None:
        self.places.append(place)
        if len(self.places) == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


_forkserver = multiprocessing.get_context("forkserver")
_forkserver.set_forkserver_preload(["__main__", __name__])


def spawn(root: Path, url: str, run: str | None = None, **options: Any) -> Any:
    """Start a process that executes one run, or every run until killed; options as in `work`."""
    process = _forkserver.Process(target=work, args=(root, url, run, options), daemon=True)
    process.start()
    return process


def work(root: Path, url: str, run: str | None, options: dict[str, Any]) -> None:
    """What such a process does. Options: `trap` (place to die at), `lease` (ms), `heartbeat`, `outcome` (a file)."""
    ws = workspace(root, url)
    worker = Worker(
        ws,
        WORKFLOWS,
        lease=ms(options.get("lease", 30_000)),
        heartbeat=options.get("heartbeat", False),
        fault=Trap(options.get("trap")),
    )
    outcome = "finished"
    try:
        if run:
            worker.run(run)
        while not run:
            worker.run_until_idle()
            sleep(0.01)
    except Exception as error:
        outcome = type(error).__name__
    if "outcome" in options:
        Path(options["outcome"]).write_text(outcome)


def wait_for(true: Callable[[], Any], limit: float = 20.0) -> None:
    """Wait until something holds; fails after `limit` seconds."""
    end = monotonic() + limit
    while not true():
        assert monotonic() < end, "waited in vain"
        sleep(0.005)
