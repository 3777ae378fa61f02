"""The files of a version and what they are: a SHA-256 for each name, computed from the bytes as they lie here now.

What Noria packaged, its package names; of what a client uploaded through the artifact door, every file under the
version's storage. Files that lie elsewhere (S3, another server) are not Noria's to read: no manifest, and whoever
needs one says "not run".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import sqlalchemy as sa

from noria.core.digest import canonical, digest_file
from noria.core.errors import NoriaError
from noria.registry import publishing
from noria.registry.model import Version
from noria.tracking.tables import artifacts
from noria.workspace.workspace import Workspace

_HEADING = "noria/manifest/1"


class NoManifest(NoriaError):
    """The files of a version cannot be listed here."""

    code = "N5050"
    status = 409


@dataclass(frozen=True)
class Manifest:
    """A version's files: their SHA-256 by their names."""

    files: Mapping[str, str]

    def text(self) -> str:
        """What is signed: canonical JSON, so that the same files always give the same bytes."""
        return canonical({"files": dict(self.files), "kind": _HEADING})


def named_files(ws: Workspace, connection: sa.Connection, version: Version) -> dict[str, str]:
    """The blob of each file by its name, as it was written down. Raises NoManifest."""
    if version.package:
        from noria.optimization.operations import load_package  # brings numpy, which a server can start without

        return publishing.files(load_package(ws, version.package), version.package, version.profile)
    place = urlsplit(version.storage or version.source)
    if place.scheme != "mlflow-artifacts":
        raise NoManifest(
            f"the files of version {version.number} of {version.model} lie at {version.storage[:200]!r}, not here",
            hint="upload them through this server",
        )
    root = place.path.strip("/")
    query = sa.select(artifacts.c.path, artifacts.c.digest).where(artifacts.c.digest.is_not(None), _under(root))
    found = {row.path.removeprefix(root).lstrip("/") or row.path: row.digest for row in connection.execute(query)}
    if not found:
        raise NoManifest(f"version {version.number} of {version.model} has no files at {version.storage[:200]!r}")
    return dict(sorted(found.items()))


def take(ws: Workspace, connection: sa.Connection, version: Version) -> Manifest:
    """Read every file of a version and hash it anew: a manifest of what is there, not of what ought to be.

    Raises NoManifest, NotFound for a file that is gone.
    """
    named = named_files(ws, connection, version)
    return Manifest({name: digest_file(ws.blobs.path(blob)) for name, blob in named.items()})


def _under(root: str) -> sa.ColumnElement[bool]:
    """Paths at or below a root; a comparison instead of LIKE, for a root may hold its wildcards."""
    below = (artifacts.c.path >= f"{root}/") & (artifacts.c.path < f"{root}0")  # '0' is what follows '/'
    return (artifacts.c.path == root) | below
