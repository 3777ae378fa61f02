"""The tables `[MODEL.cache]`, `[MODEL.serving]` and `[serving]`: how answers are remembered, rows gathered, models kept
in memory."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from noria.core.suggest import did_you_mean
from noria.project.values import Document
from noria.serving.model import CacheRules, LaneRules, LoadRules

_CACHE_KEYS = ("ttl", "size", "redis")
_LANE_KEYS = ("batch", "queue", "patience", "memory_mb")
_LOAD_KEYS = ("load", "idle")
_LOADS = ("at start", "on demand")
_MB = 1 << 20
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B")


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
    document.known_only(path, table, (*_LANE_KEYS, *_LOAD_KEYS))
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


def load_rules(document: Document, model: str) -> LoadRules:
    """Of the `[MODEL.serving]` table: `load`, and `idle`, a text such as "10m"."""
    table = document.table(model, "serving")
    path = f"{model}.serving"
    load, idle = table.get("load", _LOADS[0]), table.get("idle")
    if load not in _LOADS:
        hint = did_you_mean(load, _LOADS) if isinstance(load, str) else ""
        document.fault(f"{path}.load", f"must be one of {', '.join(map(repr, _LOADS))}, not {load!r}", hint)
        return LoadRules()
    if idle is None:
        return LoadRules(load == _LOADS[1])
    seconds = _seconds(idle)
    if seconds is None:
        document.fault(f"{path}.idle", f"must be a length of time above 0, not {idle!r}", 'such as idle = "10m"')
    elif load != _LOADS[1]:
        document.fault(f"{path}.idle", "a model that is loaded at the start stays", 'add load = "on demand"')
    else:
        return LoadRules(True, seconds)
    return LoadRules()


def most_memory(document: Document) -> int | None:
    """Of the `[serving]` table: `memory`, what all models together may take, a text such as "2GB"."""
    table = document.table("serving")
    document.known_only("serving", table, ("memory",))
    size = table.get("memory")
    if size is None:
        return None
    found = _bytes(size)
    if found is None:
        document.fault("serving.memory", f"must be a size of at least a megabyte, not {size!r}", 'such as "2GB"')
    return found


def _seconds(text: object) -> float | None:
    found = _LENGTH.fullmatch(text) if isinstance(text, str) else None
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    return seconds if 0 < seconds < math.inf else None


def _bytes(text: object) -> int | None:
    """ "2GB" is two thousand million bytes, "2GiB" is two times 2^30."""
    found = _SIZE.fullmatch(text) if isinstance(text, str) and len(text) < 40 else None
    if found is None:
        return None
    size = int(float(found[1]) * (1024 if found[3] else 1000) ** " KMGT".index(found[2] or " "))
    return size if size >= 1_000_000 else None


def _whole(document: Document, path: str, table: Mapping[str, Any], key: str, default: int) -> int:
    value = table.get(key, default)
    if key in table and (type(value) is not int or value < 1):
        document.fault(f"{path}.{key}", f"must be a whole number above zero, not {value!r}")
        return default
    return int(value)
