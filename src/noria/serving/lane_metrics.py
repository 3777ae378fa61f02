"""What Prometheus is told of lanes and caches, by model."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class LaneMetrics:
    """Counters of every lane and cache of a server."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._rows = Histogram(
            "noria_batch_rows", "Rows of a batch.", ["model"], buckets=_SIZES, registry=registry
        )  # fmt: skip
        self._waiting = Gauge("noria_lane_waiting_rows", "Rows that wait for a model.", ["model"], registry=registry)
        self._shed = Counter("noria_lane_shed", "Requests refused for want of time.", ["model"], registry=registry)
        self._looked = Counter(
            "noria_cache_rows", "Rows looked up in the cache.", ["model", "result"], registry=registry
        )

    def watch(self, model: str) -> ModelWatch:
        """The counters of one model."""
        return ModelWatch(
            self._rows.labels(model), self._waiting.labels(model), self._shed.labels(model),
            self._looked.labels(model, "hit"), self._looked.labels(model, "miss"),
        )  # fmt: skip


class ModelWatch:
    """Is told what a model's lane and cache do; from any thread."""

    def __init__(self, rows: Histogram, waiting: Gauge, shed: Counter, hits: Counter, misses: Counter) -> None:
        self._rows, self._waiting, self._shed, self._hits, self._misses = rows, waiting, shed, hits, misses

    def runs(self, rows: int, waiting: int) -> None:
        """A batch is run now; so many rows wait on."""
        self._rows.observe(rows)
        self._waiting.set(waiting)

    def shed(self) -> None:
        """A request was refused."""
        self._shed.inc()

    def looked(self, hits: int, misses: int) -> None:
        """So many rows were known, so many not."""
        if hits:
            self._hits.inc(hits)
        if misses:
            self._misses.inc(misses)
