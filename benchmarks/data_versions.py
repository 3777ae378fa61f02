"""Data beside other people's tools: `make bench-data` (BENCH="--files 20000", BENCH="--only versions").

`versions`: many small files into a snapshot, out of it, and looked at, beside DVC on the same disk in the same run.
Every figure is of a whole command, started as users start it: CPU seconds (user and system, of the process and its
children) and, in brackets, seconds on the wall. DVC's are measured once, ours are medians.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from beside import machine

from noria.core.clock import SystemClock, monotonic
from noria.testing import rivals
from noria.testing.workspace import make_workspace

GOALS = {"snapshot": 15.0, "status": 1.3, "snapshot after one change": 1.5, "checkout": 3.0}
"""CPU seconds for 100,000 files of 500 bytes."""
FILES, BYTES, A_FOLDER = 100_000, 500, 1_000


@dataclass(frozen=True)
class Cost:
    """What a command cost: CPU seconds and seconds on the wall."""

    cpu: float
    wall: float

    def __str__(self) -> str:
        return f"{self.cpu:.2f} ({self.wall:.2f})"


def cost(command: Sequence[object], folder: Path) -> Cost:
    """Run a command; its CPU time is the system's own account of it and of its children."""
    began = monotonic()
    process = subprocess.Popen([str(one) for one in command], cwd=folder, stdout=subprocess.DEVNULL)
    _, ended, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(ended)
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}")
    return Cost(used.ru_utime + used.ru_stime, monotonic() - began)


def median(costs: Sequence[Cost]) -> Cost:
    return Cost(statistics.median(one.cpu for one in costs), statistics.median(one.wall for one in costs))


def make_files(folder: Path, count: int) -> None:
    """Files of 500 bytes, no two alike, a thousand in a folder."""
    for number in range(count):
        place = folder / f"{number // A_FOLDER:03d}"
        if number % A_FOLDER == 0:
            place.mkdir(parents=True)
        (place / f"{number:06d}.txt").write_bytes((b"%d " % number * 100)[:BYTES])


def measure(folder: Path, commands: dict[str, list[object]]) -> dict[str, Cost]:
    """One round over a folder `data` that is there: snapshot, status, one change, snapshot, all removed, checkout."""
    found = {"snapshot": cost(commands["add"], folder), "status": cost(commands["status"], folder)}
    (folder / "data/000/000007.txt").write_bytes(b"changed")
    found["snapshot after one change"] = cost(commands["add"], folder)
    shutil.rmtree(folder / "data")
    found["checkout"] = cost(commands["checkout"], folder)
    held = sum(len(files) for _, _, files in os.walk(folder / "data"))
    assert (folder / "data/000/000007.txt").read_bytes() == b"changed", "the checkout is not what was committed"
    return found | {"files": Cost(held, 0)}


def noria_round(folder: Path, files: int) -> dict[str, Cost]:
    make_workspace(folder, SystemClock()).close()
    make_files(folder / "data", files)
    run = [sys.executable, "-m", "noria.cli.main", "data"]
    commands: dict[str, list[object]] = {
        "add": [*run, "commit", "data"], "status": [*run, "status", "data"], "checkout": [*run, "checkout", "data"],
    }  # fmt: skip
    return measure(folder, commands)


def dvc_round(folder: Path, files: int) -> dict[str, Cost]:
    folder.mkdir()
    dvc = [rivals.python("dvc"), "-m", "dvc"]
    for setting in (["init", "--no-scm", "-q"], ["config", "core.analytics", "false"]):
        subprocess.run([*map(str, dvc), *setting], cwd=folder, check=True)
    make_files(folder / "data", files)
    commands: dict[str, list[object]] = {
        "add": [*dvc, "add", "data"], "status": [*dvc, "status"], "checkout": [*dvc, "checkout"],
    }  # fmt: skip
    return measure(folder, commands)


def versions(place: Path, arguments: argparse.Namespace) -> None:
    """Snapshot, status and checkout of many small files, beside DVC."""
    ours = []
    for number in range(arguments.rounds):
        ours.append(noria_round(place / f"noria{number}", arguments.files))
        shutil.rmtree(place / f"noria{number}")
    theirs = {} if arguments.alone else dvc_round(place / "dvc", arguments.files)
    print(f"{arguments.files:,} files of {BYTES} bytes; CPU seconds (wall)")
    rows = [("work", "DVC", "Noria", "ratio", "goal", "held")]
    for name, goal in GOALS.items():
        mine = median([one[name] for one in ours])
        other = theirs.get(name)
        whole = arguments.files == FILES
        ratio = f"{other.cpu / mine.cpu:.1f}" if other else "-"
        held = ("yes" if mine.cpu <= goal else "NO") if whole else "-"
        rows.append((name, str(other or "-"), str(mine), ratio, f"<= {goal}" if whole else "-", held))
    print_table(rows)


def print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")


PARTS: dict[str, Callable[[Path, argparse.Namespace], None]] = {"versions": versions}
"""What can be measured; each part makes what it needs below the folder it is given."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--files", type=int, default=FILES, help="how many small files")
    parser.add_argument("--rounds", type=int, default=3, help="how often ours is measured")
    parser.add_argument("--alone", action="store_true", help="without the rival")
    parser.add_argument("--folder", type=Path, help="where to work; by default the system's temporary folder")
    arguments = parser.parse_args()
    print(f"{machine()}; load {os.getloadavg()[0]:.1f}")
    for name, part in PARTS.items():
        if arguments.only in (None, name):
            with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
                part(Path(folder), arguments)


if __name__ == "__main__":
    main()
