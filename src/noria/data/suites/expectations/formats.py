"""Texts that must be something: a date, JSON, a moment of a given format. Judged by Python, each distinct text once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from noria.data.suites import quoting
from noria.data.suites.asking import Asking, counted
from noria.data.suites.comparing import as_moment
from noria.data.suites.fields import Field
from noria.data.suites.plan import Bad, Judgement, Plan, Query, Refused


def parseable_date(asked: Asking) -> Plan:
    """Every text can be read as a moment, in any of the usual ways."""
    return _each(asked, lambda text: as_moment(text) is not None)


def parseable_json(asked: Asking) -> Plan:
    """Every text is a JSON document."""
    return _each(asked, _is_json)


def in_format(asked: Asking) -> Plan:
    """Every text is a moment written as `strftime_format` says."""
    form = asked.text("strftime_format")
    try:
        datetime.strptime(datetime(2000, 1, 2, 3, 4, 5).strftime(form), form)
    except (ValueError, OverflowError) as error:
        raise Refused(f"{form!r:.60} cannot be used to read moments: {error}") from error
    return _each(asked, lambda text: _has_format(text, form))


def _has_format(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _each(asked: Asking, holds: Callable[[str], bool]) -> Plan:
    field, mostly = asked.column(), asked.mostly
    if field.kind != "text":
        raise Refused(f"{field.name!r} is {field.type}; this is asked of texts, before they are converted")
    counts = f"SELECT {field.sql} AS v, count(*) AS n FROM __table WHERE ({asked.where}) GROUP BY 1"

    def judge(found: list[tuple[Any, ...]]) -> Judgement:
        rows = sum(count for _, count in found)
        missing = sum(count for value, count in found if value is None)
        wrong = {value: count for value, count in found if value is not None and not holds(value)}
        bad = _among(asked, field, list(wrong)) if wrong else None
        return counted(rows, rows - missing, sum(wrong.values()), mostly, bad)

    return Query(counts, judge)


def _among(asked: Asking, field: Field, values: list[str]) -> Bad:
    listed = ", ".join(map(quoting.text, values))
    return Bad(f"({asked.where}) AND {field.sql} IN ({listed})", (field.name,))


CATALOGUE = {
    "expect_column_values_to_be_dateutil_parseable": parseable_date,
    "expect_column_values_to_be_json_parseable": parseable_json,
    "expect_column_values_to_match_strftime_format": in_format,
}
