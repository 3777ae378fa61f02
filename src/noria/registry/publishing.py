"""Where MLflow's clients find the files of a version that Noria packaged: names in the artifact tree over its blobs.

The root is `mlflow-artifacts:/registry/<package digest>`, the same for every version with the same package. No
byte is copied: a name in the tree is a row that says which blob it is.
"""

from __future__ import annotations

import sqlalchemy as sa

from noria.core.errors import NotFound
from noria.optimization.model import Package
from noria.tracking.tables import artifacts
from noria.workspace.workspace import Workspace

ROOT = "registry"
SCHEME = "mlflow-artifacts:/"


def publish(ws: Workspace, connection: sa.Connection, package: Package, digest: str, profile: str | None) -> str:
    """Name a package's files in the artifact tree; gives the root's URI. Blobs that are not here get no name."""
    folder = f"{ROOT}/{digest}"
    rows = []
    for name, blob in files(package, digest, profile).items():
        try:
            size = ws.blobs.path(blob).stat().st_size
        except NotFound:
            continue
        rows.append(
            {"path": f"{folder}/{name}", "folder": folder, "digest": blob, "size": size, "created": ws.clock.now()}
        )
    if rows:
        ws.database.upsert(connection, artifacts, rows, ["path"])
    return SCHEME + folder


def files(package: Package, digest: str, profile: str | None) -> dict[str, str]:
    """The digests of a package's files by their names."""
    graph = "model.onnx" if package.format == "onnx" else "model.native"
    named = {"package.json": digest, graph: package.model, "golden.parquet": package.golden}
    return named | ({"profile.json": profile} if profile else {})
