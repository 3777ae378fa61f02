"""What a bundle says of itself: `manifest.json`, which every other file is held against.

The manifest proves that nothing was changed since it was written, not who wrote it: keep its own digest elsewhere,
which `noria export --edge` prints, and give it to `noria export --edge --check`.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from noria.core.errors import Corrupt
from noria.core.schema import DType

FORMAT = "noria-edge/1"
MANIFEST, GOLDEN, GOLDEN_TABLE, README = "manifest.json", "golden.json", "golden.parquet", "README.md"
ONNX, ORT, OPERATORS = "model.onnx", "model.ort", "required_operators.config"
PLAIN, INT8 = "model.plain.onnx", "model.int8.onnx"
LARGEST_MANIFEST = 16 << 20
"""Bytes of a manifest; more is refused before it is read."""
LARGEST_FILE = 2 << 30
"""Bytes of any other file: what a graph's own format can hold."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

Kind = Literal["float32", "float64", "int64", "string"]


class DamagedEdge(Corrupt):
    """A folder or zip that is not what its manifest says, or whose manifest is none."""

    code = "N4212"
    status = 400

    def __init__(self, why: str, *, hint: str = "do not use it; take the bundle again from where it was made") -> None:
        super().__init__(f"the bundle is not what was exported: {why}", hint=hint)


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One input: the column, and the tensor (rows, 1) that it is fed as.

    `null` is what stands for a missing value, "NaN" or the empty text, or None where one may not be missing.
    `given_by`: request, or function or feature view NAME, which compute it where there is a feature store. Here there
    is none, so all of them must be given. `codes` is true where `model.plain.onnx` takes places in `vocabulary`.
    """

    column: str
    tensor: str
    dtype: DType
    kind: Kind
    null: str | None
    given_by: str
    codes: bool = False


class Graph(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a graph was found to do: the largest difference on the golden rows, as `tolerance` measures it."""

    largest_difference: float


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: its length and its digest."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole.

    `digest` is the package's. The answer is the last column of the output named `output`, or all of it where it has
    one column; `tolerance` is absolute up to one and relative beyond. `runtimes` says which graphs each runtime takes,
    the first the preferred one; `unable` why a runtime takes none, `left_out` why a graph is not there.
    """

    model: str
    version: int
    digest: str
    task: str
    label: str
    output: str
    tolerance: float
    inputs: tuple[Input, ...]
    vocabulary: tuple[str, ...]
    graphs: dict[str, Graph]
    runtimes: dict[str, tuple[str, ...]]
    unable: dict[str, str]
    left_out: dict[str, str]
    made_with: dict[str, str]
    files: dict[str, File]
    format: str = FORMAT

    def encode(self) -> bytes:
        """The file's bytes: the same manifest gives the same."""
        return msgspec.json.format(msgspec.json.encode(self, order="sorted"), indent=2) + b"\n"


def read_manifest(content: bytes) -> Manifest:
    """The manifest in a file. Raises DamagedEdge."""
    try:
        found = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedEdge(f"{MANIFEST} cannot be read: {error}") from error
    if found.format != FORMAT:
        raise DamagedEdge(f"it is {found.format!r} and this Noria reads {FORMAT}", hint="use the Noria that made it")
    for name, file in found.files.items():
        if not _NAME.fullmatch(name) or name == MANIFEST:
            raise DamagedEdge(f"{name[:120]!r} in {MANIFEST} is no name of a file of a bundle")
        if not 0 <= file.bytes <= LARGEST_FILE or not _SHA256.fullmatch(file.sha256):
            raise DamagedEdge(f"what {MANIFEST} says of {name} is no length and no SHA-256")
    named = {*found.graphs, *(graph for graphs in found.runtimes.values() for graph in graphs)}
    if named - set(found.files):
        raise DamagedEdge(f"{MANIFEST} names {min(named - set(found.files))!r}, which is none of its files")
    return found
