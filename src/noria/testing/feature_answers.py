"""What the engines answer in a world, to be held against the oracle value by value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from noria.core.schema import Column
from noria.data.model import INGESTED_AT
from noria.features.model import Knowledge
from noria.features.offline.costs import Plan
from noria.features.offline.join import Join
from noria.features.online.features import OnlineFeatures
from noria.stores.online_memory import MemoryOnlineStore
from noria.testing import oracle
from noria.testing.feature_worlds import Row, World

_TYPES = {"string": pa.string(), "float": pa.float64(), "bool": pa.bool_()}


def expected(world: World, knowledge: Knowledge = "as_known") -> list[dict[str, Any]]:
    """What the oracle answers."""
    return [oracle.answer(world.view, world.rows, entity, at, knowledge) for entity, at in world.questions]


def offline(world: World, plan: Plan | None = None, knowledge: Knowledge = "as_known") -> list[dict[str, Any]]:
    """What one of the offline plans answers, or the one that the costs choose."""
    view = world.view
    connection = duckdb.connect(config={"threads": 1})
    try:
        columns = [column for column in view.columns if column.name in view.entities]
        typed = {column.name: column.dtype for column in columns}
        asked = [
            {**dict(zip(view.entities, entity, strict=True)), "noria_t": at, "noria_row": number}
            for number, (entity, at) in enumerate(world.questions)
        ]
        shape = [Column(name, typed[name], nullable=True) for name in view.entities]
        times = [Column("noria_t", "int"), Column("noria_row", "int")]
        connection.register("spine", table(asked, [*shape, *times]))
        shapes = {view.source: view.columns, **{join.source: join.columns for join in view.joins}}
        for name, rows in world.rows.items():
            connection.register(f"source_{name}", table(rows, [*shapes[name], Column(INGESTED_AT, "time")]))
        moments = [at for _, at in world.questions]
        join = Join(connection, min(moments), max(moments), knowledge=knowledge, plan=plan)
        made = join.view(view, view.entities, {name: f"SELECT * FROM source_{name}" for name in shapes})
        answers = [{feature.name: feature.default for feature in view.features} for _ in world.questions]
        for one in made:
            wanted = ", ".join(f'"{feature}"' for feature in one.features)
            for number, *values in connection.execute(f"SELECT noria_row, {wanted} FROM {one.table}").fetchall():
                named = (feature.removeprefix(f"{view.name}.") for feature in one.features)
                answers[number].update(zip(named, values, strict=True))
        return answers
    finally:
        connection.close()


def table(rows: Sequence[Row], columns: Sequence[Column]) -> pa.Table:
    """Rows as the data folder leaves them: typed columns, times in int64 microseconds."""
    schema = pa.schema([(column.name, _TYPES.get(column.dtype, pa.int64())) for column in columns])
    return pa.Table.from_pylist(list(rows), schema=schema)


def differences(wanted: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]]) -> list[str]:
    """Every value that differs: exact types exactly, doubles by more than 1e-9 of their size."""
    return [
        f"question {number}, {name}: {value!r}, but {got[name]!r}"
        for number, (answer, got) in enumerate(zip(wanted, found, strict=True))
        for name, value in answer.items()
        if not same(value, got[name])
    ]


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal: doubles within 1e-9."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-300)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def online(world: World, folder: Path) -> list[dict[str, Any]]:
    """What the online store answers when everything comes in the order in which it became known.

    Rows of joined sources that became known at the same moment as a row of the view's come before it.
    """
    features = OnlineFeatures([world.view], MemoryOnlineStore(), folder)
    try:
        waiting = sorted(
            (
                (row[INGESTED_AT], source == world.view.source, source, row)
                for source, rows in world.rows.items()
                for row in rows
            ),
            key=lambda one: one[:2],
        )
        answers: list[dict[str, Any]] = [{} for _ in world.questions]
        for number in sorted(range(len(world.questions)), key=lambda number: world.questions[number][1]):
            entity, moment = world.questions[number]
            while waiting and waiting[0][0] <= moment:
                _, _, source, row = waiting.pop(0)
                features.ingest(source, [row])
            answers[number] = dict(features.lookup(world.view, entity, moment))
        return answers
    finally:
        features.close()
