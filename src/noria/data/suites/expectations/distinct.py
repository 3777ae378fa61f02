"""Distinct values: rows that repeat, how many values there are, which ones, and the most common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noria.data.suites import quoting
from noria.data.suites.asking import COUNT, Asking, counted, filtered
from noria.data.suites.comparing import in_set, members
from noria.data.suites.expectations.bounds import between
from noria.data.suites.fields import WHOLE, Field
from noria.data.suites.plan import Ask, Bad, Judgement, Plan, Query, Refused

_SHOWN = 20
_MODES = 1000
_BITS, _MOST_BITS = 16, 1_000_000_000


def unique(asked: Asking) -> Plan:
    """No value is there twice; every row of one that is counts as unexpected."""
    field, mostly = asked.column(), asked.mostly
    count = filtered(f"count({field.sql})", asked.where)

    def judge(found: Mapping[str, Any]) -> Plan:
        rows, there = found["rows"], found["there"]
        if found["distinct"] == there:
            return counted(rows, there, 0, mostly, None)
        kept = f"({asked.where}) AND {field.sql} IS NOT NULL"
        return repeated([field], kept, rows, there, mostly, shown=(field.name,), missing=True)

    asks = {"rows": filtered(COUNT, asked.where), "there": count}
    if field.type not in WHOLE or field.type.endswith("HUGEINT"):
        return Ask({**asks, "distinct": filtered(f"count(DISTINCT {field.sql})", asked.where)}, judge)
    ends = {side: filtered(f"{side}({field.sql})", asked.where) for side in ("min", "max")}
    return Ask({**asks, **ends}, lambda found: Ask({**asks, "distinct": _whole(field, asked.where, found)}, judge))


def _whole(field: Field, where: str, found: Mapping[str, Any]) -> str:
    """How many whole numbers there are: where they lie close together, a bit for each is ten times cheaper."""
    low, high = found["min"], found["max"]
    if low is None or high - low >= min(_BITS * found["there"], _MOST_BITS):
        return filtered(f"count(DISTINCT {field.sql})", where)
    ends = f"{low}::{field.type}, {high}::{field.type}"
    return f"coalesce(bit_count({filtered(f'bitstring_agg({field.sql}, {ends})', where)}), 0)"


def repeated(
    fields: Sequence[Field], kept: str, rows: int, there: int, mostly: float, *, shown: Sequence[str], missing: bool
) -> Query:
    """Count the rows, of those `kept`, whose cells are all equal to another's; two missing cells are equal."""
    cells = ", ".join(field.sql for field in fields)
    named = ", ".join(f"{field.sql} AS __noria_{n}" for n, field in enumerate(fields))
    groups = f"SELECT {named} FROM __table WHERE {kept} GROUP BY ALL HAVING count(*) > 1"
    same = " AND ".join(f"__noria_{n} IS NOT DISTINCT FROM {field.sql}" for n, field in enumerate(fields))
    relation = f"SELECT * FROM __numbered SEMI JOIN ({groups}) ON {same}"

    def judge(found: list[tuple[Any, ...]]) -> Judgement:
        return counted(rows, there, int(found[0][0] or 0), mostly, Bad(kept, shown, relation), missing=missing)

    totals = f"SELECT count(*) AS n FROM __table WHERE {kept} GROUP BY {cells} HAVING count(*) > 1"
    return Query(f"SELECT sum(n) FROM ({totals})", judge)


def number_of_values(asked: Asking) -> Plan:
    """How many different values there are lies within bounds."""
    asks = {"distinct": filtered(f"count(DISTINCT {asked.column().sql})", asked.where)}
    return Ask(asks, lambda found: between(asked, found["distinct"], "the number of distinct values"))


def share_of_values(asked: Asking) -> Plan:
    """Distinct values as a share of the cells that are not missing lies within bounds; 0 when there are none."""
    cell = asked.column().sql
    asks = {"there": filtered(f"count({cell})", asked.where),
            "distinct": filtered(f"count(DISTINCT {cell})", asked.where)}  # fmt: skip

    def judge(found: Mapping[str, Any]) -> Judgement:
        share = found["distinct"] / found["there"] if found["there"] else 0
        return between(asked, share, "the share of distinct values")

    return Ask(asks, judge)


def only_from(asked: Asking) -> Plan:
    """Every value that occurs is in `value_set`."""
    field = asked.column()
    asks = {"strange": _strange(asked, field)}
    return Ask(asks, lambda found: _strangers(asked, field, found["strange"], 0))


def all_of(asked: Asking) -> Plan:
    """Every value of `value_set` occurs."""
    field = asked.column()
    asks = {"seen": _seen(asked, field)}
    return Ask(asks, lambda found: _absent(asked, field, _wanted(asked, field) - found["seen"], {}))


def exactly(asked: Asking) -> Plan:
    """The values that occur are those of `value_set`, no more and no fewer."""
    field = asked.column()

    def judge(found: Mapping[str, Any]) -> Plan:
        absent = _wanted(asked, field) - found["seen"]
        if found["strange"]:
            return _strangers(asked, field, found["strange"], absent)
        return _absent(asked, field, absent, {"unexpected_count": 0})

    return Ask({"strange": _strange(asked, field), "seen": _seen(asked, field)}, judge)


def _strange(asked: Asking, field: Field) -> str:
    outside = f"NOT ({in_set(field, _set(asked))})"
    return filtered(f"count(DISTINCT {field.sql})", f"({asked.where}) AND {outside}")


def _seen(asked: Asking, field: Field) -> str:
    return filtered(f"count(DISTINCT {field.sql})", f"({asked.where}) AND {in_set(field, _set(asked))}")


def _set(asked: Asking) -> list[Any]:
    values = asked.values("value_set")
    if not values:
        raise Refused("value_set is empty")
    return values


def _wanted(asked: Asking, field: Field) -> int:
    """How many different values are asked for: those that the column could never hold count too."""
    values = [one for one in _set(asked) if one is not None]
    possible = members(field, values)
    impossible = {repr(one) for one in values if not members(field, [one])}
    return len(possible) + len(impossible)


def _strangers(asked: Asking, field: Field, strange: int, absent: int) -> Plan:
    if not strange:
        return Judgement(True, {"observed_value": None, "unexpected_count": 0, "partial_unexpected_list": []})
    outside = f"({asked.where}) AND NOT ({in_set(field, _set(asked))})"

    def judge(found: list[tuple[Any, ...]]) -> Judgement:
        listed = [row[0] for row in found]
        more = f", and {absent:,} expected are absent" if absent else ""
        reason = f"{strange:,} values were not expected, such as {_listed(listed)}{more}"
        result = {"observed_value": None, "unexpected_count": strange, "partial_unexpected_list": listed}
        return Judgement(False, result, Bad(outside, (field.name,)), reason)

    sql = f"SELECT DISTINCT {field.sql} AS v FROM __table WHERE {outside} AND {field.sql} IS NOT NULL"
    return Query(f"{sql} ORDER BY v LIMIT {_SHOWN}", judge)


def _absent(asked: Asking, field: Field, absent: int, counts: Mapping[str, Any]) -> Plan:
    result: dict[str, Any] = {"observed_value": None, **counts, "missing_count": absent}
    if not absent:
        return Judgement(True, result)

    def judge(found: list[tuple[Any, ...]]) -> Judgement:
        seen = {quoting.value(row[0]) if field.kind != "number" else float(row[0]) for row in found}
        there = [
            one for one in _set(asked)
            if any((float(one) if isinstance(one, int | float) else w) in seen for w in members(field, [one]))
        ]  # fmt: skip
        missing = [one for one in _set(asked) if one is not None and one not in there][:_SHOWN]
        reason = f"{absent:,} expected values are absent, such as {_listed(missing)}"
        return Judgement(False, {**result, "partial_missing_list": missing}, reason=reason)

    sql = f"SELECT DISTINCT {field.sql} AS v FROM __table WHERE ({asked.where}) AND {in_set(field, _set(asked))}"
    return Query(sql, judge)


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(f"{one!r:.40}" if isinstance(one, str) else f"{one!s:.40}" for one in values[:5])


def most_common(asked: Asking) -> Plan:
    """The most common value is in `value_set`; several that are equally common need `ties_okay`."""
    field, ties = asked.column(), bool(asked.kwargs.get("ties_okay"))
    inside = f"coalesce({in_set(field, asked.values('value_set'), 'v')}, FALSE)"
    counts = f"SELECT {field.sql} AS v, count(*) AS n FROM __table WHERE ({asked.where}) GROUP BY 1"
    sql = f"SELECT v, n, {inside} AS inside FROM ({counts} HAVING v IS NOT NULL)"
    first = f"{sql} QUALIFY n = max(n) OVER () ORDER BY inside DESC, v LIMIT {_MODES}"

    def judge(found: list[tuple[Any, ...]]) -> Judgement:
        modes, held = [row[0] for row in found], [row for row in found if row[2]]
        success = bool(held) and (ties or len(found) == 1)
        reason = "" if success else f"the most common is {_listed(sorted(modes)) or 'nothing: no values'}"
        return Judgement(success, {"observed_value": sorted(modes)}, reason=reason)

    return Query(first, judge)


CATALOGUE = {
    "expect_column_values_to_be_unique": unique,
    "expect_column_unique_value_count_to_be_between": number_of_values,
    "expect_column_proportion_of_unique_values_to_be_between": share_of_values,
    "expect_column_distinct_values_to_be_in_set": only_from,
    "expect_column_distinct_values_to_contain_set": all_of,
    "expect_column_distinct_values_to_equal_set": exactly,
    "expect_column_most_common_value_to_be_in_set": most_common,
}
