"""What the columns of a source hold, as counts and sums that add up over files.

`partial` describes one table; `combine` joins any number of such descriptions into the figures that a
snapshot carries. The most frequent values are counted within each file's twenty most frequent ones, so over
many files with very many values they are a close estimate, not a count.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from noria.core.schema import Column, Schema

_TOP = 20

Partial = dict[str, dict[str, Any]]


def partial(table: Any, schema: Schema) -> Partial:
    """Counts and sums of the typed rows of one file, by column."""
    return {column.name: _of_column(table[column.name], column) for column in schema} if table.num_rows else {}


def _of_column(values: Any, column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {"rows": len(values), "nulls": values.null_count}
    if column.dtype == "string":
        return {**found, "top": _most_frequent(values)}
    if column.dtype == "bool":
        return {**found, "sum": pc.sum(values).as_py() or 0}
    extremes = pc.min_max(values).as_py()
    found |= {"min": extremes["min"], "max": extremes["max"]}
    if column.dtype in ("int", "float"):
        found["sum"] = _finite(pc.sum(pc.cast(values, pa.float64(), safe=False)).as_py() or 0.0)
    return found


def _most_frequent(values: Any) -> dict[str, int]:
    counted = pc.value_counts(values.drop_null())
    counts = counted.field("counts").to_numpy()
    order = np.argsort(-counts, kind="stable")[:_TOP]
    names = counted.field("values").take(pa.array(order)).to_pylist()
    return dict(zip(names, counts[order].tolist(), strict=True))


def combine(partials: Sequence[Partial], schema: Schema) -> dict[str, dict[str, Any]]:
    """Share of nulls, least, greatest, and mean or most frequent values, by column; empty when there are no rows."""
    present = [one for one in partials if one]
    return {column.name: _combined([one[column.name] for one in present], column) for column in schema if present}


def _combined(found: Sequence[dict[str, Any]], column: Column) -> dict[str, Any]:
    rows, nulls = sum(one["rows"] for one in found), sum(one["nulls"] for one in found)
    whole: dict[str, Any] = {"nulls": nulls / rows}
    if column.dtype == "string":
        top: Counter[str] = Counter()
        for one in found:
            top.update(one["top"])
        ranked = sorted(top.items(), key=lambda item: (-item[1], item[0]))[:10]
        return {**whole, "top": {name: count / rows for name, count in ranked}}
    if column.dtype != "bool":
        for name, choose in (("min", min), ("max", max)):
            whole[name] = choose((one[name] for one in found if one[name] is not None), default=None)
    sums = [one.get("sum") for one in found]
    if column.dtype != "time" and rows > nulls and None not in sums:
        whole["mean"] = _finite(math.fsum(filter(None, sums)) / (rows - nulls))
    return whole


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
