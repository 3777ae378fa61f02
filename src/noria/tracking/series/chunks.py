"""Some thousands of points as one blob, about 8 bytes a point for a noisy curve.

    byte 0      the format, 1
    bytes 1-4   CRC-32 of the rest
    bytes 5-8   how many points
    at, step    int64: the first one, the smallest difference of two neighbours, the width in bytes of what each
                difference is above that, and so many planes
    value       the 8 planes of its bits

A plane is one byte of every number: the high bytes of neighbours are alike and those of noise are not, so each is
kept the way that suits it, as one byte that all share, as it is, or compressed. All numbers are little-endian.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from noria.core.errors import Corrupt
from noria.tracking.series.columns import Columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from noria.tracking.series.columns import Whole

    Bytes = NDArray[np.uint8]

CHUNK = 8192
"""How many points a chunk of a growing series has."""
FORMAT = 1
_HEAD = struct.Struct("<BII")
_WHOLE = struct.Struct("<qqB")
_PLANE = struct.Struct("<BI")
_SAME, _PLAIN, _SMALL = 0, 1, 2
_WORTH = 0.95
"""Compressed bytes are read ten times slower than plain ones, so they are only kept when they save something."""


def encoded(points: Columns) -> bytes:
    """At least one point, as bytes; they come back in the order they are in."""
    import numpy as np

    body = b"".join(
        [_whole(points.at), _whole(points.step), *_planes(points.value.astype("<f8").view(np.uint8).reshape(-1, 8))]
    )
    counted = struct.pack("<I", points.size) + body
    return struct.pack("<BI", FORMAT, zlib.crc32(counted)) + counted


def decoded(blob: bytes) -> Columns:
    """The points of a blob. Raises Corrupt for bytes that `encoded` did not give."""
    import numpy as np

    if len(blob) < _HEAD.size or blob[0] != FORMAT:
        raise Corrupt("a chunk of sealed points has no format that is known", hint=_HINT)
    _, crc, count = _HEAD.unpack_from(blob)
    if zlib.crc32(memoryview(blob)[5:]) != crc:
        raise Corrupt("a chunk of sealed points is damaged: its checksum differs", hint=_HINT)
    reader = _Reader(blob, _HEAD.size)
    try:
        at, step = reader.whole(count), reader.whole(count)
        return Columns(at, step, reader.planes(count, 8).view("<f8").reshape(-1).astype(np.float64, copy=False))
    except (struct.error, zlib.error, ValueError) as error:
        raise Corrupt(f"a chunk of sealed points cannot be read: {error}", hint=_HINT) from error


_HINT = "restore the database from a backup"


class _Reader:
    """Walks through a blob."""

    def __init__(self, blob: bytes, place: int) -> None:
        self._blob = memoryview(blob)
        self._place = place

    def whole(self, count: int) -> Whole:
        import numpy as np

        first, least, width = self._unpacked(_WHOLE)
        if not 0 <= width <= 8:
            raise ValueError(f"a width of {width} bytes")
        numbers = np.empty(count, np.int64)
        numbers[0] = first
        if width:
            padded = self.planes(count - 1, width)
            with np.errstate(over="ignore"):
                numbers[1:] = padded.view("<i8").reshape(-1) + np.int64(least)
        else:
            numbers[1:] = least
        return np.cumsum(numbers, out=numbers)

    def planes(self, count: int, width: int) -> Bytes:
        """`width` planes as the low bytes of 8-byte numbers: shape (count, 8)."""
        import numpy as np

        numbers = (np.empty if width == 8 else np.zeros)((count, 8), np.uint8)
        for number in range(width):
            kind, size = self._unpacked(_PLANE)
            data = self._blob[self._place : self._place + size]
            self._place += size
            numbers[:, number] = _plane(kind, data, count)
        return numbers

    def _unpacked(self, form: struct.Struct) -> tuple[int, ...]:
        found = form.unpack_from(self._blob, self._place)
        self._place += form.size
        return found


def _plane(kind: int, data: memoryview, count: int) -> Bytes | int:
    import numpy as np

    if kind == _SAME and len(data) == 1:
        return data[0]
    if kind == _SMALL:
        data = memoryview(zlib.decompressobj().decompress(data, count + 1))
    elif kind != _PLAIN:
        raise ValueError(f"a plane of kind {kind}")
    if len(data) != count:
        raise ValueError(f"a plane of {len(data)} bytes for {count} numbers")
    return np.frombuffer(data, np.uint8)


def _whole(numbers: Whole) -> bytes:
    import numpy as np

    steps = numbers[1:] - numbers[:-1]  # differences wrap around, and so does their sum
    least = int(steps.min()) if steps.size else 0
    with np.errstate(over="ignore"):
        above = (steps - np.int64(least)).view(np.uint64)
    width = (int(above.max()).bit_length() + 7) // 8 if steps.size else 0
    planes = _planes(above.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width])
    return b"".join([_WHOLE.pack(int(numbers[0]), least, width), *planes])


def _planes(numbers: Bytes) -> list[bytes]:
    """The planes of numbers whose bytes are rows."""
    found = []
    for plane in numbers.T:
        if (plane == plane[0]).all():
            kind, data = _SAME, plane[:1].tobytes()
        else:
            kind, data = _PLAIN, plane.tobytes()
            if len(small := zlib.compress(data)) < _WORTH * len(data):
                kind, data = _SMALL, small
        found.append(_PLANE.pack(kind, len(data)) + data)
    return found
