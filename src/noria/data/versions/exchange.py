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
    """What was written for another tool: the file or address that names it there, how many files, what was left out.

    `told` is what became of it, or what to do with it there, in words.
    """

    path: Path | str
    files: int
    notes: tuple[str, ...] = ()
    told: str = ""


@dataclass(frozen=True)
class Exchange:
    """One tool. `read` takes what a user points at.

    `write` takes a snapshot, the tool's folder or address, a name there (None: the tool's choice), and what is to
    become of what is there: one of the `modes`, or "" for the tool's choice.
    """

    name: str
    read: Callable[[Workspace, str], list[Brought]]
    write: Callable[[Workspace, Snapshot, str, str | None, str], Given]
    modes: tuple[str, ...] = ()
