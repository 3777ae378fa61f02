"""Points packed into bytes come back bit by bit; bytes that are not what they were are told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.core.errors import Corrupt
from noria.tracking.series.chunks import CHUNK, decoded, encoded
from noria.tracking.series.columns import Columns

WHOLE = st.integers(-(2**63), 2**63 - 1)
VALUE = st.floats(allow_infinity=False)


def columns(at, step, value) -> Columns:
    return Columns(np.array(at, np.int64), np.array(step, np.int64), np.array(value, np.float64))


def same(one: Columns, other: Columns) -> bool:
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


@given(st.lists(st.tuples(WHOLE, WHOLE, VALUE), min_size=1, max_size=40))
def test_any_points_in_any_order_come_back(rows):
    points = columns(*zip(*rows, strict=True))
    assert same(decoded(encoded(points)), points)


@given(st.integers(1, 700), st.integers(0, 2**32), st.sampled_from([0, 1, 250, 2**20, 2**50]))
def test_curves_come_back(count, seed, spread):
    chance = np.random.default_rng(seed)
    at = np.cumsum(chance.integers(0, spread + 1, count))
    points = columns(at, np.arange(count) * spread, chance.normal(size=count).astype(np.float32))
    assert same(decoded(encoded(points)), points)


def noisy_curve() -> Columns:
    """A loss with noise, a step about every quarter of a second."""
    chance, step = np.random.default_rng(1), np.arange(CHUNK)
    at = 1_700_000_000_000 + np.cumsum(chance.normal(250, 30, CHUNK).clip(1).astype(np.int64))
    return columns(at, step, 2.5 * np.exp(-step / 2e3) + chance.normal(0, 0.05, CHUNK))


def test_a_noisy_curve_takes_less_than_eight_bytes_a_point():
    assert len(encoded(noisy_curve())) < 8 * CHUNK


def test_a_straight_line_takes_next_to_nothing():
    step = np.arange(CHUNK)
    assert len(encoded(columns(1000 * step, 10 * step, np.full(CHUNK, 0.1)))) < 200


def test_one_bit_anywhere_is_noticed():
    blob = encoded(noisy_curve().chosen(slice(20)))
    for place in range(len(blob)):
        with pytest.raises(Corrupt):
            decoded(blob[:place] + bytes([blob[place] ^ 4]) + blob[place + 1 :])


@pytest.mark.parametrize("cut", [0, 1, 8, 9, 30, -1])
def test_bytes_that_are_missing_are_noticed(cut):
    with pytest.raises(Corrupt):
        decoded(encoded(noisy_curve().chosen(slice(20)))[:cut])


@given(st.binary(max_size=200))
def test_bytes_of_somebody_else_with_a_good_checksum_are_told_or_read(body):
    import struct
    import zlib

    blob = struct.pack("<BI", 1, zlib.crc32(body)) + body
    try:
        points = decoded(blob)
    except Corrupt:
        return
    assert points.at.size == points.step.size == points.value.size
