"""What every engine must answer: the oracle's own answers, over histories that try to tell engines apart."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from noria.core.schema import Column
from noria.features.engines.model import Engine, Lookup
from noria.features.engines.operations import join_features
from noria.features.model import FeatureSpec, Predicate, ViewSpec
from noria.testing import oracle

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

READING = (
    Column("sensor", "string", nullable=True),
    Column("read_at", "time"),
    Column("heat", "float", nullable=True),
    Column("ticks", "int", nullable=True),
    Column("mood", "string", nullable=True),
    Column("open", "bool", nullable=True),
)
TODAY = ViewSpec(
    "Sensor",
    "Reading",
    "sensor",
    "read_at",
    (
        FeatureSpec("rows_1h", "count", window=HOUR, dtype="int"),
        FeatureSpec("rows_24h", "count", window=DAY, dtype="int"),
        FeatureSpec("rows_13d", "count", window=13 * DAY, dtype="int"),
        FeatureSpec("rows_7min", "count", window=7 * MINUTE, dtype="int"),
        FeatureSpec("heats_1h", "count", "heat", window=HOUR, dtype="int"),
        FeatureSpec("mean_heat_1h", "mean", "heat", window=HOUR),
        FeatureSpec("mean_ticks_24h", "mean", "ticks", window=DAY),
        FeatureSpec("sum_ticks_1h", "sum", "ticks", window=HOUR, dtype="int"),
        FeatureSpec("sum_ticks_13d", "sum", "ticks", window=13 * DAY, dtype="int"),
        FeatureSpec("sum_heat_24h", "sum", "heat", window=DAY),
        FeatureSpec("coldest_1h", "min", "heat", window=HOUR),
        FeatureSpec("most_ticks_13d", "max", "ticks", window=13 * DAY, dtype="int"),
        FeatureSpec("warm_90min", "share", window=90 * MINUTE, predicate=Predicate("heat", ">", 2.25)),
        FeatureSpec("calm_24h", "share", window=DAY, predicate=Predicate("mood", "!=", "it's \\ bad")),
        FeatureSpec("later_24h", "share", window=DAY, predicate=Predicate("mood", "<", "a")),
        FeatureSpec("opened_24h", "share", window=DAY, predicate=Predicate("open", "==", True)),
        FeatureSpec("heat", "latest", "heat", ttl=6 * HOUR),
        FeatureSpec("mood", "latest", "mood", ttl=10 * MINUTE, dtype="string"),
        FeatureSpec("ticks", "latest", "ticks", ttl=3 * DAY, dtype="int"),
        FeatureSpec("open", "latest", "open", ttl=3 * DAY, dtype="bool"),
    ),
    READING,
)
_MOODS = (None, "fine", "it's \\ bad", "", "Zebra", "zebra", "é", "eé", "% _", "\U0001f600")
_TICKS = (None, 0, 1, -5, 3, 2**63 - 1, -(2**63), 2**53 + 1)


def histories(seed: int, entities: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows and requests of many small histories, one an entity: late rows, duplicates, ties, times before 1970."""
    dice = random.Random(seed)
    rows: list[dict[str, Any]] = []
    asked: list[dict[str, Any]] = []
    for number in range(entities):
        name, mine = f"s{number}", [_reading(dice, f"s{number}") for _ in range(dice.randint(0, 14))]
        mine += [dice.choice(mine) for _ in range(dice.randint(0, 2)) if mine]
        rows += mine
        near = [row[time] for row in mine for time in ("read_at", "ingested_at")]
        for _ in range(dice.randint(1, 4)):
            gap = dice.choice([0, 0, 1, -1, 10 * MINUTE, HOUR, 65 * MINUTE, 6 * HOUR, DAY, 13 * DAY])
            asked.append({"sensor": name, "asked_at": dice.choice(near) + gap if near else _moment(dice)})
    rows += [_reading(dice, None) for _ in range(5)]
    asked += [{"sensor": None, "asked_at": 0}, {"sensor": "nobody", "asked_at": 0}, asked[0], asked[0]]
    return rows, [{"id": number, **one} for number, one in enumerate(asked)]


def _reading(dice: random.Random, sensor: str | None) -> dict[str, Any]:
    at = _moment(dice)
    late = dice.choice([0, 0, 0, dice.randint(0, 30) * 150_000_000, dice.randint(0, 14 * DAY)])
    return {
        "sensor": sensor,
        "read_at": at,
        "heat": dice.choice([None, dice.randint(-40, 40) / 4, 2.25, -0.0]),
        "ticks": dice.choice(_TICKS),
        "mood": dice.choice(_MOODS),
        "open": dice.choice([None, True, False]),
        "ingested_at": at + late,
    }


def _moment(dice: random.Random) -> int:
    return dice.choice(
        [dice.randint(-30, 30) * 150_000_000, dice.randint(-15, 15) * DAY, dice.randint(-2 * HOUR, 2 * HOUR)]
    )


def table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], *more: str) -> pa.Table:
    """Rows as an Arrow table; `more` are further columns of whole numbers."""
    types = {"string": pa.string(), "float": pa.float64(), "bool": pa.bool_()}
    fields = [pa.field(column.name, types.get(column.dtype, pa.int64())) for column in columns]
    fields += [pa.field(name, pa.int64()) for name in more]
    return pa.Table.from_pylist([dict(row) for row in rows], schema=pa.schema(fields))


def same(one: Any, other: Any) -> bool:
    """Equal and of one type; doubles to nine digits."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return type(one) is type(other) and one == other


REQUEST = (Column("id", "int"), Column("sensor", "string", nullable=True), Column("asked_at", "time"))


class EngineContract:
    """Run for each engine by a subclass with a fixture `engine`."""

    def test_every_kind_and_window_is_the_oracle_s(self, engine: Engine) -> None:
        rows, asked = histories(1, 60)
        found = self.joined(engine, TODAY, rows, asked)
        wrong = [
            f"{one['id']} {name}: {want!r} but {found[one['id']][f'Sensor.{name}']!r}"
            for one in asked
            for name, want in oracle.answer(TODAY, rows, one["sensor"], one["asked_at"]).items()
            if not same(want, found[one["id"]][f"Sensor.{name}"])
        ]
        assert wrong == []

    def joined(
        self, engine: Engine, view: ViewSpec, rows: Sequence[Mapping[str, Any]], asked: Sequence[Mapping[str, Any]]
    ) -> dict[int, dict[str, Any]]:
        """The engine's answers by request."""
        requests, readings = table(REQUEST, asked), table(READING, rows, "ingested_at")
        lookups = [Lookup(view, ("sensor",))]
        made = join_features(engine, requests, lookups, {"Reading": readings}, asked_at="asked_at")
        assert made.num_rows == len(asked)
        return {row["id"]: row for row in made.to_pylist()}
