"""Views as a project declares them, in the spellings and meanings that the registry is to tell apart."""

from datetime import datetime
from typing import Any

import noria
from noria.core.units import Duration, hours
from noria.features.model import ViewSpec
from noria.project.sources import Source
from noria.project.views import FeatureView, count, latest, max, mean, share

ONE_HOUR = hours(1)


def departure(*, unit: str = "minutes", more: bool = False) -> type[Source]:
    """The source that the views read; `more` gives it a column that none of them reads."""
    body: dict[str, Any] = {
        "__annotations__": {"origin": str, "left_at": datetime, "delay": float | None}
        | ({"gate": str} if more else {}),
        "left_at": noria.event_time(),
        "delay": noria.column(unit=unit, at_least=-120),
    }
    return type("Departure", (Source,), body)


def airport(source: type[Any] | None = None, *, window: Duration = ONE_HOUR, **features: Any) -> ViewSpec:
    """The view `Airport`; `features` replace those it has otherwise."""
    of = source or departure()
    body = features or {
        "flights": count(over=window),
        "mean_delay": mean(of.delay, over=window),
        "share_late": share(of.delay > 15, over=hours(24)),
        "last_delay": latest(of.delay, ttl=hours(6)),
    }
    return view("Airport", of, "origin", body)


def view(name: str, source: type[Any], entity: str, features: dict[str, Any]) -> ViewSpec:
    """A view as its class statement would make it."""
    import types

    made = types.new_class(name, (FeatureView[source],), {"entity": entity}, lambda space: space.update(features))
    return made.noria_view.spec()


def others(source: type[Any]) -> dict[str, Any]:
    """The same features in another order, one renamed, one changed, one new."""
    return {
        "share_late": share(source.delay > 20.0, over=hours(24)),
        "departures": count(over=hours(1)),
        "last_delay": latest(source.delay, ttl=hours(12)),
        "worst": max(source.delay, over=hours(3)),
        "mean_delay": mean(source.delay, over=hours(1)),
    }
