"""The tree of artifacts: which blob a path names, and what lies in a folder.

A folder has a row of its own, written with the first file below it. Who puts a file holds the folders above it, shared
with everybody who does likewise; who deletes a folder waits for them, so no file is ever left in a folder that is
gone. (Both only matter on PostgreSQL: on SQLite one transaction writes at a time.)
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from noria.core.clock import Micros
from noria.core.errors import NotFound
from noria.tracking.artifact_paths import BadPath, checked
from noria.tracking.model import Artifact
from noria.tracking.tables import artifacts
from noria.tracking.writing import insert_missing
from noria.workspace.workspace import Workspace


class ArtifactMissing(NotFound):
    """There is no file of that path; there may be a folder."""

    code = "N2221"

    def __init__(self, path: str) -> None:
        super().__init__("artifact", path)
        self.path = path


def put_artifact(ws: Workspace, path: str, digest: str, size: int) -> Artifact:
    """Give a blob a path; a file of that path is replaced.

    Raises BadPath, also when a folder has the path or a file that of a folder above; NotFound without the blob.
    """
    checked(path)
    ws.blobs.path(digest)
    now = ws.clock.now()
    with ws.database.transaction() as connection:
        _hold_folders(connection, path, now)
        if connection.execute(_row(path).where(artifacts.c.digest.is_(None))).first():
            raise BadPath(path, "there is a folder of that name")
        row = {"path": path, "folder": _parent(path), "digest": digest, "size": size, "created": now}
        ws.database.upsert(connection, artifacts, [row], ["path"])
    return Artifact(path, digest, size)


def get_artifact(ws: Workspace, path: str) -> Artifact:
    """The file of that path. Raises ArtifactMissing, BadPath."""
    with ws.database.reading() as connection:
        found = connection.execute(_row(checked(path))).one_or_none()
    if found is None or found.digest is None:
        raise ArtifactMissing(path)
    return Artifact(path, found.digest, found.size)


def list_artifacts(ws: Workspace, root: str, folder: str = "") -> list[Artifact]:
    """The files and folders in a folder below a root, by path, which is relative to the root; nothing for a file.

    Raises BadPath.
    """
    root, folder = root.strip("/"), folder.strip("/")
    whole = "/".join(filter(None, (root, folder)))
    if whole:
        checked(whole)
    query = sa.select(artifacts.c.path, artifacts.c.digest, artifacts.c.size).where(artifacts.c.folder == whole)
    with ws.database.reading() as connection:
        rows = connection.execute(query).all()
    cut = len(root) + 1 if root else 0
    return sorted((Artifact(row.path[cut:], row.digest, row.size) for row in rows), key=lambda one: one.path)


def delete_artifacts(ws: Workspace, path: str) -> int:
    """Forget a file, or a folder and all below it; gives how many files. The bytes are collected later. Raises BadPath.

    Forgetting what is not there changes nothing, for clients ask again when they got no answer.
    """
    checked(path)
    with ws.database.transaction() as connection:
        if connection.execute(_row(path).with_for_update()).first() is None:
            return 0  # what is put there only now is not meant
        top = sa.select(artifacts.c.path, artifacts.c.digest).where(artifacts.c.path == path).cte(recursive=True)
        child = sa.select(artifacts.c.path, artifacts.c.digest).where(artifacts.c.folder == top.c.path)
        below = top.union_all(child)
        files = sa.select(sa.func.count()).select_from(below).where(below.c.digest.is_not(None))
        count = connection.execute(files).scalar_one()
        connection.execute(sa.delete(artifacts).where(artifacts.c.path.in_(sa.select(below.c.path))))
    return int(count)


def _hold_folders(connection: sa.Connection, path: str, now: Micros) -> None:
    """See to it that there are the folders above a path, and that nobody takes them away. Raises BadPath."""
    folders = _folders(path)
    rows = [{"path": one, "folder": _parent(one), "digest": None, "size": 0, "created": now} for one in folders]
    chosen = sa.select(artifacts.c.path, artifacts.c.digest).where(artifacts.c.path.in_(folders))
    held = chosen.order_by(artifacts.c.path).with_for_update(read=True, key_share=True)
    while folders:
        found = connection.execute(held).all()
        if file := next((row.path for row in found if row.digest is not None), None):
            raise BadPath(path, f"{file} is a file")
        if len(found) == len(folders):
            return
        insert_missing(connection, artifacts, rows)  # again, should somebody delete one before it is held


def _folders(path: str) -> Sequence[str]:
    """The folders above a path, the topmost first.

    >>> _folders("1/run/artifacts/model/MLmodel")
    ['1', '1/run', '1/run/artifacts', '1/run/artifacts/model']
    """
    names = path.split("/")[:-1]
    return ["/".join(names[: length + 1]) for length in range(len(names))]


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _row(path: str) -> sa.Select[tuple[str | None, int]]:
    return sa.select(artifacts.c.digest, artifacts.c.size).where(artifacts.c.path == path)
