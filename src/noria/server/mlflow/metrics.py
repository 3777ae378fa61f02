"""Metric histories: page by page, of many runs at once, or as few points as a picture needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from noria.core.errors import NotFound
from noria.server.mlflow.answers import DONE, Answer, encode, given, number
from noria.server.mlflow.faults import SEE_THE_DOCS, invalid, invalid_value
from noria.server.mlflow.routes import Route, reads
from noria.server.mlflow.wire import Int32, Int64, Message, Names, OfRun
from noria.tracking import history
from noria.tracking.history import Columns
from noria.workspace.workspace import Workspace

MOST_POINTS = 25_000
_MOST_SAMPLED = 2_500
_MOST_RUNS = 100


class History(OfRun):
    """One metric of a run, whole or page by page."""

    metric_key: str = ""
    page_token: str = ""
    max_results: Int32 | None = None
    required: ClassVar[Names] = ("run_id", "metric_key")


class Bulk(Message):
    """One metric of several runs."""

    run_id: list[str] = msgspec.field(default_factory=list)
    metric_key: str | None = None
    max_results: Int64 = MOST_POINTS


class Interval(Message):
    """One metric of several runs, between two steps, and how many points of each."""

    run_ids: list[str] | None = None
    metric_key: str = ""
    start_step: Int32 | None = None
    end_step: Int32 | None = None
    max_results: Int32 = _MOST_SAMPLED
    required: ClassVar[Names] = ("run_ids", "metric_key")


def get_history(ws: Workspace, asked: History) -> Answer:
    """Points ordered by (timestamp, step, value). A run that is not there has none."""
    if asked.max_results is not None and asked.max_results < 1:
        raise invalid(invalid_value("max_results", asked.max_results) + " It must be a positive integer.")
    paged = asked.max_results is not None or asked.page_token
    try:
        if not paged:
            points, after = history.whole(ws, asked.run_id, asked.metric_key), None
        else:
            limit = min(asked.max_results or MOST_POINTS, MOST_POINTS)
            points, after = history.page(
                ws, asked.run_id, asked.metric_key, limit=limit, after=asked.page_token or None
            )
    except NotFound:
        return DONE
    return given(metrics=_listed(_pieces(points, asked.metric_key)), next_page_token=after)


def get_history_bulk(ws: Workspace, asked: Bulk) -> Answer:
    """The beginnings of several runs' histories, one after the other, for older pages."""
    if not asked.run_id:
        raise invalid("GetMetricHistoryBulk request must specify at least one run_id.")
    if len(asked.run_id) > _MOST_RUNS:
        raise invalid(
            f"GetMetricHistoryBulk request cannot specify more than {_MOST_RUNS} run_ids. Received"
            f" {len(asked.run_id)} run_ids."
        )
    if asked.metric_key is None:
        raise invalid("GetMetricHistoryBulk request must specify a metric_key.")
    room = min(asked.max_results, MOST_POINTS)
    pieces: list[bytes] = []
    for run in sorted(set(asked.run_id)):
        if room < 1:
            break
        try:
            points, _ = history.page(ws, run, asked.metric_key, limit=room)
        except NotFound:
            continue
        room -= points.size
        pieces.extend(_pieces(points, asked.metric_key, run))
    return {"metrics": _listed(iter(pieces)) or []}


def get_interval(ws: Workspace, asked: Interval) -> Answer:
    """A sample of each run's points between two steps, the first and the last always among them."""
    runs = asked.run_ids or []
    if len(runs) > _MOST_RUNS:
        raise invalid(
            f"GetMetricHistoryBulkInterval request must specify at most {_MOST_RUNS} run_ids. Received {len(runs)}"
            f" run_ids.{SEE_THE_DOCS}"
        )
    if not 1 <= asked.max_results <= _MOST_SAMPLED:
        raise invalid(f"max_results must be between 1 and {_MOST_SAMPLED}.{SEE_THE_DOCS}")
    _check_steps(asked.start_step, asked.end_step)
    pieces: list[bytes] = []
    for run in runs:
        try:
            found = history.sample(
                ws, [run], asked.metric_key, limit=asked.max_results, first_step=asked.start_step,
                last_step=asked.end_step,
            )  # fmt: skip
        except NotFound:
            continue
        pieces.extend(_pieces(found[run], asked.metric_key, run))
    return given(metrics=_listed(iter(pieces)))


def _check_steps(first: int | None, last: int | None) -> None:
    if (first is None) != (last is None):
        raise invalid("If either start step or end step are specified, both must be specified.")
    if first is not None and last is not None and first > last:
        raise invalid(f"end_step must be greater than start_step. Found start_step={first} and end_step={last}.")


class _Metric(msgspec.Struct, gc=False, omit_defaults=True):
    """A point as it is answered."""

    key: str
    value: float | str
    timestamp: int
    step: int
    run_id: str = ""


def _pieces(points: Columns, metric: str, run: str = "") -> Iterator[bytes]:
    """Points as JSON, some thousands at a time and without brackets: a long history never stands as objects at once."""
    for start in range(0, points.size, MOST_POINTS):
        part = points.chosen(slice(start, start + MOST_POINTS))
        columns = zip(part.value.tolist(), part.at.tolist(), part.step.tolist(), strict=True)
        yield encode([_Metric(metric, number(value), at, step, run) for value, at, step in columns])[1:-1]


def _listed(pieces: Iterator[bytes]) -> msgspec.Raw | None:
    """Pieces as one JSON list; None when there is no point."""
    body = b",".join(piece for piece in pieces if piece)
    return msgspec.Raw(b"[" + body + b"]") if body else None


ROUTES: list[Route] = [
    reads("GET", "/mlflow/metrics/get-history", History, get_history),
    reads("GET", "/mlflow/metrics/get-history-bulk", Bulk, get_history_bulk),
    reads("GET", "/mlflow/metrics/get-history-bulk-interval", Interval, get_interval),
]
