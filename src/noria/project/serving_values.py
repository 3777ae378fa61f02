"""The tables `[MODEL.cache]` and `[MODEL.serving]`: how a model's answers are remembered, and its rows gathered."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from noria.project.values import Document
from noria.serving.model import CacheRules, LaneRules

_CACHE_KEYS = ("ttl", "size", "redis")
_LANE_KEYS = ("batch", "queue", "patience", "memory_mb")
_MB = 1 << 20


def cache_rules(document: Document, model: str) -> CacheRules | None:
    """The `[MODEL.cache]` table: `ttl` in seconds, `size` in answers, and perhaps the URL of a Redis."""
    table = document.table(model, "cache")
    if not table:
        return None
    path = f"{model}.cache"
    document.known_only(path, table, _CACHE_KEYS)
    ttl = table.get("ttl")
    if type(ttl) not in (int, float) or not 0 < float(ttl or 0) < math.inf:
        document.fault(f"{path}.ttl", f"must be seconds above 0, not {ttl!r}", "such as ttl = 60")
        ttl = 1
    redis = table.get("redis", "")
    if not isinstance(redis, str) or (redis and not redis.startswith(("redis://", "rediss://", "unix://"))):
        document.fault(f"{path}.redis", "must be a URL", "such as redis://localhost:6379/0")
        redis = ""
    return CacheRules(float(ttl or 1), _whole(document, path, table, "size", 10_000), redis)


def lane_rules(document: Document, model: str) -> LaneRules:
    """The `[MODEL.serving]` table: rows of a batch and of the queue, `patience` in seconds, memory of a worker."""
    table = document.table(model, "serving")
    path = f"{model}.serving"
    document.known_only(path, table, _LANE_KEYS)
    usual = LaneRules()
    patience = table.get("patience", usual.patience)
    if type(patience) not in (int, float) or not 0 < patience < math.inf:
        document.fault(f"{path}.patience", f"must be seconds above 0, not {patience!r}")
        patience = usual.patience
    memory = _whole(document, path, table, "memory_mb", 0) * _MB or None
    return LaneRules(
        most_rows=_whole(document, path, table, "batch", usual.most_rows),
        queue=_whole(document, path, table, "queue", usual.queue),
        patience=float(patience),
        memory=memory,
    )


def _whole(document: Document, path: str, table: Mapping[str, Any], key: str, default: int) -> int:
    value = table.get(key, default)
    if key in table and (type(value) is not int or value < 1):
        document.fault(f"{path}.{key}", f"must be a whole number above zero, not {value!r}")
        return default
    return int(value)
