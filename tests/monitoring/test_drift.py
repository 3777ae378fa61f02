"""Drift on made-up traffic, where the truth is known."""

import numpy as np
import pyarrow as pa
import pytest

from noria.features.model import InputColumn
from noria.monitoring import drift
from noria.monitoring.observations import Observations
from noria.monitoring.profile import build_profile

DAY = 86_400_000_000
COLUMNS = [InputColumn("Airport.delay_1h", "float", "Airport"), InputColumn("Airport.delay_24h", "float", "Airport"),
           InputColumn("Airport.delayed", "bool", "Airport"), InputColumn("origin", "string")]  # fmt: skip


def rows(rng, number, shift=0.0, names="ABC"):
    return [
        {
            "Airport.delay_1h": float(rng.normal() + shift),
            "Airport.delay_24h": float(rng.normal()),
            "Airport.delayed": bool(rng.random() < 0.3),
            "origin": str(rng.choice(list(names))),
        }
        for _ in range(number)
    ]


@pytest.fixture(scope="module")
def profile():
    rng = np.random.default_rng(0)
    table = pa.Table.from_pylist(rows(rng, 6000))
    return build_profile(
        table, COLUMNS, rng.random(6000), np.linspace(0, 60 * DAY, 6000).astype(np.int64), window=7 * DAY
    )


def effects(log, profile, live):
    for place, features in enumerate(live):
        log.predict(place, features=features)
    seen = Observations(log)
    seen.refresh()
    return drift.effects(profile, seen.window("lateness", 0, 10**9), 1)


def test_the_same_traffic_stays_below_its_floor(log, profile):
    found = effects(log, profile, rows(np.random.default_rng(1), 700))
    assert all(one.value < one.floor for name, one in found.items() if name != "prediction")


def test_a_shift_is_measured_in_standard_deviations_and_found_where_it_is(log, profile):
    found = effects(log, profile, rows(np.random.default_rng(1), 700, shift=0.5))
    assert found["Airport.delay_1h"].value == pytest.approx(0.5, abs=0.1)
    assert found["Airport.delay_1h"].beyond(0.2) > 1
    assert found["Airport.delay_24h"].beyond(0.2) < 1


def test_names_never_seen_are_counted(log, profile):
    found = effects(log, profile, rows(np.random.default_rng(1), 500, names="ABZ"))["origin"]
    assert found.unseen == pytest.approx(1 / 3, abs=0.06)
    assert found.beyond(0.1) > 1


def test_a_wrong_unit_cannot_hide(log, profile):
    live = [{**row, "Airport.delay_1h": row["Airport.delay_1h"] * 1000} for row in rows(np.random.default_rng(1), 500)]
    assert effects(log, profile, live)["Airport.delay_1h"].value > 2


def test_fewer_rows_need_a_larger_effect(profile):
    one = profile.features["Airport.delay_1h"]
    floors = [drift.effect(one, np.random.default_rng(0).normal(size=size)).floor for size in (50, 500, 5000)]
    assert floors[0] > floors[1] >= floors[2] >= one.noise


@pytest.mark.parametrize("column", [None, np.empty(0), np.full(5, np.nan), (np.array([], dtype=np.int64), ())])
def test_nothing_to_compare_is_no_effect(profile, column):
    for name in ("Airport.delay_1h", "origin"):
        assert drift.effect(profile.features[name], column).value is None


def test_numbers_where_names_were_expected_are_nothing_to_compare(log, profile):
    found = effects(log, profile, [{"origin": 7, "Airport.delay_1h": "late"} for _ in range(5)])
    assert found["origin"].value is None
    assert found["Airport.delay_1h"].value is None


def test_a_column_that_vanished_is_missing_everywhere(log, profile):
    log.predict(1, features={"origin": None})
    log.predict(2, features={"origin": "A"})
    seen = Observations(log)
    seen.refresh()
    window = seen.window("lateness", 0, 10)
    assert drift.missing(profile, window, "Airport.delayed", 1).value == 1.0
    assert drift.missing(profile, window, "origin", 1).value == 0.5


@pytest.mark.parametrize(
    ("about", "found"),
    [
        ("Airport", {"Airport.delay_1h", "Airport.delay_24h", "Airport.delayed"}),
        ("Airport.delay", {"Airport.delay_1h", "Airport.delay_24h"}),
        ("Airport.delay_1h", {"Airport.delay_1h"}),
        ("origin", {"origin"}),
        ("prediction", {"prediction"}),
        ("Air", set()),
        ("", set()),
    ],
)
def test_a_quantity_names_a_view_a_feature_or_one_over_every_length(profile, about, found):
    assert set(drift.matching(profile, about)) == found
