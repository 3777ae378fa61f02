"""Golden rows as JSON that every language reads alike: input values and what the model answered to them."""

from __future__ import annotations

import json
import math
from typing import Any

import pyarrow as pa

_EXACT = 2**53
"""Whole numbers beyond have no exact double, which is what JavaScript reads."""


def golden_json(golden: pa.Table) -> bytes:
    """Columns, rows and `expected`, of a table whose last column has the answers.

    A missing value is null; NaN, infinities and whole numbers beyond 2^53 are texts, as `Number` and `BigInt` of
    JavaScript and `float` and `int` of Python read them.
    """
    *columns, answer = golden.column_names
    rows = [[_plain(value) for value in row.values()] for row in golden.select(columns).to_pylist()]
    document = {"columns": columns, "rows": rows, "expected": [_plain(one) for one in golden[answer].to_pylist()]}
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and abs(value) > _EXACT:
        return str(value)
    return value
