"""How a feature's definition is said in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from noria.core.units import Duration

_PHRASES = {
    "count": "how many rows", "sum": "the sum of {column}", "mean": "the mean of {column}",
    "min": "the least {column}", "max": "the greatest {column}", "share": "the share of rows with {predicate}",
    "var": "the variance of {column}", "std": "the standard deviation of {column}", "first": "the oldest {column}",
    "last": "the newest {column} that is not null", "distinct": "how many different {column}",
    "quantile": "the {quantile} quantile of {column}", "last_n": "the newest {n} of {column}",
    "latest": "the newest {column}",
}  # fmt: skip


def about(feature: Mapping[str, Any]) -> str:
    """A feature in one phrase.

    >>> about({"name": "n", "kind": "mean", "column": "delay", "window": 3_600_000_000})
    'the mean of delay over 1h'
    """
    kind = str(feature.get("kind"))
    said = _PHRASES.get(kind, f"{kind} of {{column}}")
    if kind == "count" and feature.get("column"):
        said = "how many rows with a {column}"
    words = {"column": "rows", "quantile": "", "n": "", **feature, "predicate": predicate(feature.get("predicate"))}
    where = f" where {_conditions(feature['where'])}" if feature.get("where") else ""
    return said.format(**words) + where + span(feature)


def span(feature: Mapping[str, Any]) -> str:
    """Over which time a feature looks, with a space before it."""
    if feature.get("ttl") is not None:
        return f", not older than {length(feature['ttl'])}"
    if feature.get("lifetime"):
        return " ever"
    if feature.get("window") is None:
        return ", however old" if feature.get("kind") == "latest" else ""
    offset = f", ending {length(feature['offset'])} before" if feature.get("offset") else ""
    hop = f", in steps of {length(feature['hop'])}" if feature.get("hop") else ""
    return f" over {length(feature['window'])}{offset}{hop}"


def length(micros: int) -> str:
    """A length of time in the largest unit that fits.

    >>> length(3_600_000_000), length(90_000_000)
    ('1h', '90s')
    """
    return str(Duration(micros))


def predicate(value: Any) -> str:
    """A comparison as it is written.

    >>> predicate({"column": "delay", "op": ">", "value": 15})
    'delay > 15'
    """
    if not isinstance(value, Mapping):
        return "a condition"
    shown = repr(value["value"]) if isinstance(value["value"], str) else value["value"]
    return f"{value['column']} {value['op']} {shown}"


def _conditions(where: Any) -> str:
    return " and ".join(predicate(one) for one in (where if isinstance(where, list) else [where]))
