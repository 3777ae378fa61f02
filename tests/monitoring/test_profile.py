"""The reference profile holds what monitors compare with, and survives a trip through the blob store."""

import numpy as np
import pyarrow as pa
import pytest

from noria.core.errors import Corrupt, NotFound
from noria.features.model import InputColumn
from noria.monitoring.profile import PREDICTION, build_profile, load_profile, save_profile

DAY = 86_400_000_000
ROWS = 5000


@pytest.fixture(scope="module")
def profile():
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "delay": pa.array(rng.normal(5, 2, ROWS), mask=rng.random(ROWS) < 0.1),
            "count": pa.array(rng.integers(0, 9, ROWS)),
            "late": pa.array(rng.random(ROWS) < 0.3),
            "origin": pa.array([["JFK", "LGA", None][i] for i in rng.integers(0, 3, ROWS)]),
            "tail": pa.array([f"N{i}" for i in rng.integers(0, 150, ROWS)]),
            "departs": pa.array(rng.integers(0, 10**9, ROWS)),
            "nothing": pa.nulls(ROWS, pa.float64()),
            "nowhere": pa.nulls(ROWS, pa.string()),
            "same": pa.array(np.full(ROWS, 3.0)),
        }
    )  # fmt: skip
    dtypes = {
        "count": "int",
        "late": "bool",
        "origin": "string",
        "tail": "string",
        "departs": "time",
        "nowhere": "string",
    }
    columns = [InputColumn(name, dtypes.get(name, "float")) for name in table.column_names]
    asked = rng.integers(0, 60 * DAY, ROWS)  # in no order at all
    return build_profile(table, columns, rng.random(ROWS), asked, window=7 * DAY)


def test_every_input_and_the_prediction_are_profiled(profile):
    assert list(profile.features) == [
        "delay", "count", "late", "origin", "tail", "departs", "nothing", "nowhere", "same", PREDICTION,
    ]  # fmt: skip
    assert (profile.rows, profile.window) == (ROWS, 7 * DAY)


def test_numbers_know_their_spread_and_missing_rate(profile):
    delay = profile.features["delay"]
    assert delay.mean == pytest.approx(5, abs=0.15)
    assert delay.sd == pytest.approx(2, abs=0.1)
    assert delay.missing == pytest.approx(0.1, abs=0.02)
    assert delay.missing < delay.missing_noise < 0.25
    assert sum(delay.counts) == round(ROWS * (1 - delay.missing))
    assert len(delay.counts) == len(delay.edges) + 1
    assert 0 < delay.noise < 0.4
    assert delay.block_rows == pytest.approx(ROWS * 0.9 * 7 / 60, rel=0.1)


def test_categories_are_counted_the_rarer_ones_together(profile):
    assert set(profile.features["origin"].categories) == {"JFK", "LGA"}
    assert profile.features["origin"].missing == pytest.approx(1 / 3, abs=0.03)
    tail = profile.features["tail"]
    assert (len(tail.categories), len(tail.rare)) == (100, 50)
    assert sum(tail.categories.values()) + tail.other == ROWS
    assert min(tail.categories.values()) * 50 >= tail.other


def test_times_and_empty_columns_are_watched_for_missing_values_only(profile):
    for name, missing in (("departs", 0.0), ("nothing", 1.0), ("nowhere", 1.0)):
        one = profile.features[name]
        assert (one.edges, one.categories, one.missing) == ((), {}, missing)


def test_a_profile_survives_the_blob_store(ws, profile):
    digest = save_profile(ws, profile)
    assert load_profile(ws, digest) == profile
    assert save_profile(ws, profile) == digest


def test_what_is_no_profile_is_refused(ws):
    with pytest.raises(NotFound):
        load_profile(ws, "0" * 64)
    for junk in (b"{}", b"\xff\x00", b'{"rows": "many", "window": 1, "features": {}}'):
        with pytest.raises(Corrupt, match="not a reference profile"):
            load_profile(ws, ws.blobs.put(junk))


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_hardly_any_rows_still_make_a_profile(rows):
    table = pa.table({"x": pa.array([1.0] * rows, pa.float64()), "c": pa.array(["a"] * rows, pa.string())})
    columns = [InputColumn("x", "float"), InputColumn("c", "string")]
    made = build_profile(table, columns, np.zeros(rows), np.zeros(rows, dtype=np.int64), window=DAY)
    assert made.rows == rows
