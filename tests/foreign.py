"""Foreign runs walked as an import walks them, for tests to look at."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from noria.testing import rivals
from noria.tracking.transfer import ForeignFile, ForeignRun, LeftOut

SCRIPTS = Path(__file__).parent / "integrations"
Script = Callable[..., str]
"""Runs a script beside the tests in another tool's environment: `script("trackers", "write_with_wandb.py", folder)`."""


@dataclass(frozen=True)
class Walked:
    """A foreign run after it was walked: its points by metric, its files by path, what it had to say."""

    run: ForeignRun
    points: dict[str, list[tuple[int, int, float]]]
    files: dict[str, bytes]
    models: dict[str, dict[str, bytes]]

    def values(self, name: str) -> list[float]:
        return [value for _, _, value in self.points[name]]

    def steps(self, name: str) -> list[int]:
        return [step for step, _, _ in self.points[name]]

    @property
    def notes(self) -> str:
        return "\n".join(self.run.notes)


def files_of(files: Iterable[ForeignFile]) -> dict[str, bytes]:
    return {one.path: one.source if isinstance(one.source, bytes) else one.source.read_bytes() for one in files}


def walk(run: ForeignRun) -> Walked:
    points: dict[str, list[tuple[int, int, float]]] = {}
    for series in run.series:
        rows = zip(series.steps, series.times, series.values, strict=True)
        points.setdefault(series.name, []).extend(rows)
    files = files_of(run.artifacts)
    models = {model.id: files_of(model.files) for model in run.models}
    return Walked(run, points, files, models)


def walk_all(found: Iterator[ForeignRun | LeftOut]) -> tuple[dict[str, Walked], list[LeftOut]]:
    """Every run by its name, walked one at a time as it comes, and what was left out."""
    runs, left = {}, []
    for one in found:
        if isinstance(one, LeftOut):
            left.append(one)
        else:
            runs[one.name] = walk(one)
    return runs, left


def run_script(folder: Path, rival: str, name: str, *arguments: object, code: int = 0, **environment: str) -> str:
    """Run a script in that environment, with `folder` as its home; gives what it printed.

    The script is run from a copy there: some trackers look through the whole repository that a script lies in. What it
    leaves running is ended with it: some keep a process that holds the pipes for minutes.
    """
    script = shutil.copy(SCRIPTS / name, folder)
    command = [str(rivals.python(rival)), str(script), *map(str, arguments)]
    given = {**os.environ, "HOME": str(folder), "TMPDIR": str(folder), **environment}
    given.pop("PYTHONPATH", None)
    said, faults = folder / f"{name}.out", folder / f"{name}.err"
    with said.open("w") as out, faults.open("w") as err:
        process = subprocess.Popen(command, cwd=folder, env=given, stdout=out, stderr=err, start_new_session=True)
        try:
            ended = process.wait(timeout=200)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert ended == code, f"{name} ended with {ended}: {said.read_text()}\n{faults.read_text()}"
    return said.read_text()
