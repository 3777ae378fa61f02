"""The points to draw: of every stretch of a series its lowest and its highest, and the first and the last of all.

A picture of a series has room for some hundred points. Taking every so-maniest loses the spike somebody is looking
for; the lowest and highest of each stretch keep it, and the curve's outline with it. The stretches of a sealed
chunk are cut and looked through once, when it is sealed; a picture is then put together from those (`Sketch`)
without opening the chunk. A NaN is neither high nor low: it only stands for a stretch that has nothing else.

As bytes: byte 0 the format (1), bytes 1-4 CRC-32 of the rest, then how many stretches (uint16), the number of points
in each (int32), and at, step, value of the lowest and the highest point of each stretch in turn, and of the first
and the last point of all; little-endian.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from noria.core.errors import Corrupt
from noria.tracking.series.columns import Columns, by_step, joined, no_points

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from noria.tracking.series.columns import Whole

STRETCHES = 32
"""How many stretches a full chunk has: a stretch is 256 points."""
FORMAT = 1
_HEAD = struct.Struct("<BIH")


class Sketch(NamedTuple):
    """What is kept of a series to draw it: stretches in order of steps.

    `counts` says of how many points each stretch is, `low` and `high` are its extremes; the first and the last point
    of all are among `ends`.
    """

    counts: Whole
    low: Columns
    high: Columns
    ends: Columns


def sketched(points: Columns, stretches: int) -> Sketch:
    """A sketch of points that are ordered by (step, at, value), in about equal stretches, at most one a point."""
    import numpy as np

    count = points.size
    if not count:
        return Sketch(np.empty(0, np.int64), no_points(), no_points(), no_points())
    starts = np.unique(np.arange(min(stretches, count), dtype=np.int64) * count // min(stretches, count))
    number = np.repeat(np.arange(starts.size), np.diff(starts, append=count))
    low, high = _lowest(points, points, number, starts.size)
    return Sketch(np.diff(starts, append=count), low, high, points.chosen(np.array([0, count - 1])))


def merged(sketches: Sequence[Sketch]) -> Sketch:
    """Sketches of disjoint sets of points as one, its stretches ordered by where they begin."""
    import numpy as np

    some = [one for one in sketches if one.counts.size]
    if not some:
        return sketched(no_points(), 1)
    counts = np.concatenate([one.counts for one in some])
    low, high = joined([one.low for one in some]), joined([one.high for one in some])
    ends = by_step(joined([one.ends for one in some]))
    begins = np.minimum(low.step, high.step)
    order: Whole | slice = slice(None)
    if (begins[1:] < begins[:-1]).any():
        order = np.lexsort((np.minimum(low.at, high.at), begins))
    ends = ends.chosen(np.array([0, ends.size - 1]))
    return Sketch(counts[order], low.chosen(order), high.chosen(order), ends)


def drawn(sketch: Sketch, buckets: int) -> Columns:
    """At most 2 * `buckets` + 2 points of a sketch, ordered by (step, at, value), each once.

    Whole stretches are put together to buckets of about equally many points. The lowest and the highest point of
    every bucket is there, and so are the first and the last point of all.
    """
    import numpy as np

    if not sketch.counts.size:
        return no_points()
    before = np.cumsum(sketch.counts) - sketch.counts
    number = before * min(buckets, sketch.counts.size) // int(sketch.counts.sum())
    _, number = np.unique(number, return_inverse=True)  # a long stretch may jump over a bucket
    low, high = _lowest(sketch.low, sketch.high, number, int(number[-1]) + 1)
    return by_step(joined([sketch.ends, low, high]))


def packed(sketch: Sketch) -> bytes:
    """A sketch as bytes."""
    points = joined([_in_turn(sketch.low, sketch.high), sketch.ends])
    columns = [points.at.astype("<i8"), points.step.astype("<i8"), points.value.astype("<f8")]
    body = b"".join(column.tobytes() for column in (sketch.counts.astype("<i4"), *columns))
    counted = struct.pack("<H", sketch.counts.size) + body
    return struct.pack("<BI", FORMAT, zlib.crc32(counted)) + counted


def check(blob: bytes) -> None:
    """Raises Corrupt for bytes that `packed` did not give."""
    if len(blob) < _HEAD.size or blob[0] != FORMAT:
        raise Corrupt("a sketch of sealed points has no format that is known", hint=_HINT)
    _, crc, stretches = _HEAD.unpack_from(blob)
    if zlib.crc32(memoryview(blob)[5:]) != crc or len(blob) != _HEAD.size + 4 * stretches + 24 * (2 * stretches + 2):
        raise Corrupt("a sketch of sealed points is damaged: its checksum differs", hint=_HINT)


def unpacked(blobs: Iterable[bytes]) -> list[Sketch]:
    """Sketches from bytes that `check` has seen: one for all blobs that have equally many stretches."""
    import numpy as np

    alike: dict[int, list[bytes]] = {}
    for blob in blobs:
        alike.setdefault(_HEAD.unpack_from(blob)[2], []).append(blob)
    found = []
    for stretches, some in alike.items():
        count = 2 * stretches + 2
        form = [("head", f"V{_HEAD.size}"), ("counts", "<i4", stretches)]
        form += [("at", "<i8", count), ("step", "<i8", count), ("value", "<f8", count)]
        rows = np.frombuffer(b"".join(some), np.dtype(form))
        low, high, ends = (
            Columns(*(rows[name][:, part].reshape(-1) for name in ("at", "step", "value")))
            for part in (slice(0, -2, 2), slice(1, -2, 2), slice(-2, None))
        )
        found.append(Sketch(rows["counts"].reshape(-1).astype(np.int64), low, high, ends))
    return found


_HINT = "restore the database from a backup"


def _in_turn(low: Columns, high: Columns) -> Columns:
    import numpy as np

    return Columns(*(np.stack(pair, axis=1).reshape(-1) for pair in zip(low, high, strict=True)))


def _lowest(low: Columns, high: Columns, bucket: NDArray[np.intp], buckets: int) -> tuple[Columns, Columns]:
    """Of every bucket the lowest of `low` and the highest of `high`; `bucket` says where each belongs, in order.

    Of equals it is the first. A bucket of nothing but NaN gives its first point twice.
    """
    import numpy as np

    starts = np.searchsorted(bucket, np.arange(buckets))
    found = []
    for points, pick, worst in ((low, np.fmin, np.inf), (high, np.fmax, -np.inf)):
        value = np.where(np.isnan(points.value), worst, points.value)
        best = pick.reduceat(value, starts)
        hits = np.flatnonzero(value == best[bucket])
        firsts = hits[np.searchsorted(bucket[hits], np.arange(buckets))]
        found.append(points.chosen(firsts))
    return found[0], found[1]
