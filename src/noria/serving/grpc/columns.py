"""Tensors to columns and back: lists of Python values as the JSON contract has them, so that both give one answer.

A column has the shape `[n]` or `[n, 1]`. Raw contents are little-endian and row-major; an element of BYTES is a
uint32 of its length and then its bytes. Specification: github.com/kserve/open-inference-protocol
`specification/protocol/inference_grpc.md`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from noria.serving.model import BadPayload
from noria.serving.rows import MOST_ROWS

RAW_TYPES = {
    "BOOL": "<?",
    "FP16": "<e",
    "FP32": "<f",
    "FP64": "<d",
    **{f"INT{bits}": f"<i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": f"<u{bits // 8}" for bits in (8, 16, 32, 64)},
}
"""Datatype to the numpy type of its raw contents."""
_RAW = {name: np.dtype(code.replace("<e", "<f2").replace("<?", "?")) for name, code in RAW_TYPES.items()}
_LENGTH = struct.Struct("<I")
_DOUBLE = struct.Struct("<d")


def count(name: str, shape: Sequence[int]) -> int:
    """How many values a shape speaks of. Raises BadPayload when it is no column of at most MOST_ROWS rows."""
    if len(shape) not in (1, 2) or shape[0] < 0 or (len(shape) == 2 and shape[1] != 1):
        raise BadPayload(
            f"input {name[:80]!r} has shape {list(shape[:8])}", hint="a column of n rows has shape [n] or [n, 1]"
        )
    if shape[0] > MOST_ROWS:
        raise BadPayload(f"input {name[:80]!r} has {shape[0]} rows", hint=f"send at most {MOST_ROWS} at a time")
    return shape[0]


def from_raw(name: str, datatype: str, rows: int, raw: bytes) -> list[Any]:
    """The values of raw contents. Raises BadPayload when their number is not `rows`, or a string is no UTF-8."""
    if datatype == "FP64" and rows == 1 and len(raw) == 8:
        return [missing(_DOUBLE.unpack(raw)[0])]
    if datatype == "BYTES":
        return from_bytes(name, _elements(name, rows, raw))
    kind = _RAW.get(datatype)
    if kind is None:
        raise BadPayload(f"input {name[:80]!r} has datatype {datatype[:40]!r}", hint=f"there are: {', '.join(_RAW)}")
    if len(raw) != rows * kind.itemsize:
        raise BadPayload(
            f"input {name[:80]!r} has {len(raw):,} raw bytes, but {rows} of {datatype} are {rows * kind.itemsize:,}"
        )
    values: list[Any] = np.frombuffer(raw, kind).tolist()
    return [missing(value) for value in values] if kind.kind == "f" else values


def missing(value: float) -> float | None:
    """A NaN stands for a value that is not there: a tensor of numbers has no other word for it."""
    return None if math.isnan(value) else value


def from_bytes(name: str, elements: Iterable[bytes]) -> list[Any]:
    """Strings of a BYTES tensor. Raises BadPayload for what is no UTF-8."""
    try:
        return [str(one, "utf-8") for one in elements]
    except UnicodeDecodeError as error:
        raise BadPayload(f"input {name[:80]!r} holds a string that is not UTF-8 (byte {error.start})") from None


def to_raw_bytes(texts: Iterable[str]) -> bytes:
    """The raw contents of a BYTES tensor."""
    encoded = [one.encode() for one in texts]
    return b"".join(_LENGTH.pack(len(one)) + one for one in encoded)


def _elements(name: str, rows: int, raw: bytes) -> list[bytes]:
    found: list[bytes] = []
    at, end = 0, len(raw)
    while at < end and len(found) < rows:
        stop = at + 4 + (_LENGTH.unpack_from(raw, at)[0] if at + 4 <= end else end)
        if stop > end:
            raise BadPayload(f"input {name[:80]!r} ends within its string {len(found)}")
        found.append(raw[at + 4 : stop])
        at = stop
    if at != end or len(found) != rows:
        raise BadPayload(f"input {name[:80]!r} holds other than {rows} strings", hint="the shape says how many")
    return found
