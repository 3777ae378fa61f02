"""Random worlds of features: definitions of every kind, streams with everything that goes wrong, and questions.

Everything is drawn from one `random.Random`, so a seed names a world, and Hypothesis can shrink one (with
`st.randoms(use_true_random=False)`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from noria.core.schema import Column, DType
from noria.features.model import FeatureSpec, LatestJoin, Predicate, ViewSpec

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
GRID = 150_000_000
"""Half of the shortest hop: moments on it tie with hops, windows, events and questions."""
_WINDOWS = (1, GRID, 7 * MINUTE, HOUR, 90 * MINUTE, 12 * HOUR, 12 * HOUR + 1, DAY, 3 * DAY, 13 * DAY)
_HOPS = (None, None, None, 1, GRID, 7 * MINUTE, HOUR, DAY)
_OFFSETS = (0, 0, 0, 1, GRID, HOUR, 25 * HOUR)
_NUMBERS = ("heat", "ticks")
COLUMNS = (
    Column("id", "int", nullable=True),
    Column("place", "string", nullable=True),
    Column("slot", "int", nullable=True),
    Column("at", "time"),
    Column("heat", "float", nullable=True),
    Column("ticks", "int", nullable=True),
    Column("mood", "string", nullable=True),
    Column("open", "bool", nullable=True),
    Column("undone", "bool", nullable=True),
)
OTHER = (
    Column("site", "string", nullable=True),
    Column("since", "time"),
    Column("height", "float", nullable=True),
    Column("name", "string", nullable=True),
)

Row = dict[str, Any]


@dataclass
class World:
    """A view, the rows of its sources, and questions (entity, moment)."""

    view: ViewSpec
    rows: dict[str, list[Row]] = field(default_factory=dict)
    questions: list[tuple[tuple[Any, ...], int]] = field(default_factory=list)


def world(random: Random, *, most_rows: int = 40, most_questions: int = 12) -> World:
    """A random world."""
    made = World(_view(random))
    rows = [_row(random) for _ in range(random.randint(0, most_rows))]
    made.rows[made.view.source] = _gone_wrong(random, rows, made.view)
    for join in made.view.joins:
        made.rows[join.source] = [_other(random) for _ in range(random.randint(0, 12))]
    everything = [row for rows in made.rows.values() for row in rows]
    made.questions = [_question(random, made.view, everything) for _ in range(random.randint(1, most_questions))]
    return made


def _view(random: Random) -> ViewSpec:
    entities = random.choice([("place",), ("place", "slot"), ("slot",)])
    keyed = random.random() < 0.6
    joins: tuple[LatestJoin, ...] = ()
    if "place" in entities and random.random() < 0.3:
        ttl = random.choice([None, HOUR, DAY])
        joins = (LatestJoin("Site", (("place", "site"),), "since", OTHER, ttl),)
    numbers = [*_NUMBERS, *(["Site.height"] if joins else [])]
    features = tuple(_feature(random, f"f{place}", numbers) for place in range(random.randint(1, 5)))
    key, retraction = ("id" if keyed else None), ("undone" if keyed and random.random() < 0.6 else None)
    return ViewSpec("View", "Event", entities, "at", features, COLUMNS, key, retraction, joins)


def _feature(random: Random, name: str, numbers: Sequence[str]) -> FeatureSpec:
    types: dict[str, DType] = {column.name: column.dtype for column in COLUMNS} | {"Site.height": "float"}
    where = tuple(_predicate(random) for _ in range(random.choice([0, 0, 0, 1, 2])))
    kind = random.choice(
        ["count", "sum", "mean", "share", "min", "max", "var", "std", "first", "last", "distinct", "quantile", "last_n",
         "latest"]
    )  # fmt: skip
    number = random.choice(numbers)
    anything = random.choice([*numbers, "mood", "open"])
    if kind == "latest":
        ttl = random.choice([None, 0, GRID, HOUR, 3 * DAY])
        return FeatureSpec(name, "latest", anything, ttl=ttl, dtype=types[anything], where=where)
    window = random.choice(_WINDOWS)
    span: dict[str, Any] = {"offset": random.choice(_OFFSETS), "where": where}
    span |= {"lifetime": True} if random.random() < 0.15 else {"window": window, "hop": random.choice(_HOPS)}
    makers: dict[str, Callable[[], FeatureSpec]] = {
        "count": lambda: FeatureSpec(name, "count", random.choice([None, anything]), dtype="int", **span),
        "share": lambda: FeatureSpec(name, "share", predicate=_predicate(random), **span),
        "distinct": lambda: FeatureSpec(
            name, "distinct", random.choice(["ticks", "mood", "open", "at"]), dtype="int", **span
        ),
        "quantile": lambda: FeatureSpec(
            name, "quantile", number, quantile=random.choice([0.0, 0.1, 0.5, 0.9, 1.0]), **span
        ),
        "last_n": lambda: FeatureSpec(
            name, "last_n", anything, n=random.choice([1, 2, 5]), dtype=types[anything], **span
        ),
    }  # fmt: skip
    if kind in makers:
        return makers[kind]()
    if kind in ("first", "last"):
        return FeatureSpec(name, kind, anything, dtype=types[anything], **span)  # type: ignore[arg-type]
    exact = kind in ("sum", "min", "max")
    return FeatureSpec(name, kind, number, dtype=types[number] if exact else "float", **span)  # type: ignore[arg-type]


def _predicate(random: Random) -> Predicate:
    column = random.choice(["heat", "ticks", "mood", "open"])
    if column == "mood":
        return Predicate(column, random.choice(["==", "!="]), random.choice(["it's", "fine", ""]))
    if column == "open":
        return Predicate(column, random.choice(["==", "!="]), random.choice([0.0, 1.0]))
    return Predicate(column, random.choice(["<", "<=", ">", ">=", "==", "!="]), random.choice([0.0, 1.0, 2.25, -1.0]))


def moment(random: Random) -> int:
    """A moment around 1970: often on a grid, or just beside it."""
    on_grid = random.randint(-30, 30) * GRID
    beside = on_grid + random.choice([-1, 1])
    far, near = random.randint(-20 * DAY, 20 * DAY), random.randint(-2 * HOUR, 2 * HOUR)
    return random.choice([on_grid, beside, random.randint(-15, 15) * DAY, near, far])


def _lateness(random: Random) -> int:
    if random.random() < 0.6:
        return 0
    return random.choice([random.randint(0, 30) * GRID, random.randint(0, HOUR), random.randint(0, 14 * DAY)])


def _row(random: Random) -> Row:
    happened = moment(random)
    heat = random.choice(
        [None, random.randint(-40, 40) / 4, random.uniform(-5, 5), 1e16, -1e16, 1e9 + random.randint(0, 3), 0.0, -0.0]
    )
    return {
        "id": None if random.random() < 0.1 else random.randint(0, 10**6),
        "place": random.choice(["a", "a", "a", "b", "1", "é\x00", None]),
        "slot": random.choice([23, 3, 3, 3, None]),
        "at": happened,
        "heat": heat,
        "ticks": random.choice([None, *range(-5, 6), 2**63 - 1, -(2**63)]),
        "mood": random.choice([None, "fine", "it's", "", "zebra", "é"]),
        "open": random.choice([None, True, False]),
        "undone": random.choice([None, False]),
        "ingested_at": happened + _lateness(random),
    }


def _other(random: Random) -> Row:
    since = moment(random)
    return {
        "site": random.choice(["a", "b", "1", None]),
        "since": since,
        "height": random.choice([None, random.randint(-8, 8) / 2]),
        "name": random.choice([None, "x", "y"]),
        "ingested_at": since + _lateness(random),
    }


def _gone_wrong(random: Random, rows: list[Row], view: ViewSpec) -> list[Row]:
    """Some rows come twice, some of those later and changed, and some are taken back, before or after they come."""
    if not rows:
        return rows
    copies = []
    for row in random.choices(rows, k=random.randint(0, 6)):
        late = random.choice([0, 1, GRID, DAY])
        other = {"heat": 77.0} if late and view.key and row["id"] is not None else {}
        copies.append({**row, **other, "ingested_at": row["ingested_at"] + late})
    if view.retraction:
        for row in random.choices(rows, k=random.randint(0, 8)):
            known = row["ingested_at"] + random.choice([0, 1, GRID, HOUR, 2 * DAY, -1, -HOUR])
            copies.append({**row, view.retraction: True, "heat": None, "ingested_at": max(row["at"], known)})
    mixed = [*rows, *copies]
    random.shuffle(mixed)
    return mixed


def _question(random: Random, view: ViewSpec, rows: Sequence[Row]) -> tuple[tuple[Any, ...], int]:
    asked: dict[str, Any] = {
        "place": random.choice(["a", "a", "b", "1", "é\x00", "nobody", None]),
        "slot": random.choice([3, 3, 23, None, 7]),
    }
    entity = tuple(asked[name] for name in view.entities)
    if not rows or random.random() < 0.2:
        return entity, moment(random)
    row = random.choice(rows)
    near = row[random.choice([time for time in ("at", "since", "ingested_at") if time in row])]
    return entity, near + random.choice(
        [0, 0, 1, -1, 10 * MINUTE, HOUR, 65 * MINUTE, 6 * HOUR, DAY, 13 * DAY, 25 * HOUR]
    )
