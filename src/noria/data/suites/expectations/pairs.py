"""Two columns side by side, and more: equal, greater, in a set of pairs, unique together, with a given sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from noria.data.suites import quoting
from noria.data.suites.asking import COUNT, Asking, counted, filtered, map_rows
from noria.data.suites.comparing import members
from noria.data.suites.expectations.distinct import repeated
from noria.data.suites.fields import Field
from noria.data.suites.plan import Ask, Plan, Refused


def equal(asked: Asking) -> Plan:
    """`column_A` is equal to `column_B`; a missing cell is equal to none."""
    a, b = _pair(asked)
    return _rows(asked, [a, b], f"({a.sql} = {b.sql}) IS NOT TRUE" if a.kind == b.kind else "TRUE")


def greater(asked: Asking) -> Plan:
    """`column_A` is greater than `column_B` (`or_equal`: at least it)."""
    a, b = _pair(asked)
    if a.kind != b.kind:
        raise Refused(f"{a.name!r} is {a.type} and {b.name!r} {b.type}: they cannot be compared")
    sign = ">=" if asked.kwargs.get("or_equal") else ">"
    return _rows(asked, [a, b], f"({a.sql} {sign} {b.sql}) IS NOT TRUE")


def pair_in_set(asked: Asking) -> Plan:
    """The two cells are one of `value_pairs_set`, where null stands for a missing one."""
    a, b = _pair(asked)
    if asked.kwargs.get("value_pairs_set") is None:
        return _rows(asked, [a, b], "FALSE")
    choices = []
    for pair in asked.values("value_pairs_set"):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise Refused(f"{pair!r:.60} in value_pairs_set is no pair")
        sides = [_is(field, one) for field, one in zip((a, b), pair, strict=True)]
        if all(sides):
            choices.append(f"({sides[0]} AND {sides[1]})")
    return _rows(asked, [a, b], f"NOT ({' OR '.join(choices) or 'FALSE'})")


def _is(field: Field, value: Any) -> str:
    if value is None:
        return f"{field.sql} IS NULL"
    found = members(field, [value])
    return f"({field.sql} IS NOT NULL AND {field.sql} = {found[0]})" if found else ""


def unique_together(asked: Asking) -> Plan:
    """No two rows have the same cells in all of `column_list`."""
    fields, mostly = _list(asked), asked.mostly
    kept = f"({asked.where}) AND NOT ({_ignored(asked, fields)})"
    cells = ", ".join(field.sql for field in fields)
    asks = {"rows": filtered(COUNT, asked.where), "there": filtered(COUNT, kept),
            "distinct": filtered(f"count(DISTINCT ({cells}))", kept)}  # fmt: skip
    names = [field.name for field in fields]

    def judge(found: Mapping[str, Any]) -> Plan:
        if found["distinct"] == found["there"]:
            return counted(found["rows"], found["there"], 0, mostly, None)
        return repeated(fields, kept, found["rows"], found["there"], mostly, shown=names, missing=True)

    return Ask(asks, judge)


def unique_in_row(asked: Asking) -> Plan:
    """Within each row the cells of `column_list` all differ; two missing ones do not."""
    fields = _list(asked)
    same = [
        f"{a.sql} IS NOT DISTINCT FROM {b.sql}" if a.kind == b.kind else f"({a.sql} IS NULL AND {b.sql} IS NULL)"
        for n, a in enumerate(fields)
        for b in fields[n + 1 :]
    ]
    return _rows(asked, fields, " OR ".join(same) or "FALSE")


def sum_equal(asked: Asking) -> Plan:
    """In each row the cells of `column_list` sum to `sum_total`; with a missing one they sum to nothing."""
    fields, total = _list(asked), asked.number("sum_total")
    if total is None:
        raise Refused("sum_total is not given")
    for field in fields:
        if field.kind != "number":
            raise Refused(f"{field.name!r} is {field.type}, which cannot be summed")
    whole = " + ".join(f"{field.sql}::{_wide(field)}" for field in fields)
    return _rows(asked, fields, f"({whole} = {quoting.value(total)}) IS NOT TRUE")


def all_equal(asked: Asking) -> Plan:
    """In each row the cells of `column_list` are the same; two missing ones are."""
    first, *others = fields = _list(asked)
    same = [
        f"{first.sql} IS NOT DISTINCT FROM {one.sql}"
        if first.kind == one.kind
        else f"({first.sql} IS NULL AND {one.sql} IS NULL)"
        for one in others
    ]
    return _rows(asked, fields, f"NOT ({' AND '.join(same) or 'TRUE'})")


def _wide(field: Field) -> str:
    return "DOUBLE" if field.type in ("FLOAT", "DOUBLE") else "DECIMAL(38, 6)" if "DECIMAL" in field.type else "HUGEINT"


def _pair(asked: Asking) -> tuple[Field, Field]:
    return asked.column("column_A"), asked.column("column_B")


def _list(asked: Asking) -> list[Field]:
    fields = asked.columns()
    if not fields:
        raise Refused("column_list is empty")
    return fields


_ALL = ("both_values_are_missing", "all_values_are_missing")
_ANY = ("either_value_is_missing", "any_value_is_missing")


def _ignored(asked: Asking, fields: list[Field]) -> str:
    rule = asked.kwargs.get("ignore_row_if") or _ALL[0]
    nulls = [f"{field.sql} IS NULL" for field in fields]
    if rule in _ALL:
        return " AND ".join(nulls)
    if rule in _ANY:
        return " OR ".join(nulls)
    if rule in ("neither", "never"):
        return "FALSE"
    raise Refused(f"ignore_row_if is {_ALL[0]}, {_ANY[0]}, neither (or all_, any_, never), not {rule!r:.40}")


def _rows(asked: Asking, fields: list[Field], unexpected: str) -> Ask:
    names = [field.name for field in fields]
    return map_rows(asked, unexpected, ignored=_ignored(asked, fields), shown=names)


CATALOGUE = {
    "expect_column_pair_values_to_be_equal": equal,
    "expect_column_pair_values_a_to_be_greater_than_b": greater,
    "expect_column_pair_values_to_be_in_set": pair_in_set,
    "expect_compound_columns_to_be_unique": unique_together,
    "expect_select_column_values_to_be_unique_within_record": unique_in_row,
    "expect_multicolumn_values_to_be_unique": unique_in_row,
    "expect_multicolumn_sum_to_equal": sum_equal,
    "expect_multicolumn_values_to_be_equal": all_equal,
}
