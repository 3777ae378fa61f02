"""Rows that take the newest values of another source with them: when, from where, and what never changes again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from noria.features.model import FeatureSpec, Predicate, ViewSpec
from noria.features.online.features import OnlineFeatures
from noria.stores.online_lmdb import LmdbOnlineStore
from noria.testing import oracle
from noria.testing.replaying import table
from noria.testing.streams import DAY, HOUR, JOIN, MINUTE, ORDER

AT = 100 * DAY
VIEW = ViewSpec(
    "Orders", "Order", ("customer",), "at",
    (
        FeatureSpec("rating", "latest", "Shop.rating"),
        FeatureSpec("worst_1h", "min", "Shop.rating", window=HOUR),
        FeatureSpec("bars_1d", "count", window=DAY, where=(Predicate("Shop.kind", "==", "bar"),), dtype="int"),
    ),
    ORDER, joins=(JOIN,),
)  # fmt: skip


def order(at, shop=1, known=None):
    plain = dict.fromkeys(column.name for column in ORDER)
    return {**plain, "customer": "a", "at": at, "shop": shop, "ingested_at": known or at}


def shop(since, rating, kind="bar", number=1, known=None):
    return {"shop": number, "since": since, "rating": rating, "kind": kind, "ingested_at": known or since}


@pytest.fixture
def kept(tmp_path: Path):
    opened: list[OnlineFeatures] = []

    def again(*views: ViewSpec) -> OnlineFeatures:
        while opened:
            opened.pop().close()
        store = LmdbOnlineStore(tmp_path / "store", map_bytes=1 << 26)
        opened.append(OnlineFeatures(views or [VIEW], store, tmp_path / "spool"))
        return opened[0]

    yield again
    while opened:
        opened.pop().close()


def test_a_row_has_what_was_known_when_it_came_and_keeps_it(kept) -> None:
    online = kept()
    online.ingest("Shop", [shop(AT, 3.0)])
    online.ingest("Order", [order(AT + 1)])
    online.ingest("Shop", [shop(AT + 2, 1.0, "café")])
    for again in (online, kept()):
        assert again.lookup(VIEW, ("a",), AT + 3) == {"rating": 3.0, "worst_1h": 3.0, "bars_1d": 1}
    again.ingest("Order", [order(AT + 4), order(AT + 5, shop=None), order(AT + 6, shop=7)])
    assert again.lookup(VIEW, ("a",), AT + 7) == {"rating": None, "worst_1h": 1.0, "bars_1d": 1}


def test_rows_of_two_sources_may_come_in_another_order_than_they_became_known_in(kept) -> None:
    """As from two queues: the joined source is ahead of the other by a few rows, and not in order itself."""
    shops = [shop(AT + number * MINUTE, float(number), known=AT + number * MINUTE + number % 3) for number in range(20)]
    orders = [order(AT + number * MINUTE + 30) for number in range(20)]
    online = kept()
    online.ingest("Shop", [shops[number ^ 1] for number in range(20)])
    for restarted, one in enumerate(orders):
        online = kept() if restarted == 10 else online
        online.ingest("Order", [one])
        want = oracle.answer(VIEW, {"Order": orders, "Shop": shops}, ("a",), one["at"] + 1)
        assert online.lookup(VIEW, ("a",), one["at"] + 1) == want


def test_history_is_joined_as_it_was_known_and_goes_over_into_the_stream(kept) -> None:
    shops = [shop(AT + number * HOUR, float(number)) for number in range(6)]
    orders = [order(AT + number * HOUR + MINUTE, known=AT + number * HOUR + 70 * MINUTE) for number in range(6)]
    online = kept()
    assert online.waiting() == ["Order", "Shop"]
    online.ingest("Shop", shops[4:], stream="shops", position=4)
    online.ingest("Order", orders[3:5], stream="orders", position=3)
    online.backfill({"Order": table("Order", orders[:3])})
    assert online.waiting() == ["Order", "Shop"], "one source is not enough"
    online.backfill({"Order": table("Order", orders[:3]), "Shop": table("Shop", shops[:4])})
    assert online.waiting() == []
    online.ingest("Order", orders[5:], stream="orders", position=5)
    at = AT + 8 * HOUR
    for again in (online, kept()):
        want = oracle.answer(VIEW, {"Order": orders, "Shop": shops}, ("a",), at)
        assert again.lookup(VIEW, ("a",), at) == want


def test_views_that_join_alike_share_what_they_join(kept) -> None:
    other = replace(VIEW, name="Others", entities=("shop",))
    online = kept(VIEW, other)
    online.ingest("Shop", [shop(AT, 3.0)])
    online.ingest("Order", [order(AT + 1)])
    assert online.lookup(VIEW, ("a",), AT + 2) == online.lookup(other, (1,), AT + 2)
    assert len(list(online._views)) == 3
