"""Folders of artifacts, as the protocol lists them."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

from noria.server.mlflow.answers import Answer, given
from noria.server.mlflow.faults import invalid
from noria.server.mlflow.routes import Route, reads
from noria.server.mlflow.wire import Message, Names, OfRun
from noria.tracking import artifacts, runs
from noria.tracking.model import Artifact
from noria.workspace.workspace import Workspace

SCHEME = "mlflow-artifacts"


class OfOneRun(OfRun):
    """A folder of a run."""

    path: str = ""
    page_token: str = ""
    required: ClassVar[Names] = ("run_id",)


class Folder(Message):
    """A folder of the whole tree."""

    path: str = ""


def list_of_run(ws: Workspace, asked: OfOneRun) -> Answer:
    """What lies in a folder of a run's artifacts."""
    return listing(ws, runs.get_run(ws, asked.run_id).artifact_root, asked.path)


def list_folder(ws: Workspace, asked: Folder) -> Answer:
    """What lies in a folder of the whole tree, by names alone."""
    found = artifacts.list_artifacts(ws, "", _safe(asked.path))
    return given(files=[_file(one, one.path.rpartition("/")[2]) for one in found])


def listing(ws: Workspace, root: str, folder: str) -> Answer:
    """What lies in a folder below a root, with paths relative to the root."""
    found = artifacts.list_artifacts(ws, tree_path(root), _safe(folder))
    return {"root_uri": root, **given(files=[_file(one, one.path) for one in found])}


def tree_path(root: str) -> str:
    """Where an artifact root lies in Noria's own tree. Raises Refused for one that lies elsewhere."""
    parts = urlsplit(root)
    if parts.scheme != SCHEME:
        raise invalid(f"The artifacts at '{root}' are not kept by this server; ask for them where they are.")
    return parts.path.strip("/")


def _safe(path: str) -> str:
    """A folder's path, which may end with a slash, and be `.` for the root itself. Raises Refused."""
    if path.startswith("/"):
        raise invalid("Invalid path")
    return "" if path in (".", "./") else path


def _file(one: Artifact, path: str) -> Answer:
    answer: Answer = {"path": path, "is_dir": one.digest is None}
    return {**answer, "file_size": one.size} if one.digest is not None and one.size else answer


ROUTES: list[Route] = [
    reads("GET", "/mlflow/artifacts/list", OfOneRun, list_of_run),
    reads("GET", "/mlflow-artifacts/artifacts", Folder, list_folder),
]
