"""Bounds: whether a number that was measured lies between two others, either of which may be left open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from noria.data.suites.asking import Asking
from noria.data.suites.comparing import as_moment, literal
from noria.data.suites.fields import Field
from noria.data.suites.plan import Judgement, Refused

ARGUMENTS = ("min_value", "max_value", "strict_min", "strict_max")
"""The arguments that say the bounds."""


def sql_between(asked: Asking, field: Field) -> str:
    """The bounds on a cell as an SQL condition, null where the cell is. Raises Refused."""
    low, high = asked.kwargs.get("min_value"), asked.kwargs.get("max_value")
    if low is None and high is None:
        raise Refused("neither min_value nor max_value is given")
    sides = []
    for value, what, plain, strict in (
        (low, "min_value", ">=", "strict_min" if asked.kwargs.get("strict_min") else ""),
        (high, "max_value", "<=", "strict_max" if asked.kwargs.get("strict_max") else ""),
    ):
        if value is not None:
            sides.append(f"{field.sql} {plain[0] if strict else plain} {literal(field, value, what)}")
    _ordered(low, high)
    return " AND ".join(sides)


def between(asked: Asking, observed: Any, what: str) -> Judgement:
    """The judgement of a number or moment that was measured; one that is missing never lies within."""
    if observed is None or observed != observed:
        return Judgement(False, {"observed_value": None}, reason=f"there is no {what}: no values")
    low, high = (_bound(asked, key, observed) for key in ("min_value", "max_value"))
    observed = _comparable(observed, low, high)
    above = low is None or (observed > low if asked.kwargs.get("strict_min") else observed >= low)
    below = high is None or (observed < high if asked.kwargs.get("strict_max") else observed <= high)
    reason = "" if above and below else f"{what} is {shown(observed)}, not {_interval(asked.kwargs)}"
    return Judgement(bool(above and below), {"observed_value": observed}, reason=reason)


def shown(value: Any) -> str:
    """A measured value as people read it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _interval(kwargs: Mapping[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if None not in (low, high) and not kwargs.get("strict_min") and not kwargs.get("strict_max"):
        return f"between {low} and {high}"
    parts = [] if low is None else [f"{'above' if kwargs.get('strict_min') else 'at least'} {low}"]
    parts += [] if high is None else [f"{'below' if kwargs.get('strict_max') else 'at most'} {high}"]
    return " and ".join(parts)


def _bound(asked: Asking, key: str, observed: Any) -> Any:
    given = asked.kwargs.get(key)
    if given is None:
        return None
    if isinstance(observed, dt.date):
        moment = as_moment(given)
        if moment is None:
            raise Refused(f"{key} {given!r:.60} is no moment")
        return moment
    if isinstance(observed, str):
        if not isinstance(given, str):
            raise Refused(f"{key} {given!r:.60} cannot be compared with a text")
        return given
    return asked.number(key)


def _comparable(observed: Any, *bounds: Any) -> Any:
    """A date beside moments becomes one; a moment loses or gains its zone as the bounds have one."""
    moments = [one for one in bounds if isinstance(one, dt.datetime)]
    if not moments or not isinstance(observed, dt.date):
        return observed
    if not isinstance(observed, dt.datetime):
        observed = dt.datetime.combine(observed, dt.time())
    zoned = moments[0].tzinfo is not None
    if zoned and observed.tzinfo is None:
        return observed.replace(tzinfo=dt.UTC)
    return observed.astimezone(dt.UTC).replace(tzinfo=None) if not zoned and observed.tzinfo else observed


def _ordered(low: Any, high: Any) -> None:
    numbers = isinstance(low, int | float) and isinstance(high, int | float)
    texts = isinstance(low, str) and isinstance(high, str)
    if (numbers or texts) and low > high:
        raise Refused(f"min_value {low!r:.40} lies above max_value {high!r:.40}")
