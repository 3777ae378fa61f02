"""Random views over random streams, from a seed: what the engines are held against each other and the oracle with.

A world has orders (an id, an entity of two columns, retractions, a joined source) and shops (the joined source).
Streams are late, repeat themselves, come out of order, tie, have hot keys and take events back.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, get_args

from noria.core.schema import Column
from noria.data.model import INGESTED_AT
from noria.features.model import AggregateKind, FeatureSpec, LatestJoin, Predicate, ViewSpec

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
ORDER = (
    Column("id", "string", nullable=True),
    Column("shop", "int", nullable=True),
    Column("customer", "string", nullable=True),
    Column("at", "time"),
    Column("amount", "float", nullable=True),
    Column("items", "int", nullable=True),
    Column("city", "string", nullable=True),
    Column("paid", "bool", nullable=True),
    Column("gone", "bool", nullable=True),
)
SHOP = (
    Column("shop", "int", nullable=True),
    Column("since", "time"),
    Column("rating", "float", nullable=True),
    Column("kind", "string", nullable=True),
)
JOIN = LatestJoin("Shop", (("shop", "shop"),), "since", SHOP, ttl=2 * DAY)
_NUMBERS = ("amount", "items")
_PREDICATES = (
    Predicate("amount", ">", 2.25),
    Predicate("items", "<=", 3),
    Predicate("city", "!=", "it's"),
    Predicate("city", "==", "Ulm"),
    Predicate("paid", "==", True),
)
_JOINED = (Predicate("Shop.rating", ">=", 2.0), Predicate("Shop.kind", "==", "bar"))

Row = dict[str, Any]


@dataclass(frozen=True)
class Ask:
    """A question: which entity, and when."""

    entity: tuple[Any, ...]
    at: int


@dataclass(frozen=True)
class World:
    """A view, and what happens: rows by source, each in the order in which they became known."""

    view: ViewSpec
    rows: dict[str, list[Row]]
    asks: list[Ask]

    def steps(self) -> Iterator[tuple[str, Row] | Ask]:
        """Everything in its order: rows as they become known, joined ones first; questions after them."""
        events = [(source, row) for source, rows in self.rows.items() for row in rows]
        events.sort(key=lambda event: (event[1][INGESTED_AT], event[0] != "Shop"))
        place = 0
        for ask in sorted(self.asks, key=lambda ask: ask.at):
            while place < len(events) and events[place][1][INGESTED_AT] <= ask.at:
                yield events[place]
                place += 1
            yield ask


def random_view(draw: random.Random, features: int = 12) -> ViewSpec:
    """A view with features of any kind over windows of any sort."""
    keyed = draw.random() < 0.6
    joins = (replace(JOIN, ttl=draw.choice([None, HOUR, 2 * DAY])),) if draw.random() < 0.3 else ()
    return ViewSpec(
        "Orders",
        "Order",
        draw.choice([("shop",), ("customer",), ("shop", "customer")]),
        "at",
        tuple(_feature(draw, f"f{number}", bool(joins)) for number in range(features)),
        ORDER,
        key="id" if keyed else None,
        retraction="gone" if keyed and draw.random() < 0.6 else None,
        joins=joins,
    )


def _feature(draw: random.Random, name: str, joined: bool) -> FeatureSpec:
    kind: AggregateKind = draw.choice([*get_args(AggregateKind), "latest"])
    predicates = [*_PREDICATES, *(_JOINED if joined else ())]
    where = tuple(draw.sample(predicates, draw.choice([0, 0, 1, 2])))
    column, dtype = _column(draw, kind, joined)
    one = FeatureSpec(name, kind, column, dtype=dtype, where=where)
    if kind == "latest":
        return replace(one, ttl=draw.choice([None, 10 * MINUTE, 6 * HOUR, 3 * DAY]))
    if kind == "share":
        one = replace(one, predicate=draw.choice(predicates))
    if kind == "quantile":
        one = replace(one, quantile=draw.choice([0.0, 0.5, 0.9, 1.0]))
    if kind == "last_n":
        one = replace(one, n=draw.choice([1, 3, 10]))
    return _windowed(draw, one)


def _column(draw: random.Random, kind: str, joined: bool) -> tuple[str | None, Any]:
    """The column of a feature, and the type of its values."""
    if kind == "share" or (kind == "count" and draw.random() < 0.5):
        return None, "float" if kind == "share" else "int"
    if kind in ("count", "distinct"):
        return draw.choice(["city", "items"]), "int"
    if kind in ("first", "last", "last_n", "latest"):
        names = ["amount", "items", "city", "paid", *(["Shop.rating", "Shop.kind"] if joined else [])]
        return _typed(draw.choice(names))
    column = draw.choice(_NUMBERS)
    exact = kind in ("sum", "min", "max") and column == "items"
    return column, "int" if exact else "float"


def _typed(name: str) -> tuple[str, Any]:
    columns = {column.name: column.dtype for column in ORDER} | {f"Shop.{column.name}": column.dtype for column in SHOP}
    return name, columns[name]


def _windowed(draw: random.Random, feature: FeatureSpec) -> FeatureSpec:
    offset = draw.choice([0, 0, 0, 7 * MINUTE, 3 * HOUR, DAY])
    if draw.random() < 0.15:
        return replace(feature, lifetime=True, offset=offset)
    window = draw.choice([7 * MINUTE, HOUR, 3 * HOUR, DAY, 3 * DAY, 13 * DAY])
    hop = draw.choice([None, None, None, 1, MINUTE, HOUR])
    return replace(feature, window=window, offset=offset, hop=hop)


def random_world(
    draw: random.Random, view: ViewSpec, events: int, asks: int, *, start: int = 0, step: int = 20 * MINUTE
) -> World:
    """A stream of about `events` rows and `asks` questions for a view; `step` is the mean time between rows."""
    rows = list(_orders(draw, events, start, step))
    end = max(row["at"] for row in rows)
    repeated = [_late(draw, row) for row in draw.sample(rows, math.ceil(events / 20))]
    gone = (row for row in draw.sample(rows, math.ceil(events / 15)) if row["id"])
    taken = [_late(draw, {**row, "gone": True, "amount": None}) for row in gone]
    known = sorted([*rows, *repeated, *taken], key=lambda row: row[INGESTED_AT])
    shops = sorted(_shops(draw, max(4, events // 8), start, end), key=lambda row: row[INGESTED_AT])
    entities = sorted({tuple(row[name] for name in view.entities) for row in rows}, key=str)
    questions = [Ask(_entity(draw, entities), _moment(draw, known, start, end)) for _ in range(asks)]
    return World(view, {"Order": known, "Shop": shops} if view.joins else {"Order": known}, questions)


def _entity(draw: random.Random, entities: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    if draw.random() < 0.01:
        return tuple("nobody" if isinstance(one, str) else -1 for one in entities[0])
    return entities[int(len(entities) * draw.random() ** 3)]


def _moment(draw: random.Random, rows: list[Row], start: int, end: int) -> int:
    """Often exactly when a row happened or became known, or a window's length later."""
    if draw.random() < 0.3:
        return draw.randrange(start, end + 20 * DAY)
    row = draw.choice(rows)
    gap = draw.choice([0, 0, 1, 7 * MINUTE, HOUR, 65 * MINUTE, 3 * HOUR, DAY, 13 * DAY])
    return max(int(row["at"]), int(row[INGESTED_AT])) + gap if draw.random() < 0.5 else int(row["at"]) + gap


def _orders(draw: random.Random, events: int, start: int, step: int) -> Iterator[Row]:
    at = start
    for number in range(events):
        if draw.random() > 0.05:  # else a tie
            at += draw.choice([1, draw.randrange(1, 2 * step), draw.randrange(1, 2 * step)])
        if draw.random() < 0.05:
            at -= at % (5 * MINUTE)
        shop = int(8 * draw.random() ** 3)
        row = {
            "id": f"o{number}" if draw.random() > 0.05 else None,
            "shop": shop if draw.random() > 0.02 else None,
            "customer": draw.choice(["a", "b", "é\x00", "12", "1"]) if draw.random() > 0.02 else None,
            "at": at,
            "amount": draw.choice([None, draw.randrange(-40, 40) / 4, draw.gauss(0, 1e6), draw.random()]),
            "items": draw.choice([None, *range(-5, 6), 2**63 - 1, -(2**63), *range(6)]),
            "city": draw.choice([None, "Ulm", "it's", "", "Köln", f"c{draw.randrange(40)}"]),
            "paid": draw.choice([None, True, False]),
            "gone": draw.choice([None, False]),
            INGESTED_AT: at,
        }  # fmt: skip
        yield _late(draw, row) if draw.random() < 0.1 else row


def _late(draw: random.Random, row: Row) -> Row:
    late = draw.choice([1, draw.randrange(1, 30 * MINUTE), draw.randrange(1, 5 * HOUR), draw.randrange(1, 14 * DAY)])
    return {**row, INGESTED_AT: row[INGESTED_AT] + late}


def _shops(draw: random.Random, rows: int, start: int, end: int) -> Iterator[Row]:
    for _ in range(rows):
        since = draw.randrange(start - DAY, end + 1)
        row = {
            "shop": draw.randrange(8),
            "since": since,
            "rating": draw.choice([None, draw.randrange(0, 20) / 4]),
            "kind": draw.choice([None, "bar", "café"]),
            INGESTED_AT: since,
        }
        yield _late(draw, row) if draw.random() < 0.1 else row
