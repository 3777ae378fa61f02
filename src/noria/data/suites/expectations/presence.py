"""Missing cells: none, only, or a share of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from noria.data.suites.asking import COUNT, Asking, filtered, map_rows
from noria.data.suites.expectations.bounds import between
from noria.data.suites.plan import Ask, Judgement, Plan


def not_null(asked: Asking) -> Plan:
    """No cell is missing."""
    field = asked.column()
    return map_rows(asked, f"{field.sql} IS NULL", shown=(field.name,), missing=False)


def null(asked: Asking) -> Plan:
    """Every cell is missing."""
    field = asked.column()
    return map_rows(asked, f"{field.sql} IS NOT NULL", shown=(field.name,), missing=False)


def share_present(asked: Asking) -> Plan:
    """The share of cells that are not missing lies within bounds; it is 0 where there are no rows."""
    field = asked.column()

    def judge(found: Mapping[str, Any]) -> Judgement:
        share = found["there"] / found["rows"] if found["rows"] else 0
        return between(asked, share, "the share of values that are not missing")

    there = filtered(f"count({field.sql})", asked.where)
    return Ask({"rows": filtered(COUNT, asked.where), "there": there}, judge)


CATALOGUE = {
    "expect_column_values_to_not_be_null": not_null,
    "expect_column_values_to_be_null": null,
    "expect_column_proportion_of_non_null_values_to_be_between": share_present,
}
