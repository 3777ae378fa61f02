"""Long series are packed: their oldest points leave the table of points and become chunks.

A chunk is made in one transaction, of the very rows that it takes away. So whatever happens in the middle, and
whatever is appended meanwhile, a point is a row or in a chunk. It may be both when it was sent again after it was
sealed; readers count it once, and the next sealing throws the row away.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from noria.stores.database import Database
from noria.tracking.series.chunks import CHUNK, encoded
from noria.tracking.series.columns import Columns, by_step, by_time, from_rows, joined, without
from noria.tracking.series.extremes import STRETCHES, packed, sketched
from noria.tracking.series.points import insert_points, point_rows
from noria.tracking.series.stored import Series, heads, opened, run_key
from noria.tracking.tables import chunks, points, runs
from noria.workspace.workspace import Workspace

FEWEST = 64
"""A chunk of fewer points would take more room than their rows."""
_ENDED = ("finished", "failed", "killed")


def seal(ws: Workspace, run_id: str | None = None, *, force: bool = False) -> int:
    """Pack what is due, of one run or of all; gives how many points were packed.

    Of a run that goes on, every `CHUNK` points of a series, oldest steps first; the rest stays rows. Of a run that
    has ended, or by `force`, the rest as well when it has `FEWEST` points. Any number of processes may do so at
    once, while others append. Raises NotFound.
    """
    sealed = 0
    for series, whole in _due(ws.database, run_id, force):
        while packed_now := _seal_some(ws.database, series, whole):
            sealed += packed_now
    return sealed


def _due(database: Database, run_id: str | None, force: bool) -> list[tuple[Series, bool]]:
    grouped = sa.select(points.c.run, points.c.metric, sa.func.count().label("count"))
    with database.reading() as connection:
        if run_id is not None:
            grouped = grouped.where(points.c.run == run_key(connection, run_id))
        counted = grouped.group_by(points.c.run, points.c.metric).having(sa.func.count() >= FEWEST).subquery()
        query = sa.select(counted, runs.c.state).join(runs, runs.c.key == counted.c.run)
        found = connection.execute(query.order_by(counted.c.run, counted.c.metric)).all()
    due = [(Series(run, metric), count, force or state in _ENDED) for run, metric, count, state in found]
    return [(series, whole) for series, count, whole in due if whole or count >= CHUNK]


def _seal_some(database: Database, series: Series, whole: bool) -> int:
    """Make one chunk, if there is enough for one; gives how many points left the table of points."""
    with database.transaction() as connection:
        if not database.is_sqlite:  # where two writers are never at once anyway
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_lock(series))))
        taken = _taken(connection, series, whole)
        if not taken.size:
            return 0
        new = without(taken, _sealed_near(connection, series, taken))
        if new.size >= CHUNK // 2 or (whole and new.size >= FEWEST):
            _insert_chunk(connection, series, new)
            return taken.size
        rows = point_rows(
            series.run, [series.metric] * new.size, new.value.tolist(), new.at.tolist(), new.step.tolist()
        )
        if rows:
            insert_points(database, connection, rows)
        return taken.size - new.size


def _taken(connection: sa.Connection, series: Series, whole: bool) -> Columns:
    """Take the rows of a chunk away: the `CHUNK` first by (step, at, value), or what there is of a whole series."""
    mine = (points.c.run == series.run, points.c.metric == series.metric)
    key = (points.c.step, points.c.at, points.c.value, points.c.is_nan)
    last = connection.execute(sa.select(*key).where(*mine).order_by(*key).limit(1).offset(CHUNK - 1)).one_or_none()
    delete = sa.delete(points).where(*mine).returning(*key)
    if last is not None:
        delete = delete.where(sa.tuple_(*key) <= sa.tuple_(*map(sa.literal, last, (one.type for one in key))))
    elif not whole or connection.execute(sa.select(sa.func.count()).where(*mine)).scalar_one() < FEWEST:
        return from_rows([])
    return by_time(from_rows(connection.execute(delete).fetchall()))


def _sealed_near(connection: sa.Connection, series: Series, new: Columns) -> Columns:
    """The sealed points that could be the same as new ones."""
    first_step, last_step, first_at, last_at = new.step.min(), new.step.max(), new.at[0], new.at[-1]
    near = [
        head.number
        for head in heads(connection, series)
        if head.first_step <= last_step and first_step <= head.last_step
        and head.first_at <= last_at and first_at <= head.last_at
    ]  # fmt: skip
    return joined(list(opened(connection, series, near)))


def _insert_chunk(connection: sa.Connection, series: Series, new: Columns) -> None:
    mine = (chunks.c.run == series.run, chunks.c.metric == series.metric)
    number = connection.execute(sa.select(sa.func.max(chunks.c.number)).where(*mine)).scalar()
    connection.execute(
        sa.insert(chunks).values(
            run=series.run,
            metric=series.metric,
            number=0 if number is None else number + 1,
            points=new.size,
            first_step=int(new.step.min()),
            last_step=int(new.step.max()),
            first_at=int(new.at[0]),
            last_at=int(new.at[-1]),
            extremes=packed(sketched(by_step(new), STRETCHES)),
            columns=encoded(new),
        )
    )


def _lock(series: Series) -> int:
    digest = hashlib.blake2b(f"seal {series.run} {series.metric}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)
