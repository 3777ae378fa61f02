"""Drift between spans and skew between training and serving, with the distances that TFDV uses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from noria.data.suites.compare import Change, Limits, compare, jensen_shannon, limits_of
from noria.data.suites.documents import suite_of
from noria.data.suites.model import Verdict
from noria.data.suites.table import Table

RANDOM = np.random.default_rng(4)
N = 4000
JUNE = pd.DataFrame({
    "city": RANDOM.choice(["oslo", "voss", "bodø"], N, p=[0.6, 0.3, 0.1]),
    "fare": RANDOM.normal(50, 10, N),
    "at": pd.to_datetime("2024-06-01") + pd.to_timedelta(RANDOM.integers(0, 30 * 86400, N), unit="s"),
    "late": RANDOM.random(N) < 0.2,
})  # fmt: skip


def changes(before: Any, now: Any, limits: Limits | None = None) -> dict[str, Change]:
    found = compare(Table("before", data=before), Table("now", data=now), limits)
    return {one.column: one for one in found.changes}


def test_the_same_month_has_not_moved() -> None:
    found = changes(JUNE, JUNE)
    assert {one.verdict for one in found.values()} == {Verdict.PASSED}
    assert {one.distance for one in found.values()} == {0.0}


def test_another_sample_of_the_same_has_hardly_moved() -> None:
    found = changes(JUNE[: N // 2], JUNE[N // 2 :])
    assert all(one.distance is not None and one.distance < 0.05 for one in found.values())


def test_categories_move_by_the_largest_difference_of_a_share() -> None:
    july = JUNE.assign(city=JUNE["city"].replace("bodø", "oslo"))
    found = changes(JUNE, july)["city"]
    then, now = JUNE["city"].value_counts(normalize=True), july["city"].value_counts(normalize=True)
    assert found.measure == "L-infinity"
    assert found.distance == pytest.approx(max(abs(then.sub(now, fill_value=0))))
    assert found.largest[0][0] in ("bodø", "oslo")


def test_numbers_move_by_the_jensen_shannon_divergence() -> None:
    found = changes(JUNE, JUNE.assign(fare=JUNE["fare"] + 20))
    assert (found["fare"].verdict, found["fare"].measure) == (Verdict.FAILED, "Jensen-Shannon")
    assert 0.3 < (found["fare"].distance or 0) < 0.8
    apart = changes(JUNE, JUNE.assign(fare=JUNE["fare"] + 1000))["fare"]
    assert apart.distance == pytest.approx(1, abs=0.05)


def test_what_is_gone_new_or_of_another_type_has_moved_too_far() -> None:
    found = changes(JUNE, JUNE.drop(columns="late").assign(extra=1, fare=JUNE["fare"].astype(str)))
    assert {name: one.note for name, one in found.items() if one.note} == {
        "late": "is gone", "extra": "is new", "fare": "was DOUBLE, is VARCHAR",
    }  # fmt: skip
    assert all(found[name].verdict is Verdict.FAILED for name in ("late", "extra", "fare"))


def test_missing_cells_are_a_change_of_their_own() -> None:
    holes = JUNE.assign(fare=JUNE["fare"].where(RANDOM.random(N) > 0.3), city=None)
    found = changes(JUNE, holes)
    assert found["fare"].verdict is Verdict.FAILED
    assert "missing cells went from 0.0% to" in found["fare"].note
    assert (found["city"].verdict, found["city"].note) == (Verdict.FAILED, "has no values now")


def test_infinities_and_empty_tables() -> None:
    wild = JUNE.assign(fare=np.where(RANDOM.random(N) < 0.5, np.inf, -np.inf))
    assert changes(JUNE, wild)["fare"].verdict is Verdict.FAILED
    assert changes(wild, wild)["fare"].distance == 0.0
    assert {one.verdict for one in changes(JUNE[:0], JUNE[:0]).values()} == {Verdict.NOT_RUN}
    assert changes(JUNE[:0], JUNE)["fare"].note == "has no values before"


def test_thresholds_and_the_label_that_is_absent_at_serving() -> None:
    suite = suite_of({
        "name": "trips",
        "expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "late"},
                          "meta": {"noria": {"not_in_environment": ["serving"]}}}],
        "meta": {"noria": {"thresholds": {"fare": 0.9}}},
    })  # fmt: skip
    served = JUNE.drop(columns="late").assign(fare=JUNE["fare"] + 20)
    found = compare(Table("training", data=JUNE), Table("serving", data=served), limits_of(suite, "serving"))
    assert found.verdict is Verdict.PASSED
    assert "late" not in {one.column for one in found.changes}
    assert compare(Table("a", data=JUNE), Table("b", data=served), limits_of(suite)).verdict is Verdict.FAILED
    assert compare(Table("a", data=JUNE), Table("b", data=JUNE), Limits(0.0)).verdict is Verdict.PASSED


weights = st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any)


@settings(max_examples=80, deadline=None)
@given(weights, weights)
def test_the_divergence_is_scipys(one: list[int], other: list[int]) -> None:
    assert jensen_shannon(one, other) == pytest.approx(jensenshannon(one, other, base=2) ** 2, abs=1e-9)
