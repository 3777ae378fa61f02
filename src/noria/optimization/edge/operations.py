"""What can be done with bundles: write one of a package, and check one that came from elsewhere."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from noria.core.digest import digest_bytes
from noria.core.errors import NoriaError
from noria.features.model import InputColumn
from noria.optimization.edge import manifest as names
from noria.optimization.edge.building import build
from noria.optimization.edge.bundle import Bundle, open_bundle, refuse_taken, write_bundle
from noria.optimization.edge.manifest import DamagedEdge, Manifest, read_manifest
from noria.optimization.edge.running import answers, off_by
from noria.optimization.model import Package
from noria.workspace.workspace import Workspace


@dataclass(frozen=True)
class Exported:
    """What was written, and the digest of its manifest, which tells this bundle from any other."""

    folder: Path
    packed: Path | None
    digest: str
    manifest: Manifest


@dataclass(frozen=True)
class Checked:
    """A bundle that is whole, and how far each graph is off its golden rows here."""

    manifest: Manifest
    digest: str
    rows: int
    off: dict[str, float]


def export(
    ws: Workspace,
    package: Package,
    model: str,
    version: int,
    output: Path,
    *,
    packed: bool = False,
    int8_within: float = 0.01,
) -> Exported:
    """Write a package as a bundle into the new folder `output`, and with `packed` as `output`.zip too.

    The graph in eight bits is put in when it is smaller and off by at most `int8_within` on the golden rows. Raises
    NotServable for a native package, PlaceTaken, StorageFull, Unavailable, GoldenMismatch, PointsOutside, NotFound,
    Corrupt.
    """
    archive = output.with_name(f"{output.name}.zip") if packed else None
    refuse_taken(output, archive)
    files = build(ws, package, model, version, int8_within=int8_within)
    write_bundle(files, output, packed=archive)
    return Exported(output, archive, digest_bytes(files[names.MANIFEST]), read_manifest(files[names.MANIFEST]))


def check(path: Path, *, digest: str = "") -> Checked:
    """Hold a bundle against its manifest, then let every graph answer the golden rows with ONNX Runtime.

    Raises as `open_bundle` does, and DamagedEdge when a graph cannot be run or is further off than the manifest found.
    """
    bundle = open_bundle(path, digest=digest)
    about = bundle.manifest
    try:
        golden = pq.read_table(io.BytesIO(bundle.files[names.GOLDEN_TABLE]))
    except (KeyError, pa.ArrowException, OSError) as error:
        raise DamagedEdge(f"{names.GOLDEN_TABLE} cannot be read: {error}") from error
    off = {name: _off(bundle, name, golden) for name in about.graphs}
    for name, found in off.items():
        allowed = about.tolerance + about.graphs[name].largest_difference
        if not found <= allowed:
            raise DamagedEdge(f"{name} is off by {found:.2g} on the golden rows, and may be by {allowed:.2g}")
    return Checked(about, bundle.digest, golden.num_rows, off)


def _off(bundle: Bundle, name: str, golden: pa.Table) -> float:
    about = bundle.manifest
    columns = [InputColumn(one.column, one.dtype, None, one.null is not None) for one in about.inputs]
    codes = about.vocabulary if name == names.PLAIN and any(one.codes for one in about.inputs) else None
    try:
        found = answers(bundle.files[name], columns, golden, codes)
        return off_by(found, golden.column(golden.num_columns - 1).to_numpy())
    except NoriaError:
        raise
    except Exception as error:  # whatever a runtime raises for a graph it cannot use
        raise DamagedEdge(f"{name} cannot be run: {type(error).__name__}: {str(error)[:200]}") from error
