"""Points as they are logged: checked, made into rows, written. They stay rows until they are sealed.

The row is its own key, so the same point sent twice is one point. NaN is written as value 0 with `is_nan` 1 and
infinities as the largest finite doubles, which is MLflow's rule; -0.0 is 0.0, which no database keeps apart.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import repeat

import sqlalchemy as sa

from noria.core.errors import BadInput
from noria.stores.database import Database
from noria.stores.sqlite import directly

PointRow = tuple[int, int, int, int, float, int]
"""run, metric, step, at, value, is_nan: a row of `points`, in the order of its columns."""
LARGEST = 1.7976931348623157e308

_SQLITE = "INSERT INTO points (run, metric, step, at, value, is_nan) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_POSTGRES = (
    "INSERT INTO points (run, metric, step, at, value, is_nan) SELECT %s, t.* FROM"
    " unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::float8[], %s::smallint[])"
    " AS t (metric, step, at, value, is_nan) ON CONFLICT DO NOTHING"
)


class BadPoint(BadInput):
    """A point that cannot be kept: a step or moment that is no 64-bit integer, a value that is no number."""

    code = "N2231"


def point_rows(
    run: int, metrics: Sequence[int], values: Sequence[float], ats: Sequence[int], steps: Sequence[int]
) -> list[PointRow]:
    """Rows of one run, sorted. Raises BadPoint, and says of which point when the lists are as long as each other."""
    if not len(metrics) == len(values) == len(ats) == len(steps):
        told = f"{len(metrics)} names, {len(values)} values, {len(ats)} moments and {len(steps)} steps"
        raise BadPoint(f"points come as lists of one length, not as {told}")
    try:
        doubles = [value + 0.0 for value in array("d", values)]  # -0.0 + 0.0 is 0.0
        moments, numbers = array("q", ats), array("q", steps)
    except (TypeError, ValueError, OverflowError):
        raise _fault(values, ats, steps) from None
    if math.isfinite(sum(doubles)):
        return sorted(zip(repeat(run), metrics, numbers, moments, doubles, repeat(0)))
    flags = [int(math.isnan(value)) for value in doubles]
    kept = [0.0 if nan else max(min(value, LARGEST), -LARGEST) for value, nan in zip(doubles, flags, strict=True)]
    return sorted(zip(repeat(run), metrics, numbers, moments, kept, flags))


def insert_points(database: Database, connection: sa.Connection, rows: Sequence[PointRow]) -> None:
    """Write rows of one run that are sorted, and so in an order that no two transactions can block each other in."""
    if database.is_sqlite:
        directly(connection).executemany(_SQLITE, rows)
        return
    runs, *columns = zip(*rows, strict=True)
    connection.exec_driver_sql(_POSTGRES, (runs[0], *map(array_text, columns)))


def array_text(numbers: Sequence[float]) -> str:
    """Numbers as PostgreSQL writes an array: four times cheaper than having the driver make one of a list.

    >>> array_text([1, 2.5])
    '{1, 2.5}'
    """
    return "{" + str(list(numbers))[1:-1] + "}"


def _fault(values: Sequence[float], ats: Sequence[int], steps: Sequence[int]) -> BadPoint:
    for number, (value, at, step) in enumerate(zip(values, ats, steps, strict=True)):
        for kind, one, code in (("value", value, "d"), ("moment", at, "q"), ("step", step, "q")):
            try:
                array(code, [one])
            except (TypeError, ValueError, OverflowError):
                wanted = "a number that fits a double" if code == "d" else "a whole number of 64 bits"
                return BadPoint(f"the {kind} of point {number}, {_shown(one)}, is not {wanted}")
    return BadPoint("a point is made of numbers")


def _shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 256:
        return "an enormous integer"
    return repr(value)[:60]
