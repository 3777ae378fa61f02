"""Figures of a column within bounds: least, greatest, mean, median, sum, standard deviation, quantiles.

A figure of no values is no number and lies within no bounds; the sum of no values is 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from noria.data.suites.asking import Asking, Builder, filtered
from noria.data.suites.expectations.bounds import between, shown
from noria.data.suites.fields import FLOATING, Field
from noria.data.suites.plan import Ask, Judgement, Plan, Refused


def _figure(aggregate: str, what: str, kinds: tuple[str, ...]) -> Builder:
    def build(asked: Asking) -> Plan:
        field = asked.column()
        if field.kind not in kinds:
            raise Refused(f"{field.name!r} is {field.type}, which has no {what}")
        sql = filtered(aggregate.format(cell=_number(field)), asked.where)
        return Ask({"figure": sql}, lambda found: between(asked, _plain(found["figure"]), f"the {what}"))

    build.__doc__ = f"The {what} lies within bounds."
    return build


def _number(field: Field) -> str:
    return f"{field.sql}::INTEGER" if field.kind == "bool" else field.sql


def _plain(figure: Any) -> Any:
    import decimal

    if isinstance(figure, decimal.Decimal):
        return int(figure) if figure == figure.to_integral_value() else float(figure)
    return figure


def deviation(field: Field, where: str) -> str:
    """The sample standard deviation as SQL; null where it has no meaning: fewer than two values, an infinity."""
    cell = _number(field)
    if field.type not in FLOATING:
        return filtered(f"stddev_samp({cell})", where)
    infinite = filtered(f"bool_or(isinf({cell}))", where)
    finite = filtered(f"stddev_samp(CASE WHEN isfinite({cell}) THEN {cell} END)", where)
    return f"CASE WHEN coalesce({infinite}, FALSE) THEN NULL ELSE {finite} END"


def standard_deviation(asked: Asking) -> Plan:
    """The sample standard deviation lies within bounds."""
    field = asked.column()
    if field.kind not in ("number", "bool"):
        raise Refused(f"{field.name!r} is {field.type}, which has no standard deviation")
    sql = deviation(field, asked.where)
    return Ask({"figure": sql}, lambda found: between(asked, found["figure"], "the standard deviation"))


def quantiles(asked: Asking) -> Plan:
    """Each of the quantiles lies in its range, with 0.01 % of play at its ends.

    A quantile is the value nearest to its place (`allow_relative_error` may ask for another rule: linear,
    lower, higher, midpoint).
    """
    field = asked.column()
    if field.kind != "number":
        raise Refused(f"{field.name!r} is {field.type}, which has no quantiles")
    shares, ranges = _ranges(asked.kwargs.get("quantile_ranges"))
    rule = asked.kwargs.get("allow_relative_error") or "nearest"
    if rule not in ("nearest", "linear", "lower", "higher", "midpoint"):
        raise Refused(f"allow_relative_error is a rule such as 'nearest' or 'linear', not {rule!r:.40}")

    def place(found: Mapping[str, Any]) -> Plan:
        count = found["there"]
        if not count:
            return _judge_quantiles(shares, ranges, [None] * len(shares))
        places = [_places(share * (count - 1), rule) for share in shares]
        asks = {f"{n}.{side}": filtered(f"quantile_cont({field.sql}, {_share(at, count)!r})", asked.where)
                for n, ends in enumerate(places) for side, at in enumerate(ends)}  # fmt: skip
        return Ask(asks, lambda got: _judge_quantiles(shares, ranges, [
            sum(got[f"{n}.{side}"] for side in range(len(ends))) / len(ends) for n, ends in enumerate(places)
        ]))  # fmt: skip

    return Ask({"there": filtered(f"count({field.sql})", asked.where)}, place)


def _ranges(given: Any) -> tuple[list[float], list[list[float | None]]]:
    if not isinstance(given, Mapping):
        raise Refused("quantile_ranges must have quantiles and value_ranges")
    shares, ranges = given.get("quantiles"), given.get("value_ranges")
    if not isinstance(shares, list) or not isinstance(ranges, list) or len(shares) != len(ranges) or not shares:
        raise Refused("quantile_ranges must have as many value_ranges as quantiles, at least one")
    for share, ends in zip(shares, ranges, strict=True):
        if not isinstance(share, int | float) or not 0 <= share <= 1:
            raise Refused(f"{share!r:.40} is no quantile: it lies between 0 and 1")
        if not isinstance(ends, list) or len(ends) != 2 or any(not isinstance(e, int | float | None) for e in ends):
            raise Refused(f"{ends!r:.60} is no range: [least, greatest], either may be null")
    return shares, ranges


def _places(at: float, rule: str) -> list[float]:
    if rule == "linear":
        return [at]
    if rule == "nearest":
        return [float(round(at))]
    low, high = float(math.floor(at)), float(math.ceil(at))
    return {"lower": [low], "higher": [high], "midpoint": [low, high]}[rule]


def _share(at: float, count: int) -> float:
    return at / (count - 1) if count > 1 else 0.0


def _judge_quantiles(shares: list[float], ranges: list[list[float | None]], values: list[Any]) -> Judgement:
    held = [_inside(value, *ends) for value, ends in zip(values, ranges, strict=True)]
    out = [f"q{share:g} is {shown(value)}" for share, value, ok in zip(shares, values, held, strict=True) if not ok]
    result = {"observed_value": {"quantiles": shares, "values": values}, "details": {"success_details": held}}
    return Judgement(all(held), result, reason="out of range: " + ", ".join(out) if out else "")


def _inside(value: float | None, low: float | None, high: float | None) -> bool:
    if value is None:
        return False
    least, most = -math.inf if low is None else low, math.inf if high is None else high
    return least <= value <= most or any(math.isclose(value, end, rel_tol=1e-4) for end in (least, most))


CATALOGUE: dict[str, Builder] = {
    "expect_column_min_to_be_between": _figure("min({cell})", "least value", ("number", "bool", "time", "text")),
    "expect_column_max_to_be_between": _figure("max({cell})", "greatest value", ("number", "bool", "time", "text")),
    "expect_column_mean_to_be_between": _figure("avg({cell})", "mean", ("number", "bool")),
    "expect_column_median_to_be_between": _figure("quantile_cont({cell}, 0.5)", "median", ("number", "bool", "time")),
    "expect_column_sum_to_be_between": _figure("coalesce(sum({cell}), 0)", "sum", ("number", "bool")),
    "expect_column_stdev_to_be_between": standard_deviation,
    "expect_column_quantile_values_to_be_between": quantiles,
}
