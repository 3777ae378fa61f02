"""Two tables compared: a span with the one before it (drift), or what is served with what was learnt from (skew).

The distances are those of TensorFlow Data Validation: for categories the largest difference of any value's
share (L-infinity), for numbers and moments the Jensen-Shannon divergence in bits (Lin, 1991), over bins that
each hold an equal share of the baseline. Both lie between 0 and 1. Missing cells are compared by their share.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from noria.data.suites import quoting
from noria.data.suites.examples import plain
from noria.data.suites.fields import Field
from noria.data.suites.model import Suite, Verdict
from noria.data.suites.table import Opened, Table, opened

L_INFINITY = "L-infinity"
JENSEN_SHANNON = "Jensen-Shannon"
THRESHOLD = 0.1
"""How far apart two columns may be unless told otherwise."""

_BINS = 20
_SHOWN = 5
_BASE = "baseline"


@dataclass(frozen=True)
class Change:
    """One column in both tables, or in one of them.

    `distance` is measured as `measure` says; None where it cannot be (a column is not in both, or empty).
    `missing` is the change of the share of missing cells. `largest` are the values that changed most, with
    their shares before and now.
    """

    column: str
    verdict: Verdict
    measure: str = ""
    distance: float | None = None
    threshold: float = THRESHOLD
    missing: float = 0.0
    note: str = ""
    largest: Sequence[tuple[Any, float, float]] = ()


@dataclass(frozen=True)
class Comparison:
    """Every column of two tables compared, the furthest apart first."""

    baseline: str
    current: str
    rows: tuple[int, int]
    changes: tuple[Change, ...]

    @property
    def verdict(self) -> Verdict:
        """Failed when any column has moved too far, is gone, is new or is of another type."""
        return Verdict.FAILED if any(one.verdict is Verdict.FAILED for one in self.changes) else Verdict.PASSED


@dataclass(frozen=True)
class Limits:
    """How far columns may move: `default`, unless `columns` says otherwise. Columns `without` are not looked at."""

    default: float = THRESHOLD
    columns: Mapping[str, float] = field(default_factory=dict)
    without: Collection[str] = ()

    def of(self, column: str) -> float:
        """The threshold of a column."""
        return self.columns.get(column, self.default)


def limits_of(suite: Suite, environment: str = "", default: float = THRESHOLD) -> Limits:
    """The limits that a suite keeps under `meta.noria.thresholds`, and the columns that an environment lacks."""
    ours = suite.meta.get("noria")
    given = ours.get("thresholds") if isinstance(ours, Mapping) else None
    columns = {name: float(value) for name, value in (given or {}).items() if isinstance(value, int | float)}
    without = {
        column
        for one in suite.expectations
        for column in one.columns
        if environment and environment in ((one.meta.get("noria") or {}).get("not_in_environment") or ())
    }
    return Limits(default, columns, without)


def compare(baseline: Table, current: Table, limits: Limits | None = None) -> Comparison:
    """How far each column of `current` is from the same one of `baseline`. Raises UnreadableTable."""
    limits = limits or Limits()
    with opened(replace(current, others={**current.others, _BASE: baseline})) as there:
        base = there.others[_BASE]
        before, now = there.described(base), there.fields
        rows = [int(there.ask(f"SELECT count(*) FROM {view}")[0][0]) for view in (base, "__table")]
        changes = [
            _column(there, base, name, before.get(name), now.get(name), limits.of(name))
            for name in dict.fromkeys([*before, *now])
            if name not in limits.without
        ]
    ordered = sorted(changes, key=lambda one: (one.verdict is not Verdict.FAILED, -(one.distance or 0.0)))
    return Comparison(baseline.name, current.name, (rows[0], rows[1]), tuple(ordered))


def _column(there: Opened, base: str, name: str, before: Field | None, now: Field | None, threshold: float) -> Change:
    if before is None or now is None:
        return Change(name, Verdict.FAILED, note="is new" if before is None else "is gone", threshold=threshold)
    if before.kind != now.kind:
        return Change(name, Verdict.FAILED, note=f"was {before.type}, is {now.type}", threshold=threshold)
    counts = [there.ask(f"SELECT count(*), count({one.sql}) FROM {view}")[0]
              for one, view in ((before, base), (now, "__table"))]  # fmt: skip
    missing = [1 - present / rows if rows else 0.0 for rows, present in counts]
    moved = missing[1] - missing[0]
    if not all(present for _, present in counts):
        empty = [word for word, (_, present) in zip(("before", "now"), counts, strict=True) if not present]
        verdict = Verdict.FAILED if abs(moved) > threshold else Verdict.NOT_RUN
        return Change(name, verdict, threshold=threshold, missing=moved, note=f"has no values {' or '.join(empty)}")
    if now.kind in ("number", "time"):
        measure, distance, largest = JENSEN_SHANNON, _of_numbers(there, base, before, now), ()
    else:
        measure, (distance, largest) = L_INFINITY, _of_categories(there, base, before, now)
    verdict = Verdict.FAILED if distance > threshold or abs(moved) > threshold else Verdict.PASSED
    note = f"missing cells went from {missing[0]:.1%} to {missing[1]:.1%}" if abs(moved) > threshold else ""
    return Change(name, verdict, measure, distance, threshold, moved, note, largest)


def _of_categories(there: Opened, base: str, before: Field, now: Field) -> tuple[float, tuple[Any, ...]]:
    shares = [
        f"SELECT {one.text} AS v, count(*) / (sum(count(*)) OVER ()) AS s FROM {view}"
        f" WHERE {one.sql} IS NOT NULL GROUP BY 1"
        for one, view in ((before, base), (now, "__table"))
    ]
    sql = (
        "SELECT v, coalesce(b.s, 0) AS then_share, coalesce(n.s, 0) AS now_share FROM"
        f" ({shares[0]}) b FULL JOIN ({shares[1]}) n USING (v)"
        f" ORDER BY abs(then_share - now_share) DESC, v LIMIT {_SHOWN}"
    )
    found = there.ask(sql)
    return abs(found[0][1] - found[0][2]), tuple((plain(value), was, is_) for value, was, is_ in found)


def _of_numbers(there: Opened, base: str, before: Field, now: Field) -> float:
    cell = {view: _number(one) for one, view in ((before, base), (now, "__table"))}
    shares = ", ".join(repr(n / _BINS) for n in range(1, _BINS))
    edges = sorted(set(there.ask(f"SELECT quantile_cont({cell[base]}, [{shares}]) FROM {base}")[0][0]))
    listed = ", ".join(quoting.value(float(edge)) for edge in edges)
    counts = [dict(there.ask(f"SELECT histogram({cell[view]}, [{listed}]) FROM {view}")[0][0]) for view in cell]
    places = list(dict.fromkeys(edge for one in counts for edge in one))
    return jensen_shannon(*([one.get(edge, 0) for edge in places] for one in counts))


def _number(one: Field) -> str:
    if one.kind == "time":
        return f"epoch({one.sql})"
    return f"({one.sql})::DOUBLE"


def jensen_shannon(one: Sequence[float], other: Sequence[float]) -> float:
    """The divergence of two distributions in bits, from 0 (the same) to 1 (nothing in common).

    >>> jensen_shannon([1, 1], [1, 1]), jensen_shannon([1, 0], [0, 1])
    (0.0, 1.0)
    """
    p, q = ([value / math.fsum(values) for value in values] for values in (one, other))
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    total = math.fsum(_relative(side, middle) for side in (p, q)) / 2
    return min(1.0, max(0.0, total))


def _relative(one: Sequence[float], other: Sequence[float]) -> float:
    return math.fsum(a * math.log2(a / b) for a, b in zip(one, other, strict=True) if a)
