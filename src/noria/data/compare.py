"""A snapshot beside the last one that was accepted: what has changed that nobody may have meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from noria.data.model import Checked, Part, Problem, Snapshot
from noria.data.sift import Sifted

_HALF = 0.5


def compare(snapshot: Snapshot, last: Checked | None, parts: Sequence[Part]) -> list[Problem]:
    """Files that vanished or changed, and rows that became far fewer.

    A snapshot taken as of an earlier moment has fewer rows by right, and is not compared.
    """
    empty = [file.name for file in snapshot.files if file.name not in {part.name for part in parts}]
    found = [Problem("empty file", "", 0, f"{name} has no usable row") for name in empty if not snapshot.explicit]
    if last is None or snapshot.explicit:
        return found
    now, before = {part.name: part for part in parts}, {part.name: part for part in last.parts}
    found += [Problem("vanished file", "", before[name].rows, f"{name} is gone") for name in before if name not in now]
    changed = [name for name in before if name in now and before[name].digest != now[name].digest]
    found += [Problem("changed file", "", now[name].rows, f"{name} has changed") for name in changed]
    rows = sum(part.rows for part in parts)
    if not any(part.as_of for part in last.parts) and rows < last.rows * _HALF:
        found.append(Problem("shrunk", "", rows, f"{last.rows} rows were accepted last, now there are {rows}"))
    return found


def merged(sifted: Sequence[Sifted]) -> dict[str, dict[str, Any]]:
    """The statistics of several files as those of one."""
    names = sifted[0].statistics if sifted else {}
    return {name: _column([(one.rows, one.statistics[name]) for one in sifted if one.rows]) for name in names}


def _column(seen: Sequence[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    lows = [one["min"] for _, one in seen if one["min"] is not None]
    highs = [one["max"] for _, one in seen if one["max"] is not None]
    means = [(rows - one["nulls"], one["mean"]) for rows, one in seen if one["mean"] is not None]
    weight = sum(rows for rows, _ in means)
    return {
        "nulls": sum(one["nulls"] for _, one in seen),
        "min": min(lows, default=None),
        "max": max(highs, default=None),
        "mean": sum(rows * mean for rows, mean in means) / weight if weight else None,
    }
