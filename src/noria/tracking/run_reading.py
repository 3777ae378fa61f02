"""Runs with all that was logged, read in a handful of queries however many runs there are."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from noria.tracking.model import Dataset, DatasetInput, ModelLink, Point, Run
from noria.tracking.writing import numbers

_AT_ONCE = 1_000
_NAN = float("nan")
_Value = TypeVar("_Value")

_FIELDS = (
    "key", "id", "experiment", "name", "actor", "state", "stage", "started", "ended", "artifact_root", "model", "kind",
    "note",
)  # fmt: skip
_RUNS = f"SELECT {', '.join(_FIELDS)}, inputs FROM runs WHERE key IN ({{}})"
_PARAMS = "SELECT run, name, value FROM run_params WHERE run IN ({}) ORDER BY run, name"
_TAGS = "SELECT run, name, value FROM run_tags WHERE run IN ({}) ORDER BY run, name"
_METRICS = (
    "SELECT l.run, n.name, l.value, l.is_nan, l.at, l.step FROM latest_metrics l"
    " JOIN metric_names n ON n.key = l.metric WHERE l.run IN ({}) ORDER BY l.run, l.metric"
)
_DATASETS = (
    "SELECT r.run, r.tags, d.name, d.digest, d.source_type, d.source, d.schema, d.profile FROM run_datasets r"
    " JOIN datasets d ON d.key = r.dataset WHERE r.run IN ({}) ORDER BY r.run, r.dataset"
)
_MODELS = "SELECT run, role, model, step FROM run_models WHERE run IN ({}) ORDER BY run, step, model"


def read_runs(connection: sa.Connection, keys: Sequence[int]) -> list[Run]:
    """Runs in the order of their keys as given; one that does not exist is left out."""
    found: dict[int, Run] = {}
    for start in range(0, len(keys), _AT_ONCE):
        found |= _some(connection, numbers(keys[start : start + _AT_ONCE]))
    return [found[key] for key in keys if key in found]


def _some(connection: sa.Connection, chosen: str) -> dict[int, Run]:
    params = _grouped(connection, _PARAMS, chosen, _pair)
    tags = _grouped(connection, _TAGS, chosen, _pair)
    metrics = _grouped(connection, _METRICS, chosen, _latest)
    datasets = _grouped(connection, _DATASETS, chosen, _dataset)
    models = _grouped(connection, _MODELS, chosen, lambda row: (row[1], ModelLink(row[2], row[3])))
    return {
        row[0]: Run(
            **dict(zip(_FIELDS, row, strict=False)),
            inputs=json.loads(row[13]) if row[13] != "{}" else {},
            params=dict(params[row[0]]),
            tags=dict(tags[row[0]]),
            metrics=dict(metrics[row[0]]),
            datasets=tuple(datasets[row[0]]),
            models_in=_links(models, row[0], "input"),
            models_out=_links(models, row[0], "output"),
        )
        for row in connection.exec_driver_sql(_RUNS.format(chosen))
    }


def _grouped(
    connection: sa.Connection, query: str, chosen: str, made: Callable[[Any], _Value]
) -> defaultdict[int, list[_Value]]:
    """What `made` makes of each row, by run."""
    found: defaultdict[int, list[_Value]] = defaultdict(list)
    rows: Iterable[Any] = connection.exec_driver_sql(query.format(chosen)).all()
    for row in rows:
        found[row[0]].append(made(row))
    return found


def _links(models: Mapping[int, Sequence[tuple[str, ModelLink]]], run: int, role: str) -> tuple[ModelLink, ...]:
    return tuple(link for said, link in models.get(run, ()) if said == role)


def _pair(row: Any) -> tuple[str, str]:
    return row[1], row[2]


def _latest(row: Any) -> tuple[str, Point]:
    return row[1], Point(row[1], _NAN if row[3] else row[2], row[4], row[5])


def _dataset(row: Any) -> DatasetInput:
    return DatasetInput(Dataset(*row[2:]), json.loads(row[1]))
