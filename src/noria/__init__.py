"""Noria: one package that carries a model through its whole production life.

This is the shop window: the names a project file uses, and those a training program logs with. Each is imported
when it is first asked for, so that `import noria` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from noria.core.errors import NoriaError as NoriaError
    from noria.core.units import days as days
    from noria.core.units import hours as hours
    from noria.core.units import minutes as minutes
    from noria.core.units import ms as ms
    from noria.core.units import requests as requests
    from noria.core.units import seconds as seconds
    from noria.project import aggregates as aggregates
    from noria.project.aggregates import count as count
    from noria.project.aggregates import latest as latest
    from noria.project.aggregates import max as max
    from noria.project.aggregates import mean as mean
    from noria.project.aggregates import min as min
    from noria.project.aggregates import share as share
    from noria.project.aggregates import sum as sum
    from noria.project.columns import column as column
    from noria.project.columns import event_time as event_time
    from noria.project.columns import key as key
    from noria.project.columns import retraction as retraction
    from noria.project.project import Project as Project
    from noria.project.quantities import champion as champion
    from noria.project.quantities import drift as drift
    from noria.project.quantities import errors as errors
    from noria.project.quantities import every as every
    from noria.project.quantities import latency as latency
    from noria.project.quantities import metric as metric
    from noria.project.quantities import missing as missing
    from noria.project.sources import Source as Source
    from noria.project.views import FeatureView as FeatureView
    from noria.rollout.model import percent as percent
    from noria.rollout.model import shadow as shadow
    from noria.serving.client.asynchronous import AsyncClient as AsyncClient
    from noria.serving.client.model import Patience as Patience
    from noria.serving.client.sync import Client as Client
    from noria.tracking.client.active import log_artifact as log_artifact
    from noria.tracking.client.active import log_metric as log_metric
    from noria.tracking.client.active import log_metrics as log_metrics
    from noria.tracking.client.active import log_params as log_params
    from noria.tracking.client.active import run as run
    from noria.tracking.client.active import set_tags as set_tags

_HOMES = {
    "noria.core.errors": ("NoriaError",),
    "noria.core.units": ("days", "hours", "minutes", "ms", "requests", "seconds"),
    "noria.project.aggregates": ("aggregates", "count", "latest", "max", "mean", "min", "share", "sum"),
    "noria.project.columns": ("column", "event_time", "key", "retraction"),
    "noria.project.project": ("Project",),
    "noria.project.quantities": ("champion", "drift", "errors", "every", "latency", "metric", "missing"),
    "noria.project.sources": ("Source",),
    "noria.project.views": ("FeatureView",),
    "noria.rollout.model": ("percent", "shadow"),
    "noria.serving.client.asynchronous": ("AsyncClient",),
    "noria.serving.client.model": ("Patience",),
    "noria.serving.client.sync": ("Client",),
    "noria.tracking.client.active": ("log_artifact", "log_metric", "log_metrics", "log_params", "run", "set_tags"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AsyncClient", "Client", "FeatureView", "NoriaError", "Patience", "Project", "Source", "aggregates", "champion",
    "column", "count", "days", "drift", "errors", "event_time", "every", "hours", "key", "latency", "latest",
    "log_artifact", "log_metric", "log_metrics", "log_params", "max", "mean", "metric", "min", "minutes", "missing",
    "ms", "percent", "requests", "retraction", "run", "seconds", "set_tags", "shadow", "share", "sum",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'noria' has no attribute {name!r}")
    home = importlib.import_module(_HOME[name])
    value = home if _HOME[name].endswith(f".{name}") else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
