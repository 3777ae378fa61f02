"""How often each version answered, as Triton's statistics extension tells it; from what Prometheus is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from noria.serving.lineup import Lineup

_NOTHING = {"count": 0, "ns": 0}


def statistics(lineups: Sequence[Lineup], exposition: str) -> list[dict[str, Any]]:
    """Counts of every version in memory. Durations are of whole requests; parts of them are not measured and are 0."""
    rows: dict[tuple[str, str], int] = {}
    seconds: dict[str, float] = {}
    answered: dict[str, float] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            model = sample.labels.get("model", "")
            if sample.name == "noria_predictions_total":
                key = (model, sample.labels.get("version", ""))
                rows[key] = rows.get(key, 0) + int(sample.value)
            elif sample.name == "noria_prediction_duration_seconds_sum":
                seconds[model] = seconds.get(model, 0.0) + sample.value
            elif sample.name == "noria_prediction_duration_seconds_count":
                answered[model] = answered.get(model, 0.0) + sample.value
    found = []
    for lineup in lineups:
        model = lineup.routing.model
        mean = seconds.get(model, 0.0) / max(answered.get(model, 0.0), 1.0)
        for loaded in lineup.versions:
            count = rows.get((model, str(loaded.number)), 0)
            found.append(_one(model, loaded.number, count, mean))
    return found


def _one(model: str, version: int, count: int, mean: float) -> dict[str, Any]:
    success = {"count": count, "ns": int(count * mean * 1e9)}
    parts = dict.fromkeys(("fail", "queue", "compute_input", "compute_infer", "compute_output"), _NOTHING)
    return {
        "name": model,
        "version": str(version),
        "inference_count": count,
        "execution_count": count,
        "inference_stats": {"success": success, **parts, "cache_hit": _NOTHING, "cache_miss": _NOTHING},
        "batch_stats": [],
    }
