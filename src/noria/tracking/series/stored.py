"""What is stored of a series: points that are still rows, heads of chunks, chunks opened."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from noria.core.errors import Corrupt, NotFound
from noria.stores.database import Database
from noria.tracking.series.chunks import decoded
from noria.tracking.series.columns import Columns, PointKey, by_time, from_rows, joined
from noria.tracking.series.extremes import Sketch, check, unpacked
from noria.tracking.series.names import can_be_stored
from noria.tracking.tables import chunks, points, runs

_LONGEST_ID = 256


@dataclass(frozen=True)
class Series:
    """One metric of one run, by their keys."""

    run: int
    metric: int


class Head(NamedTuple):
    """What is known of a chunk without opening it; moments and steps are the least and the greatest in it."""

    number: int
    points: int
    first_step: int
    last_step: int
    first_at: int
    last_at: int


@contextmanager
def one_view(database: Database) -> Iterator[sa.Connection]:
    """A read transaction of several statements that all see the same: points are sealed between two of them."""
    with database.reading() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection


def run_key(connection: sa.Connection, run_id: str) -> int:
    """The row's number of a run, deleted or not. Raises NotFound."""
    if can_be_stored(run_id, _LONGEST_ID):
        key = connection.execute(sa.select(runs.c.key).where(runs.c.id == run_id)).scalar_one_or_none()
        if key is not None:
            return int(key)
    raise NotFound("run", str(run_id)[:_LONGEST_ID])


def unsealed(
    connection: sa.Connection, series: Series, *, steps: tuple[int, int] | None = None, first: int | None = None
) -> Columns:
    """The points that are rows, of some steps or of all, ordered by (step, at, value); all or so many first."""
    query = _rows(series).order_by(points.c.step, points.c.at, points.c.value, points.c.is_nan).limit(first)
    if steps:
        query = query.where(points.c.step.between(*steps))
    return from_rows(_fetched(connection.execute(query)))


def unsealed_after(connection: sa.Connection, series: Series, after: PointKey | None, limit: int) -> Columns:
    """The first points that are rows, in the order of time, after one of them or from the start."""
    key = (points.c.at, points.c.step, points.c.value, points.c.is_nan)
    query = _rows(series).order_by(*key).limit(limit)
    if after is not None:
        query = query.where(sa.tuple_(*key) > sa.tuple_(*map(sa.literal, after, (one.type for one in key))))
    return from_rows(_fetched(connection.execute(query)))


def heads(connection: sa.Connection, series: Series) -> list[Head]:
    """The chunks of a series, in the order of their numbers."""
    columns = (chunks.c[name] for name in Head._fields)
    query = sa.select(*columns).where(_of(series)).order_by(chunks.c.number)
    return [Head(*row) for row in _fetched(connection.execute(query))]


def opened(connection: sa.Connection, series: Series, numbers: Sequence[int]) -> Iterator[Columns]:
    """Some chunks, one after the other, each ordered by (at, step, value). Raises Corrupt."""
    for number in numbers:
        query = sa.select(chunks.c.columns).where(_of(series), chunks.c.number == number)
        blob = connection.execute(query).scalar_one()
        try:
            points_of_it = decoded(blob)
        except Corrupt as error:
            raise _named(error, series, number) from error
        yield points_of_it


def sketches(connection: sa.Connection, series: Series, numbers: Collection[int]) -> list[Sketch]:
    """The sketches of some chunks, some put together. Raises Corrupt."""
    rows = connection.execute(sa.select(chunks.c.number, chunks.c.extremes).where(_of(series)))
    blobs = {number: bytes(blob) for number, blob in _fetched(rows) if number in numbers}
    for number, blob in blobs.items():
        try:
            check(blob)
        except Corrupt as error:
            raise _named(error, series, number) from error
    return unpacked(blobs.values())


def every_point(connection: sa.Connection, series: Series) -> Columns:
    """The whole series, ordered by (at, step, value). Raises Corrupt."""
    parts = list(opened(connection, series, [head.number for head in heads(connection, series)]))
    return by_time(joined([*parts, unsealed(connection, series)])) if parts else by_time(unsealed(connection, series))


def _fetched(result: sa.CursorResult[Any]) -> Sequence[Sequence[Any]]:
    """All rows as the driver gives them: twice as fast as SQLAlchemy's, which matters by the ten thousand."""
    cursor = result.cursor
    return cursor.fetchall() if cursor is not None else []


def _rows(series: Series) -> sa.Select[Any]:
    query = sa.select(points.c.step, points.c.at, points.c.value, points.c.is_nan)
    return query.where(points.c.run == series.run, points.c.metric == series.metric)


def _of(series: Series) -> sa.ColumnElement[bool]:
    return sa.and_(chunks.c.run == series.run, chunks.c.metric == series.metric)


def _named(error: Corrupt, series: Series, number: int) -> Corrupt:
    where = f"run {series.run}, metric {series.metric}, chunk {number}"
    return Corrupt(f"{error.message} ({where})", hint=error.hint)
