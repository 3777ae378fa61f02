"""What the online store and its spool keep of a person: found however it is packed, gone; the rest still answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from noria.erasure.kept import erase_events, erase_online
from noria.erasure.model import Subject
from noria.erasure.reading import files_below, hits_in
from noria.features.model import FeatureSpec, ViewSpec
from noria.features.online.features import OnlineFeatures
from noria.testing.streams import DAY, HOUR, ORDER
from noria.testing.workspace import NOON, make_workspace

VIEW = ViewSpec(
    "Orders", "Order", ("customer",), "at",
    (
        FeatureSpec("orders", "count", window=DAY, dtype="int"),
        FeatureSpec("items", "sum", "items", lifetime=True, dtype="int"),
        FeatureSpec("last", "last_n", "customer", window=10 * DAY, n=3, dtype="string"),
    ),
    ORDER, key="id", retraction="gone",
)  # fmt: skip
PER_SHOP = replace(VIEW, name="Shops", entities=("shop",))


def order(number: int, customer: str, at: int) -> dict[str, object]:
    plain: dict[str, object] = dict.fromkeys(column.name for column in ORDER)
    return {**plain, "id": f"o{number}", "shop": 1, "customer": customer, "at": at, "items": 2**62, "gone": False}


def test_a_person_is_gone_from_states_pages_tiles_and_records(tmp_path: Path) -> None:
    ws = make_workspace(tmp_path)
    subject = Subject("customer", "ada-4711")

    def opened() -> OnlineFeatures:
        return OnlineFeatures([VIEW, PER_SHOP], ws.online_store("features"), ws.folder("serving") / "events")

    online = opened()
    rows = [order(number, ("ada-4711", "bob")[number % 2], NOON + number * HOUR) for number in range(40)]
    online.ingest("Order", rows)
    soon = [order(50, "ada-4711", NOON + 50 * HOUR), order(51, "bob", NOON + 50 * HOUR)]
    online.ingest("Order", soon, now=NOON + 50 * HOUR - 1)
    online.close()
    assert any(hits_in(path, subject) for path in files_below(tmp_path))
    assert erase_online(ws, subject)
    assert erase_events(ws, subject)
    assert [(path, hit) for path in files_below(tmp_path) for hit in hits_in(path, subject)] == []
    online = opened()
    at = NOON + 51 * HOUR
    assert online.lookup(VIEW, ("ada-4711",), at) == {"orders": 0, "items": None, "last": []}
    assert online.lookup(VIEW, ("bob",), at)["last"] == ["bob"] * 3
    assert online.lookup(PER_SHOP, (1,), at)["last"][0] == "bob"
    online.close()
    ws.close()
