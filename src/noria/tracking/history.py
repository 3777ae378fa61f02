"""Metric histories: points come in, pages, pictures and whole columns go out.

A series, the points of one metric of one run, is a set of (step, at, value): a point sent twice is one point, also
when it was sealed in between. New points are rows (series/points.py); a long series is packed into chunks of some
thousands (series/sealing.py, series/chunks.py). Whoever reads sees one set, and not where a point lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import sqlalchemy as sa

from noria.tracking.model import Point
from noria.tracking.series.latest import raise_latest
from noria.tracking.series.names import metric_keys
from noria.tracking.series.points import insert_points, point_rows
from noria.workspace.workspace import Workspace


class Place(Protocol):
    """A run as points refer to it: its row's number and its experiment's."""

    @property
    def key(self) -> int: ...
    @property
    def experiment(self) -> int: ...


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
