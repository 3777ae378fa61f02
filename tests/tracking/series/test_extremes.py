"""A sketch keeps the lowest and highest point of every stretch, and a picture those of every bucket."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.core.errors import Corrupt
from noria.tracking.series.columns import Columns
from noria.tracking.series.extremes import check, drawn, merged, packed, sketched, unpacked

VALUES = st.lists(st.sampled_from([0.0, 1.0, -1.0, 5.5, -7.0, math.nan, 1e308, -1e308]), min_size=1, max_size=120)


def series(values, start=0) -> Columns:
    number = np.arange(start, start + len(values))
    return Columns(1000 + number, number * 2, np.array(values, np.float64))


def extremes(values: np.ndarray) -> tuple[float, float]:
    finite = values[~np.isnan(values)]
    return (finite.min(), finite.max()) if finite.size else (math.nan, math.nan)


def close(one, other) -> None:
    np.testing.assert_array_equal(np.array(one, float), np.array(other, float))


@given(VALUES, st.integers(1, 40))
def test_a_stretch_is_known_by_its_lowest_and_its_highest_point(values, stretches):
    points = series(values)
    sketch = sketched(points, stretches)
    assert sketch.counts.sum() == points.size
    assert sketch.counts.size == min(stretches, points.size)
    assert sketch.counts.max() - sketch.counts.min() <= 1
    ends = np.cumsum(sketch.counts)
    for number, (start, end) in enumerate(zip(ends - sketch.counts, ends, strict=True)):
        low, high = extremes(points.value[start:end])
        close([sketch.low.value[number], sketch.high.value[number]], [low, high])
        for side in (sketch.low, sketch.high):
            place = int(side.step[number]) // 2
            assert start <= place < end
            close(points.value[place], side.value[number])


@given(VALUES, st.integers(1, 40))
def test_a_sketch_comes_back_from_bytes(values, stretches):
    sketch = sketched(series(values), stretches)
    blob = packed(sketch)
    check(blob)
    (back,) = unpacked([blob])
    for one, other in zip(sketch, back, strict=True):
        close(one, other)


@given(st.lists(VALUES, min_size=1, max_size=6), st.integers(1, 20), st.integers(1, 20), st.randoms())
def test_a_picture_of_many_chunks_keeps_every_bucket_s_extremes(parts, stretches, buckets, chance):
    starts = np.cumsum([0, *map(len, parts)])
    chunks = [series(part, int(start)) for part, start in zip(parts, starts, strict=False)]
    blobs = [packed(sketched(chunk, stretches)) for chunk in chunks]
    chance.shuffle(blobs)
    sketch = merged(unpacked(blobs))
    picture = drawn(sketch, buckets)
    everything = series([value for part in parts for value in part])
    assert picture.size <= 2 * buckets + 2
    assert (np.diff(picture.step) > 0).all()
    assert (picture.step[0], picture.step[-1]) == (0, everything.step[-1])
    close(everything.value[picture.step // 2], picture.value)
    before = np.cumsum(sketch.counts) - sketch.counts
    number = before * min(buckets, sketch.counts.size) // everything.size
    seen = np.repeat(number, sketch.counts)
    for bucket in set(number.tolist()):
        low, high = extremes(everything.value[seen == bucket])
        shown = picture.value[seen[picture.step // 2] == bucket]
        assert math.isnan(low) or {low, high} <= set(shown.tolist())


def test_nothing_has_a_picture_too():
    nothing = series([])
    assert drawn(merged([sketched(nothing, 5)]), 3).size == 0
    assert drawn(merged([]), 3).size == 0


def test_one_bit_anywhere_is_noticed():
    blob = packed(sketched(series([1.0, 2.0, 3.0]), 2))
    for place in range(len(blob)):
        with pytest.raises(Corrupt):
            check(blob[:place] + bytes([blob[place] ^ 4]) + blob[place + 1 :])
    for cut in (0, 3, 7, -1):
        with pytest.raises(Corrupt):
            check(blob[:cut])
