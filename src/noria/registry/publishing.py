"""Where MLflow's clients find the files of a version that Noria packaged: names in the artifact tree over its blobs.

The root is `mlflow-artifacts:/registry/<package digest>`, the same for every version with the same package. No
byte is copied: a name in the tree is a row that says which blob it is. An `MLmodel` beside an ONNX graph says how
MLflow opens it: `mlflow.pyfunc.load_model("models:/flights@production").predict(feed)` answers with Noria's model,
where `feed` is a dictionary of the graph's inputs, each of shape (rows, 1). MLflow hands the columns of a data frame
over with one dimension, which the graph does not take.
"""

from __future__ import annotations

from collections.abc import Mapping
from posixpath import dirname
from typing import Any

import sqlalchemy as sa

from noria.optimization.model import Package
from noria.tracking.tables import artifacts
from noria.workspace.workspace import Workspace

ROOT = "registry"
SCHEME = "mlflow-artifacts:/"
_GRAPH, _DESCRIPTION = "model.onnx", "package.json"
_MLMODEL = b"""\
flavors:
  onnx:
    code: null
    data: model.onnx
    providers:
    - CPUExecutionProvider
  python_function:
    data: model.onnx
    loader_module: mlflow.onnx
"""


def publish(ws: Workspace, connection: sa.Connection, package: Package, digest: str, profile: str | None) -> str:
    """Name a package's files in the artifact tree; gives the root's URI. Blobs that are not here get no name."""
    named = {name: blob for name, blob in files(package, digest, profile).items() if ws.blobs.exists(blob)}
    name_files(ws, connection, f"{ROOT}/{digest}", named)
    return f"{SCHEME}{ROOT}/{digest}"


def name_files(ws: Workspace, connection: sa.Connection, root: str, named: Mapping[str, str]) -> None:
    """Give blobs names below a root, and each folder on the way a row. Raises NotFound for a blob that is not here."""
    if {_GRAPH, _DESCRIPTION} <= set(named):
        named = {**named, "MLmodel": ws.blobs.put(_MLMODEL)}
    now = ws.clock.now()
    rows: dict[str, dict[str, Any]] = {
        f"{root}/{name}": {"digest": blob, "size": ws.blobs.path(blob).stat().st_size} for name, blob in named.items()
    }
    folders = {parent for path in rows for parent in _parents(path)}
    rows = {folder: {"digest": None, "size": 0} for folder in folders} | rows
    made = [{"path": path, "folder": dirname(path), "created": now, **row} for path, row in sorted(rows.items())]
    ws.database.upsert(connection, artifacts, made, ["path"])


def files(package: Package, digest: str, profile: str | None) -> dict[str, str]:
    """The digests of a package's files by their names."""
    graph = _GRAPH if package.format == "onnx" else "model.native"
    named = {_DESCRIPTION: digest, graph: package.model, "golden.parquet": package.golden}
    return named | ({"profile.json": profile} if profile else {})


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: length + 1]) for length in range(len(parts))]
