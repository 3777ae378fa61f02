"""The newest point of every series, kept up to date by the very statement that sees a newer one.

Newest is the greatest by (step, at, value), as MLflow's store has it; NaN counts as value 0 there. Of a 0 and a
NaN logged for the same step and moment MLflow keeps the one that came first; here NaN is the greater, so that what
stands does not depend on the order of arrival.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from noria.stores.database import Database
from noria.stores.sqlite import directly
from noria.tracking.series.points import PointRow, array_text

_INTO = "INSERT INTO latest_metrics (run, metric, experiment, value, is_nan, step, at) "
_NEWER = (
    " ON CONFLICT (run, metric) DO UPDATE SET"
    " value = excluded.value, is_nan = excluded.is_nan, step = excluded.step, at = excluded.at"
    " WHERE (excluded.step, excluded.at, excluded.value, excluded.is_nan)"
    " > (latest_metrics.step, latest_metrics.at, latest_metrics.value, latest_metrics.is_nan)"
)
_SQLITE = f"{_INTO}VALUES (?, ?, ?, ?, ?, ?, ?){_NEWER}"
_POSTGRES = (
    f"{_INTO}SELECT %s, t.metric, %s, t.value, t.is_nan, t.step, t.at"
    " FROM unnest(%s::bigint[], %s::float8[], %s::smallint[], %s::bigint[], %s::bigint[])"
    f" AS t (metric, value, is_nan, step, at){_NEWER}"
)


def raise_latest(database: Database, connection: sa.Connection, experiment: int, rows: Sequence[PointRow]) -> None:
    """Take points of one run into account, sorted as their table is. One row is written for each metric, in order."""
    newest = {row[1]: row for row in rows}  # the last of a metric is its greatest
    if database.is_sqlite:
        new = [
            (run, metric, experiment, value, is_nan, step, at)
            for run, metric, step, at, value, is_nan in newest.values()
        ]
        directly(connection).executemany(_SQLITE, new)
        return
    run, metrics, steps, ats, values, flags = zip(*newest.values(), strict=True)
    columns = map(array_text, (metrics, values, flags, steps, ats))
    connection.exec_driver_sql(_POSTGRES, (run[0], experiment, *columns))
