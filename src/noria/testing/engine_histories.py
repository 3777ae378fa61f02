"""A view with every kind of feature, and histories that try to tell engines apart from the oracle."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from noria.core.schema import Column
from noria.features.model import FeatureSpec, LatestJoin, Predicate, ViewSpec

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
Row = dict[str, Any]

READING = (
    Column("sensor", "string", nullable=True),
    Column("room", "int", nullable=True),
    Column("read_at", "time"),
    Column("heat", "float", nullable=True),
    Column("ticks", "int", nullable=True),
    Column("mood", "string", nullable=True),
    Column("open", "bool", nullable=True),
    Column("due", "time", nullable=True),
    Column("id", "string", nullable=True),
    Column("void", "bool", nullable=True),
)
PLACE = (
    Column("who", "string", nullable=True),
    Column("moved_at", "time"),
    Column("floor", "int", nullable=True),
    Column("owner", "string", nullable=True),
    Column("number", "int", nullable=True),
    Column("sign", "int", nullable=True),
)
WARM, CALM = Predicate("heat", ">", 2.25), Predicate("mood", "!=", "it's \\ bad")
PLACED = LatestJoin("Place", (("sensor", "who"),), "moved_at", PLACE, ttl=9 * DAY, key="number", retraction="sign")
OWNED = LatestJoin("Person", (("mood", "who"), ("room", "floor")), "moved_at", PLACE)

PLAIN = ViewSpec(
    "Sensor",
    "Reading",
    ("sensor", "room"),
    "read_at",
    (
        FeatureSpec("rows_1h", "count", window=HOUR, dtype="int"),
        FeatureSpec("rows_13d", "count", window=13 * DAY, dtype="int"),
        FeatureSpec("rows_7min", "count", window=7 * MINUTE, dtype="int"),
        FeatureSpec("rows_exact", "count", window=HOUR, hop=1, dtype="int"),
        FeatureSpec("rows_before", "count", window=DAY, hop=7 * MINUTE, offset=HOUR, dtype="int"),
        FeatureSpec("rows_ever", "count", lifetime=True, dtype="int"),
        FeatureSpec("heats_1h", "count", "heat", window=HOUR, where=(CALM,), dtype="int"),
        FeatureSpec("mean_heat_1h", "mean", "heat", window=HOUR),
        FeatureSpec("mean_ticks_24h", "mean", "ticks", window=DAY),
        FeatureSpec("sum_ticks_1h", "sum", "ticks", window=HOUR, dtype="int"),
        FeatureSpec("sum_ticks_ever", "sum", "ticks", lifetime=True, offset=1, dtype="int"),
        FeatureSpec("sum_heat_24h", "sum", "heat", window=DAY),
        FeatureSpec("coldest_1h", "min", "heat", window=HOUR),
        FeatureSpec("most_ticks_13d", "max", "ticks", window=13 * DAY, where=(WARM, CALM), dtype="int"),
        FeatureSpec("var_heat_13d", "var", "heat", window=13 * DAY),
        FeatureSpec("std_heat_24h", "std", "heat", window=DAY, where=(CALM,)),
        FeatureSpec("std_ticks_13d", "std", "ticks", window=13 * DAY),
        FeatureSpec("warm_90min", "share", window=90 * MINUTE, predicate=WARM),
        FeatureSpec("calm_24h", "share", window=DAY, predicate=CALM, where=(Predicate("ticks", ">=", 0),)),
        FeatureSpec("early_24h", "share", window=DAY, predicate=Predicate("mood", "<", "a")),
        FeatureSpec("opened_24h", "share", window=DAY, predicate=Predicate("open", "==", True)),
        FeatureSpec("first_heat_24h", "first", "heat", window=DAY),
        FeatureSpec("last_mood_24h", "last", "mood", window=DAY, dtype="string"),
        FeatureSpec("last_open_13d", "last", "open", window=13 * DAY, where=(WARM,), dtype="bool"),
        FeatureSpec("moods_13d", "distinct", "mood", window=13 * DAY, dtype="int"),
        FeatureSpec("ticks_ever", "distinct", "ticks", lifetime=True, where=(CALM,), dtype="int"),
        FeatureSpec("opens_13d", "distinct", "open", window=13 * DAY, dtype="int"),
        FeatureSpec("median_heat_13d", "quantile", "heat", window=13 * DAY, quantile=0.5),
        FeatureSpec("high_heat_13d", "quantile", "heat", window=13 * DAY, quantile=0.9),
        FeatureSpec("low_ticks_ever", "quantile", "ticks", lifetime=True, quantile=0.1),
        FeatureSpec("two_heats_13d", "last_n", "heat", window=13 * DAY, n=2),
        FeatureSpec("three_moods_ever", "last_n", "mood", lifetime=True, where=(WARM,), n=3, dtype="string"),
        FeatureSpec("two_opens_13d", "last_n", "open", window=13 * DAY, n=2, dtype="bool"),
        FeatureSpec("ticks_3d", "last_n", "ticks", window=3 * DAY, n=5, dtype="int"),
        FeatureSpec("heat", "latest", "heat", ttl=6 * HOUR),
        FeatureSpec("mood", "latest", "mood", ttl=10 * MINUTE, dtype="string"),
        FeatureSpec("ticks", "latest", "ticks", ttl=3 * DAY, where=(CALM,), dtype="int"),
        FeatureSpec("open", "latest", "open", dtype="bool"),
        FeatureSpec("due", "latest", "due", ttl=3 * DAY, dtype="time"),
    ),
    READING,
)
"""Every kind of feature, of rows that are each an event of its own."""

FULL = replace(
    PLAIN,
    features=(
        *PLAIN.features,
        FeatureSpec("floor", "latest", "Place.floor", ttl=3 * DAY, dtype="int"),
        FeatureSpec("owner", "last", "Place.owner", window=13 * DAY, dtype="string"),
        FeatureSpec("high_up", "count", window=13 * DAY, where=(Predicate("Place.floor", ">", 1),), dtype="int"),
        FeatureSpec("floors", "sum", "Person.floor", lifetime=True, dtype="int"),
        FeatureSpec("owners", "distinct", "Person.owner", lifetime=True, dtype="int"),
    ),
    key="id",
    retraction="void",
    joins=(PLACED, OWNED),
)
"""The same of events that come twice and are taken back, with columns of two other sources."""

REQUEST = (
    Column("asked", "int"),
    Column("sensor", "string", nullable=True),
    Column("room", "int", nullable=True),
    Column("asked_at", "time"),
)
_MOODS = (None, "fine", "it's \\ bad", "", "Zebra", "zebra", "é", "eé", "% _", "\U0001f600")
_TICKS = (None, 0, 1, -5, 3, 2**63 - 1, -(2**63), 2**53 + 1)
_HEATS = (None, 2.25, -0.0, 1e16, -1e16, 0.1, 1e-9, -7.5e80)


def histories(seed: int, entities: int) -> tuple[dict[str, list[Row]], list[Row]]:
    """Rows of three sources, and requests: many small histories, one an entity.

    There are late rows, copies, copies that say something else later, retractions before and after what they
    take back, ties, times before 1970, keys that look alike as text, null keys.
    """
    dice = random.Random(seed)
    rows: list[Row] = []
    asked: list[Row] = []
    for number in range(entities):
        sensor, room = ("1", 23) if number == 0 else ("12", 3) if number == 1 else (f"s{number // 2}", number % 2)
        mine = [_reading(dice, sensor, room, f"e{number}.{one}") for one in range(dice.randint(0, 12))]
        mine += [_again(dice, dice.choice(mine)) for _ in range(dice.randint(0, 5)) if mine]
        rows += mine
        near = [row[time] for row in mine for time in ("read_at", "ingested_at")]
        for _ in range(dice.randint(1, 4)):
            gap = dice.choice([0, 0, 1, -1, 10 * MINUTE, HOUR, 65 * MINUTE, 6 * HOUR, DAY, 13 * DAY])
            moment = dice.choice(near) + gap if near else _moment(dice)
            asked.append({"sensor": sensor, "room": room, "asked_at": moment})
    rows += [_reading(dice, sensor, room, "x") for sensor, room in ((None, 1), ("s2", None), (None, None))]
    asked += [{"sensor": sensor, "room": 1, "asked_at": 0} for sensor in (None, "nobody")] + [asked[0], asked[0]]
    places = [_place(dice, f"s{dice.randint(0, entities // 2)}", number) for number in range(entities)]
    people = [_place(dice, dice.choice(_MOODS), number) for number in range(entities)]
    sources = {"Reading": rows, "Place": places + [_moved(dice, one) for one in places[::4]], "Person": people}
    return sources, [{"asked": number, **one} for number, one in enumerate(asked)]


def _reading(dice: random.Random, sensor: str | None, room: int | None, name: str) -> Row:
    at = _moment(dice)
    return {
        "sensor": sensor,
        "room": room,
        "read_at": at,
        "heat": dice.choice([dice.choice(_HEATS), dice.randint(-40, 40) / 4, dice.gauss(20, 5)]),
        "ticks": dice.choice(_TICKS),
        "mood": dice.choice(_MOODS),
        "open": dice.choice([None, True, False]),
        "due": dice.choice([None, at + DAY, -1]),
        "id": dice.choice([None, name, name, name]),
        "void": dice.choice([None, False]),
        "ingested_at": at + _late(dice),
    }


def _again(dice: random.Random, row: Row) -> Row:
    """A copy, a copy that comes later and says something else, or a retraction."""
    later = dice.randint(1, 14 * DAY)
    kind = dice.choice(["copy", "other", "void", "void"])
    if kind == "copy":
        return dict(row)
    if kind == "other":
        return {**row, "heat": 99.0, "mood": "other", "ingested_at": row["ingested_at"] + later}
    known = row["read_at"] + dice.choice([0, row["ingested_at"] - row["read_at"], later])
    return {**row, "void": True, "ingested_at": known, "heat": None}


def _place(dice: random.Random, who: str | None, number: int) -> Row:
    at = _moment(dice)
    return {
        "who": who,
        "moved_at": at,
        "floor": dice.choice([None, 0, 1, 2]),
        "owner": dice.choice([None, "ann", "bob"]),
        "number": dice.choice([None, number, number]),
        "sign": dice.choice([None, 1]),
        "ingested_at": at + _late(dice),
    }


def _moved(dice: random.Random, place: Row) -> Row:
    return {**place, "sign": -1, "ingested_at": place["moved_at"] + dice.randint(0, 9 * DAY)}


def _moment(dice: random.Random) -> int:
    return dice.choice(
        [dice.randint(-30, 30) * 150_000_000, dice.randint(-15, 15) * DAY, dice.randint(-2 * HOUR, 2 * HOUR)]
    )


def _late(dice: random.Random) -> int:
    return dice.choice([0, 0, 0, dice.randint(0, 30) * 150_000_000, dice.randint(0, 14 * DAY)])


def table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], *more: str) -> pa.Table:
    """Rows as an Arrow table; `more` are further columns of whole numbers."""
    types = {"string": pa.string(), "float": pa.float64(), "bool": pa.bool_()}
    fields = [pa.field(column.name, types.get(column.dtype, pa.int64())) for column in columns]
    fields += [pa.field(name, pa.int64()) for name in more]
    return pa.Table.from_pylist([dict(row) for row in rows], schema=pa.schema(fields))


def tables(sources: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, pa.Table]:
    """The sources of `histories` as Arrow tables."""
    return {name: table(READING if name == "Reading" else PLACE, rows, "ingested_at") for name, rows in sources.items()}
