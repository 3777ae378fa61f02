"""What Prometheus is told, in a registry of its own so that several servers fit in one process."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Mapping, Sequence
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from noria.serving.lane_metrics import LaneMetrics
from noria.serving.lineup import Board
from noria.serving.model import PredictionRecord
from noria.serving.seat_metrics import SeatMetrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """Counters of one server. Labels are models, versions, arms, sources and reasons: never ids of rows."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._predictions = Counter(
            "noria_predictions", "Rows answered.", ["model", "version", "arm"], registry=self.registry
        )
        self._duration = Histogram(
            "noria_prediction_duration_seconds",
            "From a request's arrival to its answer's being logged.",
            ["model"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._errors = Counter(
            "noria_prediction_errors", "Requests that could not be answered.", ["reason"], registry=self.registry
        )
        self._events = Counter("noria_events", "Source events taken in.", ["source"], registry=self.registry)
        self._feedback = Counter("noria_feedback", "Labels and outcomes taken in.", registry=self.registry)
        self._info = Gauge(
            "noria_model_info", "1 for every version that answers.", ["model", "version", "arm", "digest"],
            registry=self.registry,
        )  # fmt: skip
        self._revision = Gauge("noria_routing_revision", "Of the routing in force.", ["model"], registry=self.registry)
        self._degraded = Gauge("noria_degraded", "1 while a store is away.", registry=self.registry)
        self._freshness = Gauge(
            "noria_feature_freshness_seconds", "Age of a source's newest event.", ["source"], registry=self.registry
        )
        self._backlog = Gauge("noria_log_backlog_segments", "Sealed, not Parquet yet.", registry=self.registry)
        self.lanes = LaneMetrics(self.registry)
        self.seats = SeatMetrics(self.registry)
        self._counter = cache(self._predictions.labels)
        self._timer = cache(self._duration.labels)

    def answered(self, records: Sequence[PredictionRecord]) -> None:
        """Rows were answered."""
        counted = Counts((one.model, one.version, one.arm) for one in records)
        for (model, version, arm), rows in counted.items():
            self._counter(model, version, arm).inc(rows)
        for one in records:
            self._timer(one.model).observe(one.latency / 1e6)

    def failed(self, reason: str) -> None:
        """A prediction request was refused or broke; `reason` is a code or `challenger`."""
        self._errors.labels(reason).inc()

    def ingested(self, source: str, rows: int) -> None:
        """Source events were taken in."""
        self._events.labels(source).inc(rows)

    def learnt(self, rows: int) -> None:
        """Labels or outcomes were taken in."""
        self._feedback.inc(rows)

    def serving(self, board: Board) -> None:
        """The board was replaced."""
        self._info.clear()
        for lineup in board.lineups.values():
            self._revision.labels(lineup.routing.model).set(lineup.routing.revision)
            for arm, loaded in zip(("champion", "challenger"), lineup.versions, strict=False):
                self._info.labels(loaded.model, loaded.number, arm, loaded.package.model[:12]).set(1)
        self._degraded.set(bool(board.degraded))

    def exposition(self, freshness: Mapping[str, int], now: int, backlog: int) -> bytes:
        """Everything in the text format; `freshness` maps a source to its newest event's time."""
        for source, newest in freshness.items():
            self._freshness.labels(source).set(max(0.0, (now - newest) / 1e6))
        self._backlog.set(backlog)
        return generate_latest(self.registry)
