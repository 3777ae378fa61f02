"""Nested values as flat names, the way other trackers' parameters are shown: `optimizer.lr`, lists as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_DEEP = 64


def flat(value: Mapping[str, Any], mark: str = ".") -> dict[str, str]:
    """The leaves of a nested mapping by their path, as text."""
    return {name: as_text(leaf) for name, leaf in leaves(value, mark)}


def leaves(value: Mapping[str, Any], mark: str = ".", before: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """(path, leaf) of each value that is no filled mapping; beyond 64 levels what is left is one leaf."""
    for name, inner in value.items():
        path = f"{before}{name}"
        if isinstance(inner, Mapping) and inner and depth < _DEEP:
            yield from leaves(inner, mark, f"{path}{mark}", depth + 1)
        else:
            yield path, inner


def as_text(value: Any) -> str:
    """Text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def number(value: Any) -> float | None:
    """A value as a metric's, or None: numbers, truth values, and the words JSON has no number for."""
    if isinstance(value, bool | int | float):
        try:
            return float(value)
        except OverflowError:
            return None
    words = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
    return float(words[value]) if isinstance(value, str) and value in words else None
