"""What every engine must answer: the oracle's own answers, over histories that try to tell engines apart."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from noria.core.errors import NotFound
from noria.core.schema import Column
from noria.features.engines.model import BadLookup, Engine, EngineRefused, Lookup
from noria.features.engines.operations import join_features, save_features
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
    """Run for each engine by a subclass with a fixture `engine`.

    `moments` are half a second before 1970, twice, in the engine's type with a zone and in that without one, and the
    last day of 1969.
    """

    moments = (
        "TIMESTAMP WITH TIME ZONE '1969-12-31 23:59:59.5+00'",
        "TIMESTAMP '1969-12-31 23:59:59.5'",
        "DATE '1969-12-31'",
    )

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

    def test_what_is_no_number_counts_as_null(self, engine: Engine) -> None:
        heats = [math.nan, math.inf, -math.inf, 3.0]
        rows = [{"sensor": "a", "read_at": n, "ingested_at": n, "heat": heat} for n, heat in enumerate(heats)]
        found = self.joined(engine, TODAY, rows, [{"id": 0, "sensor": "a", "asked_at": 10}])[0]
        assert [found[f"Sensor.{name}"] for name in ("rows_1h", "heats_1h", "sum_heat_24h", "coldest_1h")] == [
            4, 1, 3.0, 3.0
        ]  # fmt: skip

    def test_a_sum_beyond_the_largest_double_is_null_and_no_error(self, engine: Engine) -> None:
        rows = [{"sensor": "a", "read_at": n, "ingested_at": n, "heat": 1.5e308} for n in range(3)]
        rows += [{"sensor": "b", "read_at": n, "ingested_at": n, "heat": heat} for n, heat in enumerate([1.5e308, 1.0])]
        found = self.joined(engine, TODAY, rows, [{"id": n, "sensor": "ab"[n], "asked_at": 10} for n in range(2)])
        assert [found[n]["Sensor.sum_heat_24h"] for n in range(2)] == [None, 1.5e308]
        assert found[0]["Sensor.coldest_1h"] == 1.5e308

    def test_nobody_asks_and_nothing_happened(self, engine: Engine) -> None:
        row = {"sensor": "a", "read_at": 0, "ingested_at": 0}
        assert self.joined(engine, TODAY, [row], []) == {}
        found = self.joined(engine, TODAY, [], [{"id": 0, "sensor": "a", "asked_at": 0}])[0]
        assert (found["Sensor.rows_1h"], found["Sensor.heat"]) == (0, None)

    def test_names_are_names_whatever_they_look_like(self, engine: Engine) -> None:
        odd = ["Heat", "heat", 'a "b" `c` \\ d', "é.x; --", "n" * 90 + "1", "n" * 90 + "2", "noria_at", "select"]
        columns = (Column("key 1", "string"), Column("at", "time"), *(Column(name, "int") for name in odd))
        features = tuple(FeatureSpec(f"{name} max", "max", name, window=HOUR, dtype="int") for name in odd)
        view = ViewSpec("Odd 'view'", "Odd", "key 1", "at", features, columns)
        rows = table(columns, [{"key 1": "a", "at": 1, **{name: n for n, name in enumerate(odd)}}])
        asked = pa.table({"the key": ["a"], "at": [2], "AT": [3], "noria_t": [4]})
        made = join_features(engine, asked, [Lookup(view, ("the key",))], {"Odd": rows}, asked_at="at").to_pylist()
        assert made == [
            {
                "the key": "a",
                "at": 2,
                "AT": 3,
                "noria_t": 4,
                **{f"Odd 'view'.{name} max": n for n, name in enumerate(odd)},
            }
        ]

    def test_several_views_and_keys_are_joined_at_once(self, engine: Engine) -> None:
        rows, asked = histories(2, 12)
        requests = table((*REQUEST, Column("other", "string")), [{**one, "other": "s1"} for one in asked])
        lookups = [Lookup(TODAY, ("sensor",)), Lookup(replace(TODAY, name="Other"), ("other",))]
        sources = {"Reading": table(READING, rows, "ingested_at")}
        made = join_features(engine, requests, lookups, sources, asked_at="asked_at").to_pylist()
        for one in made:
            for prefix, sensor in (("Sensor", one["sensor"]), ("Other", "s1")):
                for name, want in oracle.answer(TODAY, rows, sensor, one["asked_at"]).items():
                    assert same(want, one[f"{prefix}.{name}"])

    def test_moments_with_a_zone_without_one_and_as_days(self, engine: Engine) -> None:
        columns = (Column("k", "string"), Column("at", "time"), Column("due", "time"))
        features = (
            FeatureSpec("n", "count", window=DAY, dtype="int"),
            FeatureSpec("due", "latest", "due", ttl=DAY, dtype="time"),
        )
        view = ViewSpec("V", "S", "k", "at", features, columns)
        zoned, naive, day = self.moments
        sources = {"S": f"SELECT 'a' AS k, {zoned} AS at, {day} AS due, {naive} AS ingested_at"}
        asked = pa.table({"k": ["a"] * 3, "t": pa.array([-500_001, -500_000, -499_999], pa.timestamp("us"))})
        made = join_features(engine, asked, [Lookup(view, ("k",))], sources, asked_at="t").sort_by("t")
        assert made["V.n"].to_pylist() == [0, 0, 1], "it happened half a second before 1970"
        assert made["V.due"].to_pylist() == [None, -DAY, -DAY]

    def test_what_does_not_fit_is_said_and_the_engine_goes_on(self, engine: Engine) -> None:
        asked, rows = table(REQUEST, []), table(READING, [], "ingested_at")
        lookup = Lookup(TODAY, ("sensor",))
        with pytest.raises(BadLookup, match="no column 'when'"):
            join_features(engine, asked, [lookup], {"Reading": rows}, asked_at="when")
        with pytest.raises(BadLookup, match="'heat'"):
            join_features(engine, asked, [lookup], {"Reading": rows.drop_columns("heat")}, asked_at="asked_at")
        with pytest.raises(BadLookup, match="its entity has 1: sensor"):
            join_features(engine, asked, [Lookup(TODAY, ("sensor", "id"))], {"Reading": rows}, asked_at="asked_at")
        with pytest.raises(NotFound, match="Reading"):
            join_features(engine, asked, [lookup], {}, asked_at="asked_at")
        with pytest.raises(EngineRefused, match="nowhere"):
            join_features(engine, asked, [lookup], {"Reading": "nowhere"}, asked_at="asked_at")
        self.test_nobody_asks_and_nothing_happened(engine)

    def test_a_result_may_stay_on_the_engine(self, engine: Engine) -> None:
        asked = table(REQUEST, [{"id": 0, "sensor": "a", "asked_at": 5}])
        rows = table(READING, [{"sensor": "a", "read_at": 1, "ingested_at": 1, "heat": 2.5}], "ingested_at")
        lookups = [Lookup(TODAY, ("sensor",))]
        save_features(engine, "kept_features", asked, lookups, {"Reading": rows}, asked_at="asked_at")
        kept = pa.Table.from_batches(list(engine.read(f"SELECT * FROM {engine.dialect.quoted('kept_features')}")))
        assert (kept["Sensor.heat"].to_pylist(), kept["Sensor.rows_1h"].to_pylist()) == ([2.5], [1])
        with pytest.raises(EngineRefused, match="kept_features"):
            save_features(engine, "kept_features", asked, lookups, {"Reading": rows}, asked_at="asked_at")

    def joined(
        self, engine: Engine, view: ViewSpec, rows: Sequence[Mapping[str, Any]], asked: Sequence[Mapping[str, Any]]
    ) -> dict[int, dict[str, Any]]:
        """The engine's answers by request."""
        requests, readings = table(REQUEST, asked), table(READING, rows, "ingested_at")
        lookups = [Lookup(view, ("sensor",))]
        made = join_features(engine, requests, lookups, {"Reading": readings}, asked_at="asked_at")
        assert made.num_rows == len(asked)
        return {row["id"]: row for row in made.to_pylist()}
