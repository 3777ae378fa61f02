"""Answers as the protocol writes them: protobuf's JSON. A field that was not set is left out, NaN is a text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from noria.core.clock import Micros

Answer = dict[str, Any]
"""The body of an answer; an empty one says that it was done."""
DONE: Answer = {}

encode = msgspec.json.Encoder().encode
"""An answer as JSON."""


def millis(moment: Micros | None) -> int | None:
    """A moment in milliseconds, which is how the protocol tells time."""
    return None if moment is None else moment // 1000


def micros(told: int) -> Micros:
    """A moment told in milliseconds."""
    return told * 1000


def number(value: float) -> float | str:
    """A number as JSON can say it.

    >>> number(float("-inf")), number(1.5)
    ('-Infinity', 1.5)
    """
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def pairs(named: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags or params."""
    return [{"key": key, "value": value} for key, value in named.items()]


def given(**fields: Any) -> Answer:
    """Fields but for those that are None, or an empty list."""
    return {name: value for name, value in fields.items() if value is not None and value != []}


def page(name: str, found: Iterable[Answer], next_token: str | None) -> Answer:
    """A page of what was found."""
    return given(**{name: list(found), "next_page_token": next_token or None})
