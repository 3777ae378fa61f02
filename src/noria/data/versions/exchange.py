"""What other tools that version data have to offer: a reader and a writer, found by entry point `noria.datasets`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from noria.data.versions.committing import Committed
from noria.data.versions.model import Snapshot
from noria.workspace.workspace import Workspace


@dataclass(frozen=True)
class Brought:
    """One output of another tool, committed: its folder, what became of it, and what was left out and why."""

    folder: Path
    committed: Committed
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """What was written for another tool: the file that names it there, how many files, and what was left out."""

    path: Path
    files: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exchange:
    """One tool. `read` takes what a user points at, `write` a snapshot, the tool's folder and a name there."""

    name: str
    read: Callable[[Workspace, Path], list[Brought]]
    write: Callable[[Workspace, Snapshot, Path, str], Given]
