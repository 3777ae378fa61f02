"""Long series are packed: their oldest points leave the table of points and become chunks.

A chunk is made from rows that are read first, so that no writer waits for it; then one transaction deletes those
rows, sees that they were as many, and inserts the chunk. So whatever happens in the middle, and whatever is appended
or sealed by others meanwhile, a point is a row or in a chunk. It may be both when it was sent again after it was
sealed; readers count it once, and the next sealing throws the row away.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from noria.stores.database import Database
from noria.tracking.series.chunks import CHUNK, encoded
from noria.tracking.series.columns import Columns, by_step, by_time, joined, key_of, without
from noria.tracking.series.extremes import STRETCHES, packed, sketched
from noria.tracking.series.points import insert_points, point_rows
from noria.tracking.series.stored import Series, heads, one_view, opened, run_key, unsealed
from noria.tracking.tables import chunks, points, runs
from noria.workspace.workspace import Workspace

FEWEST = 64
"""A chunk of fewer points would take more room than their rows."""
_TRIES = 5
"""How often a chunk is tried whose points change meanwhile; after that the next call tries again."""
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
    for _ in range(_TRIES):
        with one_view(database) as connection:
            taken = unsealed(connection, series, first=CHUNK)
            if taken.size < (FEWEST if whole else CHUNK):
                return 0
            new = without(taken, _sealed_near(connection, series, taken))
        enough = new.size >= (FEWEST if whole else CHUNK // 2)
        row = _chunk(by_time(new)) if enough else {}
        try:
            with database.transaction() as connection:
                _delete(connection, series, taken)
                if row:
                    connection.execute(sa.insert(chunks).values(**row, **_name(connection, series)))
                    return taken.size
                _put_back(database, connection, series, new)
                return taken.size - new.size
        except _Changed:
            continue
    return 0


class _Changed(Exception):
    """The rows that became a chunk are not the rows that are there."""


def _sealed_near(connection: sa.Connection, series: Series, new: Columns) -> Columns:
    """The sealed points that could be the same as new ones."""
    first_at, last_at = new.at.min(), new.at.max()
    near = [
        head.number
        for head in heads(connection, series)
        if head.first_step <= new.step[-1] and new.step[0] <= head.last_step
        and head.first_at <= last_at and first_at <= head.last_at
    ]  # fmt: skip
    return joined(list(opened(connection, series, near)))


def _chunk(new: Columns) -> dict[str, Any]:
    """A row of `chunks` but for its name."""
    return {
        "points": new.size,
        "first_step": int(new.step.min()),
        "last_step": int(new.step.max()),
        "first_at": int(new.at[0]),
        "last_at": int(new.at[-1]),
        "extremes": packed(sketched(by_step(new), STRETCHES)),
        "columns": encoded(new),
    }


def _name(connection: sa.Connection, series: Series) -> dict[str, int]:
    mine = (chunks.c.run == series.run, chunks.c.metric == series.metric)
    number = connection.execute(sa.select(sa.func.max(chunks.c.number)).where(*mine)).scalar()
    return {"run": series.run, "metric": series.metric, "number": 0 if number is None else number + 1}


def _delete(connection: sa.Connection, series: Series, taken: Columns) -> None:
    """Delete every row up to the last one taken. Raises _Changed when that is not as many as were taken."""
    key = (points.c.step, points.c.at, points.c.value, points.c.is_nan)
    at, step, value, is_nan = key_of(taken, taken.size - 1)
    last = map(sa.literal, (step, at, value, is_nan), (one.type for one in key))
    mine = (points.c.run == series.run, points.c.metric == series.metric, sa.tuple_(*key) <= sa.tuple_(*last))
    if connection.execute(sa.delete(points).where(*mine)).rowcount != taken.size:
        raise _Changed


def _put_back(database: Database, connection: sa.Connection, series: Series, new: Columns) -> None:
    """Too few for a chunk are left of what was taken: the others were sealed already and had been sent again."""
    if new.size:
        columns = (new.value.tolist(), new.at.tolist(), new.step.tolist())
        insert_points(database, connection, point_rows(series.run, [series.metric] * new.size, *columns))
