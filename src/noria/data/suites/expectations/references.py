"""Cells that must be found in another table: foreign keys."""

from __future__ import annotations

from noria.data.suites import quoting
from noria.data.suites.asking import Asking, map_rows
from noria.data.suites.plan import NotRun, Plan


def found_in_other(asked: Asking) -> Plan:
    """Every cell is one of the cells of `other_column` in the table `other_table_name`."""
    field, other, column = asked.column(), asked.text("other_table_name"), asked.text("other_column")
    if other not in asked.others:
        raise NotRun(f"the table {other!r} was not given")
    known = f"SELECT {quoting.name(column)} FROM {asked.others[other]} WHERE {quoting.name(column)} IS NOT NULL"
    missing = f"{field.sql} IS NULL"
    return map_rows(asked, f"{field.sql} NOT IN ({known})", ignored=missing, shown=(field.name,))


CATALOGUE = {"expect_column_values_to_exist_in_other_table": found_in_other}
