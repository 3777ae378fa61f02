"""What every engine must answer: the oracle's own answers, and a clear word where there can be none."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from noria.core.errors import NotFound
from noria.core.schema import Column
from noria.features.engines.model import BadLookup, Engine, EngineRefused, Lookup, Statement
from noria.features.engines.operations import join_features, save_features
from noria.features.model import FeatureSpec, Knowledge, ViewSpec
from noria.testing import feature_worlds, oracle
from noria.testing.engine_histories import (
    DAY,
    FULL,
    HOUR,
    PLAIN,
    READING,
    REQUEST,
    Row,
    histories,
    table,
    tables,
)

KEYS = ("sensor", "room")


def same(one: Any, other: Any) -> bool:
    """Equal and of one type; doubles to nine digits."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def at_ten(**columns: Sequence[Any]) -> tuple[list[Row], list[Row]]:
    """Readings of one sensor, a microsecond apart from 0 on, and a request at 10."""
    empty = dict.fromkeys(column.name for column in READING)
    values = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    moments = [{"sensor": "a", "room": 1, "read_at": n, "ingested_at": n} for n in range(len(values))]
    rows = [{**empty, **moment, **one} for moment, one in zip(moments, values, strict=True)]
    return rows, [{"asked": 0, "sensor": "a", "room": 1, "asked_at": 10}]


def of(*names: str) -> ViewSpec:
    """`PLAIN` with these features alone."""
    return replace(PLAIN, features=tuple(one for one in PLAIN.features if one.name in names))


class EngineContract:
    """Run for each engine by a subclass with a fixture `engine`.

    `moments` are half a second before 1970, twice, in the engine's type with a zone and in that without one, and the
    last day of 1969. `every` thins out the first test, `worlds` is how many random definitions are tried.
    """

    every, worlds = 1, 60
    moments = (
        "TIMESTAMP WITH TIME ZONE '1969-12-31 23:59:59.5+00'",
        "TIMESTAMP '1969-12-31 23:59:59.5'",
        "DATE '1969-12-31'",
    )

    def test_every_kind_and_window_is_the_oracle_s(self, engine: Engine) -> None:
        sources, asked = histories(1, 50)
        view = replace(PLAIN, features=PLAIN.features[:: self.every])
        assert differences(engine, view, sources, asked) == []

    def test_copies_retractions_and_joined_sources_are_the_oracle_s(self, engine: Engine) -> None:
        sources, asked = histories(2, 50)
        assert differences(engine, FULL, sources, asked) == []

    def test_with_hindsight_every_row_counts(self, engine: Engine) -> None:
        sources, asked = histories(3, 50)
        view = replace(FULL, features=tuple(dict.fromkeys((*FULL.features[::5], *FULL.features[-5:]))))
        assert differences(engine, view, sources, asked, "as_of_event") == []

    def test_random_definitions_over_random_streams_are_the_oracle_s(self, engine: Engine) -> None:
        for seed in range(self.worlds):
            made = feature_worlds.world(random.Random(seed))
            knowledge: Knowledge = "as_of_event" if seed % 4 == 3 else "as_known"
            assert wrong_in(engine, made, knowledge) == [], f"seed {seed}: {made.view}"

    def test_many_different_values_are_counted_in_the_same_registers(self, engine: Engine) -> None:
        dice = random.Random(4)
        count = 5000
        ticks = [dice.getrandbits(63) - 2**62 for _ in range(count)]
        rows, _ = at_ten(ticks=ticks, mood=[f"mood {n % 1500}" for n in range(count)])
        asked = [
            {"asked": n, "sensor": "a", "room": 1, "asked_at": moment} for n, moment in enumerate([100, 2000, 9000])
        ]
        counts = [FeatureSpec(f"n_{name}", "distinct", name, lifetime=True, dtype="int") for name in ("ticks", "mood")]
        ranks = [FeatureSpec(f"q{n}", "quantile", "ticks", lifetime=True, quantile=n / 20) for n in (0, 1, 10, 11, 20)]
        assert differences(engine, replace(PLAIN, features=(*counts, *ranks)), {"Reading": rows}, asked) == []

    def test_every_double_falls_into_its_bucket(self, engine: Engine) -> None:
        dice = random.Random(5)
        heats = [dice.choice([-1, 1]) * 2.0 ** dice.uniform(-1074, 1023) for _ in range(200)]
        powers = [2.0**n for n in (*range(-1074, 1024, 9), *range(-12, 13), 1022, 1023)]
        heats += [value for power in powers for value in (power, math.nextafter(power, 0), power * (65 / 64))]
        rows = [{**at_ten(heat=[heat])[0][0], "room": n} for n, heat in enumerate(heats)]
        asked = [{"asked": n, "sensor": "a", "room": n, "asked_at": 10} for n in range(len(heats))]
        view = replace(PLAIN, features=(FeatureSpec("it", "quantile", "heat", lifetime=True, quantile=0.5),))
        assert differences(engine, view, {"Reading": rows}, asked) == []

    def test_what_is_no_number_counts_as_null(self, engine: Engine) -> None:
        names = ("rows_1h", "heats_1h", "sum_heat_24h", "coldest_1h", "two_heats_13d")
        found = one(engine, of(*names), *at_ten(heat=[math.nan, math.inf, -math.inf, 3.0]))
        assert [found[f"Sensor.{name}"] for name in names] == [4, 0, 3.0, 3.0, [3.0]]

    def test_what_no_double_can_hold_is_null_and_no_error(self, engine: Engine) -> None:
        names = ("sum_heat_24h", "mean_heat_1h", "var_heat_13d", "coldest_1h")
        found = one(engine, of(*names), *at_ten(heat=[1.5e308, 1.5e308, -1.5e308, 1.5e308, 1.0]))
        assert [found[f"Sensor.{name}"] for name in names] == [None, None, None, -1.5e308]

    def test_small_numbers_beside_large_ones_are_not_lost(self, engine: Engine) -> None:
        heats = [1e15 + 1 / 8, 1e15 + 1 / 4, 1e15 + 3 / 8, 1e16, 1.0, -1e16, 0.5, 0.5 + 2**-53, 0.5 + 2**-52]
        rows, (asked,) = at_ten(heat=heats)
        rows = [{**row, "room": n // 3} for n, row in enumerate(rows)]
        requests = [{**asked, "asked": n, "room": n} for n in range(3)]
        found = joined(engine, of("sum_heat_24h", "var_heat_13d"), {"Reading": rows}, requests)
        assert (found[0]["Sensor.var_heat_13d"], found[1]["Sensor.sum_heat_24h"]) == (1 / 64, 1.0)
        assert found[2]["Sensor.var_heat_13d"] == pytest.approx(2**-106, rel=1e-9)

    def test_nobody_asks_and_nothing_happened(self, engine: Engine) -> None:
        rows, asked = at_ten(heat=[1.0])
        few = of("rows_1h", "heat", "two_heats_13d")
        assert joined(engine, few, {"Reading": rows}, []) == {}
        found = one(engine, few, [], asked)
        assert (found["Sensor.rows_1h"], found["Sensor.heat"], found["Sensor.two_heats_13d"]) == (0, None, [])

    def test_names_are_names_whatever_they_look_like(self, engine: Engine) -> None:
        odd = ["Heat", "heat", 'a "b" `c` \\ d', "é.x; --", "n" * 90 + "1", "n" * 90 + "2", "noria_at", "select"]
        columns = (Column("key 1", "string"), Column("at", "time"), *(Column(name, "int") for name in odd))
        features = tuple(FeatureSpec(f"{name} max", "max", name, window=HOUR, dtype="int") for name in odd)
        view = ViewSpec("Odd 'view'", "Odd", ("key 1",), "at", features, columns)
        rows = table(columns, [{"key 1": "a", "at": 1, **{name: n for n, name in enumerate(odd)}}])
        asked = pa.table({"the key": ["a"], "at": [2], "AT": [3], "noria_t": [4]})
        made = join_features(engine, asked, [Lookup(view, ("the key",))], {"Odd": rows}, asked_at="at").to_pylist()
        asked_with = {"the key": "a", "at": 2, "AT": 3, "noria_t": 4}
        assert made == [{**asked_with, **{f"Odd 'view'.{name} max": n for n, name in enumerate(odd)}}]

    def test_several_views_and_keys_are_joined_at_once(self, engine: Engine) -> None:
        sources, asked = histories(5, 12)
        small = replace(PLAIN, features=PLAIN.features[::6])
        requests = table((*REQUEST, Column("other", "string")), [{**one, "other": "s1"} for one in asked])
        lookups = [Lookup(small, KEYS), Lookup(replace(small, name="Other"), ("other", "room"))]
        made = join_features(engine, requests, lookups, tables(sources), asked_at="asked_at").to_pylist()
        assert len(made) == len(asked)
        for row in made:
            for prefix, sensor in (("Sensor", row["sensor"]), ("Other", "s1")):
                wanted = oracle.answer(small, sources, (sensor, row["room"]), row["asked_at"])
                assert all(same(want, row[f"{prefix}.{name}"]) for name, want in wanted.items())

    def test_moments_with_a_zone_without_one_and_as_days(self, engine: Engine) -> None:
        columns = (Column("k", "string"), Column("at", "time"), Column("due", "time"))
        features = (
            FeatureSpec("n", "count", window=DAY, dtype="int"),
            FeatureSpec("due", "latest", "due", ttl=DAY, dtype="time"),
        )
        view = ViewSpec("V", "S", ("k",), "at", features, columns)
        zoned, naive, day = self.moments
        sources = {"S": f"SELECT 'a' AS k, {zoned} AS at, {day} AS due, {naive} AS ingested_at"}
        asked = pa.table({"k": ["a"] * 3, "t": pa.array([-500_001, -500_000, -499_999], pa.timestamp("us"))})
        made = join_features(engine, asked, [Lookup(view, ("k",))], sources, asked_at="t").sort_by("t")
        assert made["V.n"].to_pylist() == [0, 0, 1], "it happened half a second before 1970"
        assert made["V.due"].to_pylist() == [None, -DAY, -DAY]

    def test_what_does_not_fit_is_said_and_the_engine_goes_on(self, engine: Engine) -> None:
        asked, rows = table(REQUEST, []), table(READING, [], "ingested_at")
        lookup = Lookup(PLAIN, KEYS)
        with pytest.raises(BadLookup, match="no column 'when'"):
            join_features(engine, asked, [lookup], {"Reading": rows}, asked_at="when")
        with pytest.raises(BadLookup, match="'heat'"):
            join_features(engine, asked, [lookup], {"Reading": rows.drop_columns("heat")}, asked_at="asked_at")
        with pytest.raises(BadLookup, match="its entity has 2: sensor, room"):
            join_features(engine, asked, [Lookup(PLAIN, ("sensor",))], {"Reading": rows}, asked_at="asked_at")
        with pytest.raises(BadLookup, match=r"Sensor\.rows_1h"):
            join_features(engine, asked, [lookup, lookup], {"Reading": rows}, asked_at="asked_at")
        with pytest.raises(NotFound, match="Reading"):
            join_features(engine, asked, [lookup], {}, asked_at="asked_at")
        with pytest.raises(EngineRefused, match="nowhere"):
            join_features(engine, asked, [lookup], {"Reading": "nowhere"}, asked_at="asked_at")
        self.test_a_result_may_stay_on_the_engine(engine, "afterwards")

    def test_a_result_may_stay_on_the_engine(self, engine: Engine, name: str = "kept_features") -> None:
        rows, asked = at_ten(heat=[2.5])
        sources, lookups = tables({"Reading": rows}), [Lookup(of("heat", "rows_1h"), KEYS)]
        save_features(engine, name, table(REQUEST, asked), lookups, sources, asked_at="asked_at")
        kept = pa.Table.from_batches(list(engine.read(Statement(f"SELECT * FROM {name}"))))
        assert (kept["Sensor.heat"].to_pylist(), kept["Sensor.rows_1h"].to_pylist()) == ([2.5], [1])
        with pytest.raises(EngineRefused, match=name):
            save_features(engine, name, table(REQUEST, asked), lookups, sources, asked_at="asked_at")


def differences(
    engine: Engine,
    view: ViewSpec,
    sources: Mapping[str, Sequence[Row]],
    asked: Sequence[Row],
    knowledge: Knowledge = "as_known",
) -> list[str]:
    """Where an engine and the oracle disagree."""
    found = joined(engine, view, sources, asked, knowledge)
    wanted = _expected(view, sources, asked, knowledge)
    return [
        f"{one} {name}: {want!r} but {found[one['asked']][f'Sensor.{name}']!r}"
        for one, answer in zip(asked, wanted, strict=True)
        for name, want in answer.items()
        if not same(want, found[one["asked"]][f"Sensor.{name}"])
    ]


_KEPT: dict[str, list[Row]] = {}


def _expected(
    view: ViewSpec, sources: Mapping[str, Sequence[Row]], asked: Sequence[Row], knowledge: Knowledge
) -> list[Row]:
    """The oracle's answers; it is slow, and the same for every engine."""
    name = hashlib.sha256(repr((view, sources, asked, knowledge)).encode()).hexdigest()
    if name not in _KEPT:
        by_entity: dict[Any, list[Row]] = {}
        for row in sources["Reading"]:
            by_entity.setdefault((row["sensor"], row["room"]), []).append(row)
        _KEPT[name] = [
            oracle.answer(view, {**sources, "Reading": by_entity.get(entity, [])}, entity, at, knowledge)
            for entity, at in (((one["sensor"], one["room"]), one["asked_at"]) for one in asked)
        ]
    return _KEPT[name]


def wrong_in(engine: Engine, world: feature_worlds.World, knowledge: Knowledge) -> list[str]:
    """Where an engine and the oracle disagree in a random world; its zero bytes are no text everywhere."""
    view, plain = world.view, str.maketrans({"\0": "0"})

    def cleaned(value: Any) -> Any:
        return value.translate(plain) if isinstance(value, str) else value

    rows = {name: [{k: cleaned(v) for k, v in row.items()} for row in many] for name, many in world.rows.items()}
    asked = [(tuple(map(cleaned, entity)), at) for entity, at in world.questions]
    shape = [column for name in view.entities for column in view.columns if column.name == name]
    requests = table(shape, [dict(zip(view.entities, entity, strict=True)) for entity, _ in asked])
    requests = requests.append_column("n", pa.array(range(len(asked)), pa.int64()))
    requests = requests.append_column("t", pa.array([at for _, at in asked], pa.int64()))
    columns = {view.source: view.columns, **{join.source: join.columns for join in view.joins}}
    sources = {name: table(columns[name], many, "ingested_at") for name, many in rows.items()}
    lookups = [Lookup(view, view.entities)]
    made = join_features(engine, requests, lookups, sources, asked_at="t", knowledge=knowledge).sort_by("n")
    return [
        f"{entity} at {at}, {name}: {want!r} but {got[f'{view.name}.{name}']!r}"
        for (entity, at), got in zip(asked, made.to_pylist(), strict=True)
        for name, want in oracle.answer(view, rows, entity, at, knowledge).items()
        if not same(want, got[f"{view.name}.{name}"])
    ]


def one(engine: Engine, view: ViewSpec, rows: Sequence[Row], asked: Sequence[Row]) -> Row:
    """The engine's answer to one request."""
    (found,) = joined(engine, view, {"Reading": rows}, asked).values()
    return found


def joined(
    engine: Engine,
    view: ViewSpec,
    sources: Mapping[str, Sequence[Row]],
    asked: Sequence[Row],
    knowledge: Knowledge = "as_known",
) -> dict[int, Row]:
    """The engine's answers by request."""
    requests, lookups = table(REQUEST, asked), [Lookup(view, KEYS)]
    made = join_features(engine, requests, lookups, tables(sources), asked_at="asked_at", knowledge=knowledge)
    assert made.num_rows == len(asked)
    return {row["asked"]: row for row in made.to_pylist()}
