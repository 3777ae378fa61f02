"""The cheapest plan by counts, and an entity with a million events."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from noria.core.schema import Column
from noria.features.model import FeatureSpec, ViewSpec
from noria.features.offline.costs import Counts, choose
from noria.features.offline.join import Join
from noria.features.windows import Span, hop_of

HOUR, DAY = 3_600_000_000, 86_400_000_000
COLUMNS = (Column("who", "int"), Column("at", "time"), Column("heat", "float"))
VIEW = ViewSpec(
    "View", "Event", ("who",), "at",
    (
        FeatureSpec("rows", "count", window=7 * DAY, dtype="int"),
        FeatureSpec("total", "sum", "heat", window=DAY),
        FeatureSpec("high", "quantile", "heat", window=DAY, quantile=0.9),
        FeatureSpec("ever", "max", "heat", lifetime=True),
    ),
    COLUMNS,
)  # fmt: skip


def counts(rows: int, entities: int, asked: int) -> Counts:
    return Counts(rows, asked, entities, float(rows) * asked / entities, 30 * DAY)


@pytest.mark.parametrize("length", [HOUR, DAY, 7 * DAY])
def test_few_rows_are_met_one_by_one_and_many_are_rolled_up(length: int) -> None:
    span = Span(length, hop_of(length))
    assert choose(span, counts(1_000_000, 10_000, 100_000), simple=True).plan == "range"
    assert choose(span, counts(1_000_000, 10, 100_000), simple=True).plan == "tiles"


@pytest.mark.parametrize("entities", [1, 10, 1_000, 100_000])
def test_partials_that_grow_with_the_rows_are_never_framed(entities: int) -> None:
    for length in (HOUR, 29 * DAY):
        assert choose(Span(length, 1, HOUR), counts(10**6, entities, 10**7), simple=False).plan != "window"


def test_tiles_are_the_shorter_the_denser_the_rows() -> None:
    span = Span(DAY, HOUR)
    dense, sparse = (
        choose(span, counts(10**8, 1, 10**6), simple=True),
        choose(span, counts(10**6, 5, 10**5), simple=True),
    )
    assert (dense.plan, sparse.plan) == ("tiles", "tiles")
    assert dense.tile < sparse.tile


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    opened = duckdb.connect(config={"threads": 1})
    yield opened
    opened.close()


def test_an_entity_with_a_million_events(connection: duckdb.DuckDBPyConnection) -> None:
    """Rows every two seconds, the k-th of heat k; questions at whole hours, so that every answer is known."""
    connection.execute(
        'CREATE TABLE rows AS SELECT 1 AS who, i * 2000000 AS "at", i::DOUBLE AS heat, i * 2000000 AS ingested_at '
        "FROM range(1000000) t(i)"
    )
    connection.execute(
        f"CREATE TABLE spine AS SELECT i AS noria_row, i * {HOUR} AS noria_t, 1 AS who FROM range(170, 550) t(i)"
    )
    join = Join(connection, 170 * HOUR, 550 * HOUR)
    made = join.view(VIEW, ("who",), {"Event": "SELECT * FROM rows"})
    assert set(join.chosen.values()) == {"tiles"}
    found: dict[int, dict[str, float]] = {}
    for one in made:
        names = ", ".join(f'"{name}"' for name in one.features)
        for row, *values in connection.execute(f"SELECT noria_row, {names} FROM {one.table}").fetchall():
            found.setdefault(row, {}).update(zip(one.features, values, strict=True))
    for hour in (170, 300, 549):
        end = hour * 1800
        assert found[hour]["View.rows"] == 7 * 24 * 1800
        assert found[hour]["View.total"] == sum(range(end - 24 * 1800, end))
        assert found[hour]["View.ever"] == end - 1
        assert found[hour]["View.high"] == pytest.approx(end - 24 * 1800 * 0.1, rel=1 / 128)
