# ruff: noqa: ARG001, ARG005 (a workflow takes a context and arguments, whether it needs them or not)

"""What one recorded step costs: `make bench-runtime`.

Prints milliseconds a step (wall and CPU, median of five with the spread) on SQLite and PostgreSQL, beside the
floor: two, and one, commits of the same rows by the bare driver in the same run. Give `--only sqlite` where
there is no PostgreSQL.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from noria.config.settings import settings_for
from noria.core.clock import SystemClock, cpu_seconds, monotonic
from noria.runtime import operations, tables  # noqa: F401
from noria.runtime.worker import Worker
from noria.stores.database import sqlite_module
from noria.testing.postgres import PostgresServer
from noria.workspace.workspace import Workspace, open_workspace

STEPS = 200
ROUNDS = 5
LIMIT_MS = 1.0


Case = tuple[Callable[[], None], int]
"""Something to do, and how many things that is."""


def measure(cases: dict[str, Case]) -> dict[str, tuple[float, float]]:
    """Do each case in turn, five times over; print and give median wall and CPU time of one thing, in ms."""
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, (act, count) in cases.items():
            wall, cpu = monotonic(), cpu_seconds()
            act()
            seen[name].append(((monotonic() - wall) / count * 1e3, (cpu_seconds() - cpu) / count * 1e3))
    result = {}
    for name, pairs in seen.items():
        walls, cpus = zip(*pairs, strict=True)
        result[name] = statistics.median(walls), statistics.median(cpus)
        spread = f"({min(walls):.3f} to {max(walls):.3f})"
        print(f"{name:<40} {result[name][0]:7.3f} ms wall {spread:<18}  {result[name][1]:7.3f} ms CPU")
    return result


def steps_of(ws: Workspace, kind: str) -> Callable[[], None]:
    """One run of STEPS steps, from submitting it to its result."""

    def workflow(context: object, args: dict[str, object]) -> int:
        for number in range(STEPS):
            if kind == "transaction":
                context.transaction_step(f"step {number}", lambda connection: 1)
            else:
                context.step(f"step {number}", lambda: 1, kind=kind)
        return STEPS

    worker = Worker(ws, {"bench": workflow})

    def act() -> None:
        worker.run(operations.submit(ws, "bench", {}))

    return act


def empty_run(ws: Workspace) -> Callable[[], None]:
    """A run without steps: what submitting, taking and finishing cost."""
    worker = Worker(ws, {"empty": lambda context, args: None})
    return lambda: worker.run(operations.submit(ws, "empty", {}))


def bare_sqlite(folder: Path, commits: int) -> Callable[[], None]:
    """The driver alone: `commits` commits a step, synchronous=FULL."""
    connection = sqlite_module().connect(folder / f"bare{commits}.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE steps (seq INTEGER PRIMARY KEY, name TEXT, result TEXT)")

    def act() -> None:
        for number in range(STEPS):
            for _ in range(commits):
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO steps (name, result) VALUES (?, '1')", (f"step {number}",))
                connection.execute("COMMIT")

    return act


@contextmanager
def workspace_on(url: str) -> Iterator[Workspace]:
    with tempfile.TemporaryDirectory() as folder:
        ws = open_workspace(
            Path(folder), settings_for(Path(folder), {"database": url} if url else {}, {}), SystemClock()
        )
        yield ws
        ws.close()


def cases_of(name: str, ws: Workspace) -> dict[str, Case]:
    """All kinds of steps on one database."""
    return {
        f"{name}: idempotent step, 1 commit": (steps_of(ws, "idempotent"), STEPS),
        f"{name}: transactional step, 1 commit": (steps_of(ws, "transaction"), STEPS),
        f"{name}: once step, 2 commits": (steps_of(ws, "once"), STEPS),
        f"{name}: a run without steps": (empty_run(ws), 1),
    }


def on_sqlite() -> None:
    with tempfile.TemporaryDirectory() as folder, workspace_on("") as ws:
        bare = {f"bare driver: {n} commit(s) a step": (bare_sqlite(Path(folder), n), STEPS) for n in (1, 2)}
        figures = measure({**bare, **cases_of("SQLite FULL", ws)})
    wall, cpu = figures["SQLite FULL: idempotent step, 1 commit"]
    added = wall - figures["bare driver: 1 commit(s) a step"][0]
    print(f"a step adds {added:.3f} ms to one commit of the bare driver, and takes {cpu:.3f} ms of CPU")
    kept = "kept" if max(added, cpu) <= LIMIT_MS else "BROKEN"
    print(f"promise, whatever the disk needs for a commit: at most {LIMIT_MS:g} ms of both: {kept}")


def on_postgres() -> None:
    with PostgresServer() as server, workspace_on(server.url) as ws:
        measure(cases_of("PostgreSQL", ws))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["sqlite", "postgres"])
    only = parser.parse_args().only
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    print(f"{STEPS} steps a run, median of {ROUNDS}; {model.partition(':')[2].strip() or 'unknown processor'}")
    if only != "postgres":
        on_sqlite()
    if only != "sqlite":
        on_postgres()


if __name__ == "__main__":
    main()
