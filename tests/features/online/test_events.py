"""Events that come twice, late, or are taken back; entities with very many of them; keys that look alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from noria.features.model import FeatureSpec, ViewSpec
from noria.features.online.features import OnlineFeatures
from noria.stores.online_lmdb import LmdbOnlineStore
from noria.testing import oracle
from noria.testing.streams import DAY, HOUR, MINUTE, ORDER

AT = 100 * DAY
VIEW = ViewSpec(
    "Orders", "Order", ("shop", "customer"), "at",
    (
        FeatureSpec("orders_1h", "count", window=HOUR, dtype="int"),
        FeatureSpec("most_1d", "max", "items", window=DAY, dtype="int"),
        FeatureSpec("items_ever", "sum", "items", lifetime=True, dtype="int"),
        FeatureSpec("cities", "last_n", "city", lifetime=True, n=3, dtype="string"),
        FeatureSpec("items", "latest", "items", dtype="int"),
        FeatureSpec("yesterday", "count", window=HOUR, offset=DAY, dtype="int"),
    ),
    ORDER, key="id", retraction="gone",
)  # fmt: skip


def order(number, at, *, shop=1, customer="a", items=1, late=0, gone=False):
    return {
        "id": f"o{number}", "shop": shop, "customer": customer, "at": at, "amount": None, "items": items,
        "city": f"c{number}", "paid": None, "gone": gone, "ingested_at": at + late,
    }  # fmt: skip


class Kept:
    """Online features of one folder, and everything that was sent, for the oracle."""

    def __init__(self, folder: Path, view: ViewSpec) -> None:
        self.folder, self.view, self.sent = folder, view, []
        self.open()

    def open(self) -> None:
        self.online = OnlineFeatures([self.view], LmdbOnlineStore(self.folder / "store"), self.folder / "spool")

    def restart(self, how: str) -> None:
        if how == "closed":
            self.online.close()
        else:  # as killed: nothing is written down any more
            self.online._spool.close()
            self.online._store.close()
        self.open()

    def send(self, *rows) -> None:
        self.online.ingest("Order", rows)
        self.sent += rows

    def agrees(self, at: int, entity=(1, "a")) -> dict[str, object]:
        found = self.online.lookup(self.view, entity, at)
        assert found == oracle.answer(self.view, self.sent, entity, at)
        return found


@pytest.fixture(params=["kept", "closed", "killed"])
def kept(tmp_path: Path, request: pytest.FixtureRequest):
    """Restarted, in one way or another, before every question."""
    one = Kept(tmp_path, VIEW)
    plain = one.agrees

    def restarted(*arguments):
        if request.param != "kept":
            one.restart(request.param)
        return plain(*arguments)

    one.agrees = restarted
    yield one
    one.online.close()


def test_an_event_that_comes_again_counts_once(kept: Kept) -> None:
    kept.send(order(1, AT), order(1, AT), order(2, AT + 1))
    assert kept.agrees(AT + 2)["orders_1h"] == 2
    kept.send(order(1, AT, late=MINUTE), order(2, AT + 1, items=99, late=MINUTE))
    found = kept.agrees(AT + 2 * MINUTE)
    assert (found["orders_1h"], found["items_ever"], found["items"]) == (2, 2, 1)


def test_an_event_that_is_taken_back_counts_no_more(kept: Kept) -> None:
    kept.send(order(1, AT, items=5), order(2, AT + 1, items=9), order(3, AT + 2, items=2))
    assert kept.agrees(AT + 3) | {"yesterday": 0} == {
        "orders_1h": 3, "most_1d": 9, "items_ever": 16, "cities": ["c3", "c2", "c1"], "items": 2, "yesterday": 0,
    }  # fmt: skip
    kept.send(order(2, AT + 1, gone=True, late=MINUTE))
    assert kept.agrees(AT + 2 * MINUTE)["most_1d"] == 5
    kept.send(order(3, AT + 2, gone=True, late=2 * MINUTE))
    assert kept.agrees(AT + 3 * MINUTE)["items"] == 5
    kept.send(order(3, AT + 2, late=4 * MINUTE), order(1, AT, gone=True, late=4 * MINUTE))
    assert kept.agrees(AT + 5 * MINUTE)["cities"] == [], "what was taken back does not come again"


def test_it_may_be_taken_back_before_it_comes(kept: Kept) -> None:
    kept.send(order(1, AT, gone=True, late=1))
    kept.send(order(1, AT, late=5), order(2, AT + 3, late=5))
    assert kept.agrees(AT + 10)["orders_1h"] == 1


def test_late_events_find_their_tiles(kept: Kept) -> None:
    kept.send(order(1, AT + 3 * DAY))
    kept.send(*(order(number, AT + number * HOUR, late=4 * DAY) for number in range(2, 72)))
    kept.send(order(90, AT + DAY, late=5 * DAY), order(91, AT + 2 * DAY + HOUR, late=5 * DAY))
    kept.send(order(72, AT + 5 * HOUR, gone=True, late=6 * DAY), order(5, AT + 5 * HOUR, gone=True, late=6 * DAY))
    for hours in range(9 * 24, 11 * 24, 7):
        kept.agrees(AT + hours * HOUR)


def test_entities_that_look_alike_when_joined_as_text_are_apart(kept: Kept) -> None:
    for number, (shop, customer) in enumerate([(1, "23"), (12, "3"), (1, "2"), (-1, "23"), (1, "")]):
        kept.send(*(order(f"{number}.{one}", AT + one, shop=shop, customer=customer) for one in range(number + 1)))
    for number, entity in enumerate([(1, "23"), (12, "3"), (1, "2"), (-1, "23"), (1, "")]):
        assert kept.agrees(AT + 10, entity)["orders_1h"] == number + 1
    assert kept.agrees(AT + 10, (None, "23"))["orders_1h"] == 0


@pytest.mark.parametrize("different", [{}, {"retraction": None}, {"retraction": None, "key": None}])
def test_an_entity_with_very_many_events_stays_small(tmp_path: Path, different: dict[str, object]) -> None:
    """What is read for it grows with its windows' tiles, not with its events; pages out of reach are removed."""
    bounded = tuple(
        feature for feature in VIEW.features if not feature.lifetime and feature.name not in ("items", "yesterday")
    )
    kept = Kept(tmp_path, replace(VIEW, features=bounded, **different))
    sizes = []
    for half in range(4):
        for start in range(half * 4000, half * 4000 + 4000, 500):
            kept.online.ingest("Order", [order(one, AT + one * 20_000_000) for one in range(start, start + 500)])
        kept.online.checkpoint()
        entries = dict(zip(keys := list(kept.online._store.keys(b"")), kept.online._store.get_many(keys), strict=True))
        (state,) = [value for key, value in entries.items() if b"/s" in key]
        sizes.append((len(state), len(entries)))
    kept.online.close()
    assert sizes[3][0] < 30_000
    assert sizes[3][0] < 1.2 * sizes[2][0]
    assert sizes[3][1] <= sizes[2][1] + 2 < 60
