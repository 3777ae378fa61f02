"""The second pass, for what failed: examples of bad rows, and the values that were not expected."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from noria.data.suites import quoting
from noria.data.suites.model import Outcome
from noria.data.suites.plan import Bad
from noria.data.suites.table import Opened

_LONGEST = 200


def with_examples(there: Opened, outcome: Outcome, bad: Bad, most: int) -> Outcome:
    """The outcome with up to `most` bad rows, and their unexpected values under Great Expectations' names."""
    sql = f"SELECT * FROM ({bad.relation}) WHERE {bad.where} LIMIT {most}"
    names, found = there.named(sql)
    kept = [n for n, name in enumerate(names) if name != "__noria_last"]
    rows = [{names[n].replace("__noria_row", "_row"): plain(row[n]) for n in kept} for row in found]
    result = dict(outcome.result)
    if "element_count" in result and bad.shown:
        result |= _partial([_shown(row, bad.shown) for row in rows], [row["_row"] for row in rows])
    return replace(outcome, result=result, rows=tuple(rows))


def _shown(row: dict[str, Any], columns: Sequence[str]) -> Any:
    return row[columns[0]] if len(columns) == 1 else {name: row[name] for name in columns}


def _partial(values: list[Any], places: list[int]) -> dict[str, Any]:
    counts = Counter(tuple(one.values()) if isinstance(one, dict) else one for one in values if _countable(one))
    ranked = [{"value": list(one) if isinstance(one, tuple) else one, "count": n} for one, n in counts.most_common()]
    return {
        "partial_unexpected_list": values,
        "partial_unexpected_index_list": places,
        "partial_unexpected_counts": ranked,
    }


def _countable(value: Any) -> bool:
    inside = value.values() if isinstance(value, dict) else [value]
    return not any(isinstance(one, list | dict) for one in inside)


def plain(value: Any) -> Any:
    """A cell as JSON can hold it: moments as text, what is no number as text too, long texts cut.

    >>> plain(float("inf")), plain(Decimal("1.50")), plain(dt.date(2024, 1, 2))
    ('Infinity', '1.50', '2024-01-02')
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else value[:_LONGEST] + "..."
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value[:_LONGEST].hex()
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {quoting.name(str(key)).strip('"'): plain(one) for key, one in value.items()}
    return str(value)
