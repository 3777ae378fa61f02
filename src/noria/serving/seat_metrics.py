"""What Prometheus is told of versions that come into memory and leave it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class SeatMetrics:
    """Counters of the versions that are loaded on demand, by model."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._present = Gauge("noria_models_in_memory", "Versions on demand that are in memory.", registry=registry)
        self._bytes = Gauge("noria_models_memory_bytes", "Memory of versions, as measured.", registry=registry)
        self._budget = Gauge("noria_models_memory_budget_bytes", "Declared; 0 when it is not.", registry=registry)
        self._loads = Counter("noria_model_loads", "Versions loaded on demand.", ["model", "result"], registry=registry)
        self._unloads = Counter("noria_model_unloads", "Versions unloaded.", ["model", "reason"], registry=registry)
        self._seconds = Histogram("noria_model_load_seconds", "Of a load.", buckets=_SECONDS, registry=registry)

    def budget(self, size: int | None) -> None:
        """How much memory versions may take."""
        self._budget.set(size or 0)

    def holds(self, versions: int, size: int) -> None:
        """So many are in memory, and together with those loaded at the start they take so many bytes."""
        self._present.set(versions)
        self._bytes.set(size)

    def loaded(self, model: str, seconds: float) -> None:
        """A version was loaded."""
        self._loads.labels(model, "loaded").inc()
        self._seconds.observe(seconds)

    def failed(self, model: str) -> None:
        """A version could not be loaded."""
        self._loads.labels(model, "failed").inc()

    def unloaded(self, model: str, reason: str) -> None:
        """A version left: `idle`, `room`, `asked` or `replaced`."""
        self._unloads.labels(model, reason).inc()
