"""A window's value does not depend on how its rows were cut into pieces, nor on their order."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.core.schema import Column
from noria.features.aggregates.partial import Told
from noria.features.aggregates.slots import column_types, layout, lifter, lowerer, merger
from noria.features.model import FeatureSpec, Predicate, ViewSpec
from noria.testing import oracle
from noria.testing.feature_answers import same

HOT = Predicate("heat", ">", 1.0)
KINDS = (
    FeatureSpec("rows", "count", window=10, dtype="int"),
    FeatureSpec("heats", "count", "heat", window=10, dtype="int"),
    FeatureSpec("hot_rows", "count", window=10, dtype="int", where=(HOT,)),
    FeatureSpec("total", "sum", "heat", window=10),
    FeatureSpec("ticks", "sum", "ticks", window=10, dtype="int"),
    FeatureSpec("mean", "mean", "heat", window=10),
    FeatureSpec("mean_ticks", "mean", "ticks", window=10),
    FeatureSpec("hot", "share", predicate=HOT, window=10),
    FeatureSpec("coldest", "min", "heat", window=10),
    FeatureSpec("most", "max", "ticks", window=10, dtype="int"),
    FeatureSpec("var", "var", "heat", window=10),
    FeatureSpec("std", "std", "heat", window=10, where=(Predicate("ticks", ">=", 0.0),)),
    FeatureSpec("first", "first", "mood", window=10, dtype="string"),
    FeatureSpec("last", "last", "heat", window=10),
    FeatureSpec("moods", "distinct", "mood", window=10, dtype="int"),
    FeatureSpec("median", "quantile", "heat", window=10, quantile=0.5),
    FeatureSpec("newest", "last_n", "ticks", window=10, n=3, dtype="int"),
)
COLUMNS = (
    Column("who", "string"), Column("at", "time"), Column("heat", "float"), Column("ticks", "int"),
    Column("mood", "string"), Column("id", "int"),
)  # fmt: skip
VIEW = ViewSpec("View", "Event", ("who",), "at", KINDS, COLUMNS, key="id")
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "who": st.just("a"),
            "at": st.integers(0, 4),
            "heat": st.none() | st.sampled_from([1e16, -1e16, 0.1, 1.0, -3.5, 1e9 + 1, 1e9 + 2]),
            "ticks": st.none() | st.integers(-3, 3) | st.just(2**63 - 1),
            "mood": st.none() | st.sampled_from(["fine", "", "é"]),
        }
    ),
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_any_cut_in_any_order_gives_what_the_oracle_gives(drawn: list[dict[str, Any]], random: Random) -> None:
    rows = [{**row, "id": number, "ingested_at": row["at"]} for number, row in enumerate(drawn)]
    slots, types = layout(VIEW), column_types(VIEW)
    lift, merge = lifter(slots), merger(slots)
    partials = [lift(Told(row["at"], row["ingested_at"], row["id"], row)) for row in rows]
    while len(partials) > 1 and random.random() < 0.8:
        other = partials.pop(random.randrange(len(partials)))
        merge(partials[random.randrange(len(partials))], other)
    random.shuffle(partials)
    pieces = list(zip(*partials, strict=True)) if partials else [()] * len(slots)
    wanted = oracle.answer(VIEW, rows, ("a",), 9)
    found = {one.name: lowerer(one, slots, types)(pieces) for one in KINDS}
    assert {name: value for name, value in found.items() if not same(wanted[name], value)} == {}


@pytest.mark.parametrize("feature", KINDS, ids=lambda one: one.name)
def test_nothing_has_the_default(feature: FeatureSpec) -> None:
    slots = layout(VIEW)
    value = lowerer(feature, slots, column_types(VIEW))([()] * len(slots))
    assert value == feature.default
    assert (value is None) == feature.nullable


def test_merging_changes_neither_partial() -> None:
    """The same partial may lie in tiles of several lengths."""
    slots = layout(VIEW)
    lift, merge = lifter(slots), merger(slots)
    row = {"who": "a", "at": 1, "heat": 2.0, "ticks": 1, "mood": "fine", "id": 1}
    one, other = lift(Told(1, 1, 1, row)), lift(Told(2, 2, 2, {**row, "mood": "bad"}))
    shared, before = one.copy(), repr(other)
    kept = repr(shared)
    merge(one, other)
    assert (repr(shared), repr(other)) == (kept, before)


def test_features_of_one_column_share_their_slots() -> None:
    features = [FeatureSpec(kind, kind, "heat", window=10) for kind in ("sum", "mean", "var", "std")]  # type: ignore[arg-type]
    view = ViewSpec("View", "Event", ("who",), "at", tuple(features), COLUMNS)
    assert [slot.kind for slot in layout(view)] == ["sum", "values", "moments"]
