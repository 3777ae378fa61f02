"""The shape of a table: its columns, their order and types, its number of rows."""

from __future__ import annotations

from typing import Any

from noria.data.suites.asking import COUNT, Asking, filtered
from noria.data.suites.expectations.bounds import between
from noria.data.suites.plan import Ask, Judgement, NotRun, Plan, Refused
from noria.data.suites.typenames import is_type


def exists(asked: Asking) -> Plan:
    """There is a column of that name, at `column_index` if one is given (counted from 0)."""
    name, names = asked.text("column"), list(asked.fields)
    at = asked.kwargs.get("column_index")
    if name not in names:
        return Judgement(False, reason=f"there is no column {name!r}")
    if at is not None and (not isinstance(at, int) or names[at : at + 1] != [name]):
        return Judgement(False, reason=f"column {name!r} is at {names.index(name)}, not at {at}")
    return Judgement(True)


def number_of_columns(asked: Asking) -> Plan:
    """There are `value` columns."""
    return _equal(asked, len(asked.fields), "columns")


def number_of_columns_within(asked: Asking) -> Plan:
    """The number of columns lies within bounds."""
    return between(asked, len(asked.fields), "the number of columns")


def number_of_rows(asked: Asking) -> Plan:
    """There are `value` rows."""
    asked.number("value")
    return Ask({"rows": filtered(COUNT, asked.where)}, lambda found: _equal(asked, found["rows"], "rows"))


def number_of_rows_within(asked: Asking) -> Plan:
    """The number of rows lies within bounds."""
    asks = {"rows": filtered(COUNT, asked.where)}
    return Ask(asks, lambda found: between(asked, found["rows"], "the number of rows"))


def as_many_rows_as(asked: Asking) -> Plan:
    """There are as many rows as in the table `other_table_name`."""
    other = asked.text("other_table_name")
    if other not in asked.others:
        raise NotRun(f"the table {other!r} was not given")
    asks = {"rows": filtered(COUNT, asked.where), "other": f"(SELECT count(*) FROM {asked.others[other]})"}

    def judge(found: Any) -> Judgement:
        success = found["rows"] == found["other"]
        result = {"observed_value": {"self": found["rows"], "other": found["other"]}}
        reason = "" if success else f"there are {found['rows']:,} rows here and {found['other']:,} in {other}"
        return Judgement(success, result, reason=reason)

    return Ask(asks, judge)


def ordered_columns(asked: Asking) -> Plan:
    """The columns are those of `column_list`, in that order."""
    names, wanted = list(asked.fields), asked.kwargs.get("column_list")
    if wanted is None or list(wanted) == names:
        return Judgement(True, {"observed_value": names})
    wanted = asked.values("column_list")
    differing = [
        {"Expected Column Position": n, "Expected": one, "Found": other}
        for n, (one, other) in enumerate(_padded(wanted, names))
        if one != other
    ]
    reason = f"the columns are {_short(names)}, not {_short(wanted)}"
    return Judgement(False, {"observed_value": names, "details": {"mismatched": differing}}, reason=reason)


def set_of_columns(asked: Asking) -> Plan:
    """The columns are those of `column_set` in any order (`exact_match` false: and perhaps others)."""
    names = sorted(asked.fields)
    if asked.kwargs.get("column_set") is None:
        return Judgement(True, {"observed_value": names})
    wanted = sorted({str(one) for one in asked.values("column_set")})
    missing = [one for one in wanted if one not in names]
    strange = [one for one in names if one not in wanted]
    success = not missing and (not strange or asked.kwargs.get("exact_match", True) is False)
    if success and not strange:
        return Judgement(True, {"observed_value": names})
    mismatched = {key: value for key, value in (("unexpected", strange), ("missing", missing)) if value}
    said = [f"{word} {_short(some)}" for word, some in (("lacks", missing), ("also has", strange)) if some]
    result = {"observed_value": names, "details": {"mismatched": mismatched}}
    return Judgement(success, result, reason="" if success else "the table " + " and ".join(said))


def of_type(asked: Asking) -> Plan:
    """The column is of the type `type_`; without one, of any."""
    field, wanted = asked.column(), asked.kwargs.get("type_")
    if wanted is None:
        return Judgement(True, {"observed_value": field.type})
    return _typed(field.name, field.type, [asked.text("type_")])


def of_types(asked: Asking) -> Plan:
    """The column is of one of the types of `type_list`."""
    field = asked.column()
    if asked.kwargs.get("type_list") is None:
        return Judgement(True, {"observed_value": field.type})
    return _typed(field.name, field.type, [str(one) for one in asked.values("type_list")])


def _typed(name: str, observed: str, wanted: list[str]) -> Judgement:
    success = any(is_type(observed, one) for one in wanted)
    reason = "" if success else f"{name!r} is {observed}, not {' or '.join(wanted)[:100]}"
    return Judgement(success, {"observed_value": observed}, reason=reason)


def _equal(asked: Asking, observed: int, what: str) -> Judgement:
    wanted = asked.number("value")
    if wanted is None:
        raise Refused("value is not given")
    reason = "" if observed == wanted else f"there are {observed:,} {what}, not {wanted:,}"
    return Judgement(observed == wanted, {"observed_value": observed}, reason=reason)


def _padded(one: list[Any], other: list[Any]) -> list[tuple[Any, Any]]:
    longest = max(len(one), len(other))
    return [(one[n] if n < len(one) else None, other[n] if n < len(other) else None) for n in range(longest)]


def _short(names: list[Any]) -> str:
    return ", ".join(map(str, names[:12])) + (", ..." if len(names) > 12 else "")


CATALOGUE = {
    "expect_column_to_exist": exists,
    "expect_table_column_count_to_equal": number_of_columns,
    "expect_table_column_count_to_be_between": number_of_columns_within,
    "expect_table_row_count_to_equal": number_of_rows,
    "expect_table_row_count_to_be_between": number_of_rows_within,
    "expect_table_row_count_to_equal_other_table": as_many_rows_as,
    "expect_table_columns_to_match_ordered_list": ordered_columns,
    "expect_table_columns_to_match_set": set_of_columns,
    "expect_column_values_to_be_of_type": of_type,
    "expect_column_values_to_be_in_type_list": of_types,
    "expect_column_type_to_be": of_type,
}
