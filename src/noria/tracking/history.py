"""Metric histories: points come in, pages, pictures and whole columns go out.

A series, the points of one metric of one run, is a set of (step, at, value): a point sent twice is one point, also
when it was sealed in between. New points are rows (series/points.py); a long series is packed into chunks of some
thousands (series/sealing.py, series/chunks.py). Whoever reads sees one set, and not where a point lies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import sqlalchemy as sa

from noria.core.errors import BadInput
from noria.tracking.model import Point
from noria.tracking.series.columns import Columns, key_of, no_points
from noria.tracking.series.cursors import decode_cursor, encode_cursor
from noria.tracking.series.latest import raise_latest
from noria.tracking.series.names import metric_key, metric_keys
from noria.tracking.series.paging import first_points
from noria.tracking.series.pictures import ALL_STEPS, Steps, picture
from noria.tracking.series.pictures import sample as sample_series
from noria.tracking.series.points import insert_points, point_rows
from noria.tracking.series.sealing import seal
from noria.tracking.series.stored import Series, every_point, one_view, run_key
from noria.tracking.tables import latest_metrics, metric_names
from noria.workspace.workspace import Workspace

__all__ = ["Columns", "Place", "append", "append_raw", "names", "overview", "page", "sample", "seal", "whole"]

_MOST = 2**40
"""More points than any series has; a larger limit would not fit into a query."""


class Place(Protocol):
    """A run as points refer to it: its row's number and its experiment's."""

    @property
    def key(self) -> int:
        """`runs.key`."""
        ...

    @property
    def experiment(self) -> int:
        """`runs.experiment`."""
        ...


def append(ws: Workspace, connection: sa.Connection, run: Place, points: Sequence[Point]) -> None:
    """Add points to a run inside the caller's transaction; those it has already change nothing.

    Raises BadPoint, BadMetricName; then nothing was added.
    """
    names, values = [one.metric for one in points], [one.value for one in points]
    append_raw(ws, connection, run.key, run.experiment, names, values, [p.at for p in points], [p.step for p in points])


def append_raw(
    ws: Workspace,
    connection: sa.Connection,
    run_key: int,
    experiment: int,
    names: Sequence[str],
    values: Sequence[float],
    ats: Sequence[int],
    steps: Sequence[int],
) -> None:
    """`append` from parallel lists: each point's metric, value, moment in milliseconds, and step.

    A transaction that appends to several runs takes them in the order of their keys, or two of them may block each
    other on PostgreSQL. Raises BadPoint, BadMetricName; then nothing was added.
    """
    if not names and not values:
        return
    rows = point_rows(run_key, metric_keys(ws.database, connection, names), values, ats, steps)
    insert_points(ws.database, connection, rows)
    raise_latest(ws.database, connection, experiment, rows)


def names(ws: Workspace, run_id: str) -> list[str]:
    """The metrics that a run has points of, in alphabetical order. Raises NotFound."""
    query = sa.select(metric_names.c.name).join(latest_metrics, latest_metrics.c.metric == metric_names.c.key)
    with ws.database.reading() as connection:
        found = connection.execute(query.where(latest_metrics.c.run == run_key(connection, run_id))).scalars()
        return sorted(found)


def page(
    ws: Workspace, run_id: str, metric: str, *, limit: int, after: str | None = None
) -> tuple[Columns, str | None]:
    """At most `limit` points ordered by (at, step, value), and the cursor of the next page if there is more.

    A metric that the run does not have gives no points. A cursor stays good while points are appended and sealed;
    points that come in before it are not seen any more. Raises NotFound for the run, BadToken for a cursor of
    another run or metric, BadInput for a limit below 1, Corrupt.
    """
    if limit < 1:
        raise BadInput(f"a page of {limit} points cannot be given", hint="ask for at least one")
    limit = min(limit, _MOST)
    start = None if after is None else decode_cursor(run_id, metric, after)
    with one_view(ws.database) as connection:
        if (series := _series(connection, run_id, metric)) is None:
            return no_points(), None
        found = first_points(connection, series, start, limit + 1)
    if found.size <= limit:
        return found, None
    return found.chosen(slice(limit)), encode_cursor(run_id, metric, key_of(found, limit - 1))


def whole(ws: Workspace, run_id: str, metric: str) -> Columns:
    """Every point, ordered by (at, step, value). Raises NotFound for the run, Corrupt."""
    with one_view(ws.database) as connection:
        series = _series(connection, run_id, metric)
        return no_points() if series is None else every_point(connection, series)


def overview(
    ws: Workspace,
    run_ids: Sequence[str],
    metric: str,
    *,
    buckets: int,
    first_step: int | None = None,
    last_step: int | None = None,
) -> dict[str, Columns]:
    """The points to draw of each run, ordered by (step, at, value); steps from `first_step` to `last_step`.

    Every point when there are at most 2 * `buckets` + 2 of them. Else the series is cut into at most so many
    buckets, and the lowest and highest point of each are there, as are the first and the last of all. A long series
    is drawn from what was noted when it was sealed: buckets then begin at multiples of some 256 points.
    Raises NotFound for a run, BadInput, Corrupt.
    """
    if buckets < 1:
        raise BadInput(f"a picture of {buckets} buckets cannot be drawn", hint="ask for at least one")
    return _each(ws, run_ids, metric, (first_step, last_step), buckets, picture)


def sample(
    ws: Workspace,
    run_ids: Sequence[str],
    metric: str,
    *,
    limit: int,
    first_step: int | None = None,
    last_step: int | None = None,
) -> dict[str, Columns]:
    """At most `limit` points of each run, ordered by (step, at, value), for MLflow's get-history-bulk-interval.

    The very points that MLflow 3.17 answers with, when a run has up to four chunks (some 40,000 points) in those
    steps, or `limit` is too large for sketches to fill. MLflow takes points at equal distances and so loses spikes:
    from longer series, where looking at every point would also be slow, this gives `overview`'s lowest and highest
    points instead, and never more than `limit`. Raises NotFound for a run, BadInput, Corrupt.
    """
    if limit < 1:
        raise BadInput(f"a sample of {limit} points cannot be taken", hint="ask for at least one")
    return _each(ws, run_ids, metric, (first_step, last_step), limit, sample_series)


def _each(
    ws: Workspace,
    run_ids: Sequence[str],
    metric: str,
    asked: tuple[int | None, int | None],
    size: int,
    take: Callable[[sa.Connection, Series, Steps, int], Columns],
) -> dict[str, Columns]:
    first, last = (bound if one is None else one for one, bound in zip(asked, ALL_STEPS, strict=True))
    least, most = ALL_STEPS
    steps = (min(max(first, least), most), min(max(last, least), most))
    found = {}
    with one_view(ws.database) as connection:
        for run_id in run_ids:
            series = _series(connection, run_id, metric)
            found[run_id] = no_points() if series is None else take(connection, series, steps, size)
    return found


def _series(connection: sa.Connection, run_id: str, metric: str) -> Series | None:
    run, key = run_key(connection, run_id), metric_key(connection, metric)
    return None if key is None else Series(run, key)
