"""A suite inferred from a table: what can be expected of more of it, as far as one table tells.

Types, missing cells, ranges, the values of columns with few, and uniqueness. What would only hold by chance is
left out or made a warning: a range is a warning and is widened by a tenth; a column where 3 % is missing may
miss more. Read the suite before it is relied upon.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from noria.data.suites.examples import plain
from noria.data.suites.fields import WHOLE, Field
from noria.data.suites.model import Expectation, Severity, Suite
from noria.data.suites.profile import Profile
from noria.data.suites.table import Opened

FEW = 50
"""A column with at most this many values, each on average ten times, is taken to have no others."""

_ROWS_FOR_KEY = 20


def infer(there: Opened, profiles: Mapping[str, Profile], name: str, absent_at_serving: Collection[str] = ()) -> Suite:
    """The suite that the table fits, named `name`.

    `absent_at_serving` are columns (a label) that are not there when a model serves: what is expected of them
    is left out in the environment "serving".
    """
    rows = next((one.rows for one in profiles.values()), 0)
    unique = _unique(there, profiles)
    found = [_expect("expect_table_columns_to_match_set", Severity.WARNING, column_set=list(profiles))]
    found += [_expect("expect_table_row_count_to_be_between", Severity.CRITICAL, min_value=1)] if rows else []
    for one in profiles.values():
        field = there.fields[one.name]
        about = [*_presence(one), *(_key(one) if one.name in unique else _content(there, field, one))]
        away = {"noria": {"not_in_environment": ["serving"]}} if one.name in absent_at_serving else {}
        found += [Expectation(it.type, it.kwargs, it.severity, {**it.meta, **away}) for it in about]
    meta = {"noria": {"inferred_from": {"rows": rows, "columns": len(profiles)}}}
    return Suite(name, tuple(found), meta=meta)


def _expect(kind: str, severity: Severity, **kwargs: Any) -> Expectation:
    return Expectation(kind, kwargs, severity)


def _presence(one: Profile) -> list[Expectation]:
    found = [_expect("expect_column_values_to_be_of_type", Severity.CRITICAL, column=one.name, type_=one.type)]
    if not one.rows or one.missing == one.rows:
        return found
    missing = one.missing / one.rows
    if not missing:
        return [*found, _expect("expect_column_values_to_not_be_null", Severity.CRITICAL, column=one.name)]
    mostly = round(max(0.0, 1 - missing - max(0.01, missing / 2)), 2)
    return [*found, _expect("expect_column_values_to_not_be_null", Severity.WARNING, column=one.name, mostly=mostly)]


def _content(there: Opened, field: Field, one: Profile) -> list[Expectation]:
    present = one.rows - one.missing
    kinds = field.kind in ("text", "bool") or field.type in WHOLE
    if kinds and present and one.distinct * 10 <= present and one.distinct <= FEW:
        sql = f"SELECT DISTINCT {field.sql} AS v FROM __table WHERE {field.sql} IS NOT NULL ORDER BY v"
        values = [row[0] for row in there.ask(sql)]
        severity = Severity.WARNING if field.type in WHOLE else Severity.CRITICAL
        return [_expect("expect_column_values_to_be_in_set", severity, column=one.name, value_set=values)]
    if field.kind in ("number", "time") and one.least is not None:
        low, high = _widened(one.least, one.greatest, whole=field.type in WHOLE)
        kwargs = {"column": one.name, "min_value": low, "max_value": high}
        if field.kind == "time":
            kwargs.pop("max_value")  # time goes on
        if one.infinite:
            kwargs["mostly"] = math.floor((1 - one.infinite / present) * 100) / 100
        return [_expect("expect_column_values_to_be_between", Severity.WARNING, **kwargs)]
    return []


def _widened(low: Any, high: Any, *, whole: bool) -> tuple[Any, Any]:
    if isinstance(low, dt.date):
        return plain(low), plain(high)
    slack = (float(high) - float(low)) / 10
    wide = [float(low) - slack, float(high) + slack]
    if low >= 0:
        wide[0] = max(wide[0], 0.0)
    if whole:
        return math.floor(wide[0]), math.ceil(wide[1])
    rounded = [float(f"{one:.6g}") for one in wide]
    return (min(rounded[0], float(low)), max(rounded[1], float(high)))


def _unique(there: Opened, profiles: Mapping[str, Profile]) -> Collection[str]:
    """Columns whose every cell is there and different: those that may be by the estimate, counted exactly."""
    near = [one for one in profiles.values() if _maybe_key(there.fields[one.name], one)]
    if not near:
        return []
    counts = ", ".join(f"count(DISTINCT {there.fields[one.name].sql})" for one in near)
    exact: Sequence[int] = there.ask(f"SELECT {counts} FROM __table")[0]
    return [one.name for one, count in zip(near, exact, strict=True) if count == one.rows]


def _maybe_key(field: Field, one: Profile) -> bool:
    whole = field.kind == "text" or field.type in WHOLE or field.type == "UUID"
    return whole and not one.missing and one.rows >= _ROWS_FOR_KEY and one.distinct >= 0.8 * one.rows


def _key(one: Profile) -> list[Expectation]:
    return [_expect("expect_column_values_to_be_unique", Severity.CRITICAL, column=one.name)]
