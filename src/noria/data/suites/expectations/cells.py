"""Cells against values: within bounds, in a set, not in a set."""

from __future__ import annotations

from noria.data.suites.asking import Asking, map_column
from noria.data.suites.comparing import in_set
from noria.data.suites.expectations.bounds import sql_between
from noria.data.suites.plan import Plan


def within(asked: Asking) -> Plan:
    """Every cell lies between `min_value` and `max_value`."""
    field = asked.column()
    return map_column(asked, field, sql_between(asked, field))


def one_of(asked: Asking) -> Plan:
    """Every cell is one of `value_set`; without a set, anything is."""
    field = asked.column()
    if asked.kwargs.get("value_set") is None:
        return map_column(asked, field, f"{field.sql} IS NOT NULL OR NULL")
    return map_column(asked, field, in_set(field, asked.values("value_set")))


def none_of(asked: Asking) -> Plan:
    """No cell is one of `value_set`."""
    field = asked.column()
    if asked.kwargs.get("value_set") is None:
        return map_column(asked, field, f"{field.sql} IS NOT NULL OR NULL")
    return map_column(asked, field, f"NOT ({in_set(field, asked.values('value_set'))})")


CATALOGUE = {
    "expect_column_values_to_be_between": within,
    "expect_column_values_to_be_in_set": one_of,
    "expect_column_values_to_not_be_in_set": none_of,
}
