"""What MLflow's three forms of storage have in common: states, stages, origins, where files lie."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from noria.core.clock import Micros
from noria.integrations.folders import beneath
from noria.tracking.model import RunState
from noria.tracking.transfer import ForeignFile

PARENT = "mlflow.parentRunId"
STATES: dict[str, RunState] = {
    "RUNNING": "running", "SCHEDULED": "scheduled", "FINISHED": "finished", "FAILED": "failed", "KILLED": "killed",
}  # fmt: skip
NUMBERED_STATES = ("", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
MODEL_STATES = {1: "PENDING", 2: "READY", 3: "FAILED"}
DELETED_VERSION = "Deleted_Internal"
"""The stage under which a store of MLflow keeps the number of a deleted version."""
_RUN_ID = re.compile(r"[0-9a-f]{32}")
_OWNED = re.compile(r"[0-9a-f]{32}|m-[0-9a-f]{32}")


def origin(run_id: str) -> str:
    """A run's name for ever; its id is unique across servers, so the same run read two ways is one."""
    return f"mlflow:{run_id}"


def own_id(run_id: str) -> str:
    """The id to keep: that of MLflow, when it is one."""
    return run_id if _RUN_ID.fullmatch(run_id) else ""


def state(said: Any) -> RunState:
    """A state by its word, its number or its number as text; what is none of them was left running."""
    word = NUMBERED_STATES[said] if isinstance(said, int) and 0 < said < len(NUMBERED_STATES) else str(said)
    return STATES.get(word, "running")


def micros(millis: Any) -> Micros | None:
    """Milliseconds as MLflow keeps them, in microseconds; what is no moment is none."""
    return int(millis) * 1000 if isinstance(millis, int | float) and abs(millis) < 1e15 else None


def local_folder(uri: str, owner: str, *beside: Path) -> Path | None:
    """The folder of files that `uri` names for a run or logged model `owner`, if it lies on this machine.

    A store is somebody else's word, so only a folder that ends in `<owner>/artifacts` is one, and `owner` has to
    look as MLflow's ids do. When the store was moved, the same end is looked for below the folders `beside` it.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or not _OWNED.fullmatch(owner):
        return None
    path = Path(unquote(parts.path) if parts.scheme else uri)
    if path.parts[-2:] == (owner, "artifacts") and path.is_dir():
        return path
    for root in beside:
        moved = root.joinpath(*path.parts[-4:] if owner.startswith("m-") else path.parts[-3:])
        if moved.parts[-2:] == (owner, "artifacts") and moved.is_dir():
            return moved
    return None


def local_files(uri: str, owner: str, notes: list[str], *beside: Path) -> Iterator[ForeignFile]:
    """The files that `uri` names, when they are on this machine; otherwise a note that they are not."""
    folder = local_folder(uri, owner, *beside)
    if folder is not None:
        yield from beneath(folder, notes)
    elif urlsplit(uri).scheme not in ("", "file"):
        notes.append(f"files of {owner} are at {uri}: import from the server's address to bring them")
