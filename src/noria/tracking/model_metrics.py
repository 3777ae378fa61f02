"""What runs measured of logged models, perhaps on a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from noria.core.errors import NotFound
from noria.tracking.located import Located
from noria.tracking.model import Point
from noria.tracking.names import check_keys
from noria.tracking.series.points import point_rows
from noria.tracking.tables import datasets, logged_model_metrics, logged_models
from noria.tracking.writing import insert_missing


class LoggedModelMissing(NotFound):
    """There is no logged model of that id, or it is deleted."""

    code = "N2216"

    def __init__(self, id: str) -> None:
        super().__init__("logged model", id)
        self.id = id


@dataclass(frozen=True)
class ModelPoints:
    """Points of one logged model, measured on a dataset or without one."""

    model: str
    points: Sequence[Point]
    dataset_name: str | None = None
    dataset_digest: str | None = None


def record_model_metrics(connection: sa.Connection, run: Located, measured: ModelPoints) -> None:
    """Write points of a model inside the caller's transaction; those it has already change nothing.

    Raises LoggedModelMissing, BadName, BadPoint.
    """
    points = measured.points
    check_keys("metric", [one.metric for one in points])
    model = model_key(connection, measured.model)
    named = {"dataset_name": measured.dataset_name, "dataset_digest": measured.dataset_digest}
    fixed = {"model": model, "run": run.key, "dataset": _dataset(connection, run, measured), **named}
    order = range(len(points))  # stands for the metrics' keys, which this table does without
    rows = point_rows(run.key, order, [p.value for p in points], [p.at for p in points], [p.step for p in points])
    by_name = sorted((points[place].metric, at, step, value, is_nan) for _, place, step, at, value, is_nan in rows)
    columns = ("name", "at", "step", "value", "is_nan")
    written = [fixed | dict(zip(columns, row, strict=True)) for row in by_name]
    insert_missing(connection, logged_model_metrics, written)


def model_key(connection: sa.Connection, id: str, *, deleted: bool = True) -> int:
    """The row of a logged model. Raises LoggedModelMissing, for a deleted one too unless `deleted` is enough."""
    query = sa.select(logged_models.c.key).where(logged_models.c.id == id)
    if not deleted:
        query = query.where(logged_models.c.stage == "active")
    key = connection.execute(query).scalar_one_or_none() if id.isascii() and "\0" not in id else None
    if key is None:
        raise LoggedModelMissing(id)
    return int(key)


def _dataset(connection: sa.Connection, run: Located, measured: ModelPoints) -> int | None:
    if not measured.dataset_name or not measured.dataset_digest:
        return None
    identity = (run.experiment, measured.dataset_name, measured.dataset_digest)
    columns = (datasets.c.experiment, datasets.c.name, datasets.c.digest)
    query = sa.select(datasets.c.key).where(*(column == value for column, value in zip(columns, identity, strict=True)))
    return connection.execute(query).scalar_one_or_none()
