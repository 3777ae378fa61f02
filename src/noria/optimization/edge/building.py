"""From a package to the files of a bundle, each graph tried on the golden rows before it is put in."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import onnxruntime as ort
import pyarrow as pa
import pyarrow.parquet as pq

from noria.core.digest import digest_bytes
from noria.features.model import ColumnInput, InputColumn, InputSet
from noria.optimization.convert import NotConvertible
from noria.optimization.edge import manifest as names
from noria.optimization.edge.external import refuse_external
from noria.optimization.edge.golden import golden_json
from noria.optimization.edge.manifest import File, Graph, Input, Kind, Manifest
from noria.optimization.edge.plain import has_doubles, plain
from noria.optimization.edge.readme import readme
from noria.optimization.edge.running import answers, off_by, opened
from noria.optimization.edge.variants import NotWritten, to_int8, to_ort
from noria.optimization.model import GoldenMismatch, NotServable, Package
from noria.optimization.probes import probes
from noria.workspace.workspace import Workspace

TOLERANCE = 1e-4
"""How far a runtime may be off the model's own answers: single precision with other instructions."""
_ALIKE = 1e-5
"""How far the graph in core operators may be off the first one, on golden rows and on probes."""
_KINDS: dict[str, Kind] = {
    "tensor(float)": "float32", "tensor(double)": "float64", "tensor(int64)": "int64", "tensor(string)": "string",
}  # fmt: skip
_NULLS: dict[str, str | None] = {"float32": "NaN", "float64": "NaN", "int64": None, "string": ""}


@dataclass
class _Draft:
    """What is put together: the files, what each graph was found to do, and why others are left out."""

    package: Package
    golden: pa.Table
    files: dict[str, bytes]
    graphs: dict[str, Graph] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    vocabulary: tuple[str, ...] | None = None

    @property
    def columns(self) -> tuple[InputColumn, ...]:
        return self.package.columns

    def off(self, content: bytes, vocabulary: tuple[str, ...] | None = None) -> float:
        """How far a graph is off the golden rows."""
        expected = self.golden.column(self.golden.num_columns - 1).to_numpy()
        return off_by(answers(content, self.columns, self.golden, vocabulary), expected)

    def add(self, name: str, content: bytes, off: float) -> None:
        if not off <= TOLERANCE and name != names.INT8:
            raise GoldenMismatch(
                f"{name} is off by {off:.2g} on the package's golden rows",
                hint="the runtime here is not the one that was tested; package the model again",
            )
        self.files[name], self.graphs[name] = content, Graph(off)


def build(ws: Workspace, package: Package, model: str, version: int, *, int8_within: float = 0.01) -> dict[str, bytes]:
    """The bundle's files by name, `manifest.json` last.

    The same package gives the same bytes, those of `model.ort` apart, which the runtime writes in no fixed order. The
    graph in eight bits is put in when it is smaller and off by at most `int8_within` on the golden rows, which is
    for chances an absolute figure. Raises NotServable for a native package, GoldenMismatch, PointsOutside, Corrupt,
    NotFound, NotWritten.
    """
    if package.format != "onnx":
        raise NotServable(
            f"version {version} of {model!r} is native: {package.why_native or 'it was not converted'}",
            hint="a bundle has no Python to run it; use an estimator that converts to ONNX",
        )
    content, golden = ws.blobs.get(package.model), ws.blobs.get(package.golden)
    refuse_external(names.ONNX, content)
    table = pq.read_table(io.BytesIO(golden))
    draft = _Draft(package, table, {})
    draft.add(names.ONNX, content, draft.off(content))
    with tempfile.TemporaryDirectory() as scratch:
        form = to_ort(content, _sub(scratch, "ort"))
        draft.add(names.ORT, form.content, draft.off(form.content))
        draft.files[names.OPERATORS] = form.operators
        _add_int8(draft, content, int8_within, _sub(scratch, "int8"))
    _add_plain(draft, content)
    draft.files |= {names.GOLDEN: golden_json(table), names.GOLDEN_TABLE: golden}
    return _with_manifest(draft, model, version)


def _sub(scratch: str, name: str) -> Path:
    path = Path(scratch, name)
    path.mkdir()
    return path


def _add_int8(draft: _Draft, content: bytes, within: float, scratch: Path) -> None:
    """The graph in eight bits, or why it is left out."""
    if not any(one in _products(content) for one in ("MatMul", "Gemm")):
        draft.left_out[names.INT8] = "the model has no matrix product, whose weights alone are made smaller"
        return
    try:
        small = to_int8(content, scratch)
        off = draft.off(small)
    except NotWritten as error:
        draft.left_out[names.INT8] = error.message
        return
    if len(small) >= len(content):
        draft.left_out[names.INT8] = f"it would have {len(small):,} bytes, and {names.ONNX} has {len(content):,}"
    elif not off <= within:
        draft.left_out[names.INT8] = f"it would be off by {off:.2g} on the golden rows, and may be by {within:g}"
    else:
        draft.add(names.INT8, small, off)


def _products(content: bytes) -> set[str]:
    import onnx

    return {node.op_type for node in onnx.load_from_string(content).graph.node}


def _add_plain(draft: _Draft, content: bytes) -> None:
    """The graph in core operators, or why there is none."""
    try:
        form = plain(content)
    except NotConvertible as error:
        draft.left_out[names.PLAIN] = error.message
        return
    codes = form.vocabulary if _has_texts(draft.columns) else None
    for said, rows in _trials(draft):
        try:
            found = answers(form.content, draft.columns, rows, codes)
        except Exception as error:  # whatever the runtime raises for a graph it cannot use
            draft.left_out[names.PLAIN] = f"in core operators it cannot be run: {str(error)[:200]}"
            return
        off = off_by(found, answers(content, draft.columns, rows))
        if not off <= _ALIKE:
            draft.left_out[names.PLAIN] = f"in core operators it would be off by {off:.2g} when {said}"
            return
    draft.vocabulary = codes
    draft.add(names.PLAIN, form.content, draft.off(form.content, codes))


def _trials(draft: _Draft) -> Iterator[tuple[str, pa.Table]]:
    rows = draft.golden.select([column.name for column in draft.columns])
    yield "asked the golden rows", rows
    yield from ((said, some) for said, some in probes(draft.columns, rows) if some.num_rows)


def _has_texts(columns: tuple[InputColumn, ...]) -> bool:
    return any(column.dtype == "string" for column in columns)


def _with_manifest(draft: _Draft, model: str, version: int) -> dict[str, bytes]:
    session = opened(draft.files[names.ONNX])
    package = draft.package
    plain_form = names.PLAIN in draft.graphs
    unable = _unable(draft)
    inputs = tuple(
        Input(column.name, one.name, column.dtype, _KINDS[one.type],
              _NULLS[_KINDS[one.type]] if column.nullable else None,
              _given_by(column, package.inputs), codes=plain_form and column.dtype == "string")
        for column, one in zip(package.columns, session.get_inputs(), strict=True)
    )  # fmt: skip
    small = (names.INT8,) if names.INT8 in draft.graphs else ()
    whole = (names.ONNX, names.ORT, *small)
    runtimes = {
        "onnxruntime": whole, "onnxruntime-node": whole, "onnxruntime-web": whole,
        "openvino": () if "openvino" in unable else (names.PLAIN,),
    }  # fmt: skip
    made = Manifest(
        model=model, version=version, digest=package.digest, task=package.task, label=package.label,
        output=session.get_outputs()[-1].name, tolerance=TOLERANCE, inputs=inputs, vocabulary=draft.vocabulary or (),
        graphs=draft.graphs, runtimes=runtimes, unable=unable, left_out=draft.left_out,
        made_with={"onnxruntime": ort.__version__}, files={},
    )  # fmt: skip
    draft.files[names.README] = readme(made).encode()
    listed = {name: File(len(content), digest_bytes(content)) for name, content in sorted(draft.files.items())}
    return {**draft.files, names.MANIFEST: msgspec.structs.replace(made, files=listed).encode()}


def _unable(draft: _Draft) -> dict[str, str]:
    """The runtimes that cannot answer like the model, and why."""
    if names.PLAIN not in draft.graphs:
        return {"openvino": draft.left_out[names.PLAIN]}
    if has_doubles(draft.files[names.PLAIN]):
        return {"openvino": "the model needs double precision, and OpenVINO computes in single"}
    return {}


def _given_by(column: InputColumn, inputs: InputSet) -> str:
    """Who gives a column where there is a feature store; where a bundle runs the caller gives them all."""
    if column.view is not None:
        return f"feature view {column.view}"
    plain_column = any(isinstance(one, ColumnInput) and one.name == column.name for one in inputs.inputs)
    return "request" if plain_column else "function"
