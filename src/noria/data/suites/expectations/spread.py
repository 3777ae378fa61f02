"""Values far from the others: z-scores, outliers, and a distribution against an expected one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from noria.data.suites import quoting
from noria.data.suites.asking import Asking, filtered, map_column
from noria.data.suites.expectations.bounds import shown
from noria.data.suites.expectations.numbers import deviation
from noria.data.suites.fields import Field
from noria.data.suites.plan import Ask, Judgement, NotRun, Plan, Query, Refused

_MOST_VALUES = 100_000


def z_scores(asked: Asking) -> Plan:
    """Each value's distance from the mean, in standard deviations, is below `threshold` (both ways if `double_sided`).

    Where there is no deviation (one value, all the same, an infinity) no value is far away.
    """
    field = _numeric(asked)
    threshold = asked.number("threshold")
    if threshold is None:
        raise Refused("threshold is not given")

    def beyond(found: Mapping[str, Any]) -> Plan:
        mean, spread = found["mean"], found["spread"]
        if not _usable(mean) or not spread:
            return map_column(asked, field, f"{field.sql} IS NOT NULL OR NULL")
        score = f"(({field.sql} - {quoting.value(float(mean))}) / {quoting.value(float(spread))})"
        if asked.kwargs.get("double_sided", True):
            return map_column(asked, field, f"abs({score}) < {quoting.value(abs(threshold))}")
        return map_column(asked, field, f"{score} < {quoting.value(threshold)}")

    return Ask(_centre(asked, field), beyond)


def outliers(asked: Asking) -> Plan:
    """No value lies beyond `multiplier` times the spread: interquartile range (Tukey's fences) or deviation.

    `method` is "iqr" (a value on a fence is inside) or "std" (a value on it is outside).
    """
    field = _numeric(asked)
    method, multiplier = asked.kwargs.get("method", "iqr"), asked.number("multiplier", 1.5)
    if method not in ("iqr", "std") or multiplier is None:
        raise Refused(f"method is 'iqr' or 'std', not {method!r:.40}")
    if method == "iqr":
        asks = {side: filtered(f"quantile_cont({field.sql}, {share})", asked.where)
                for side, share in (("low", 0.25), ("high", 0.75))}  # fmt: skip
        return Ask(asks, lambda found: _fences(asked, field, found["low"], found["high"], multiplier))

    def around(found: Mapping[str, Any]) -> Plan:
        mean, spread = found["mean"], found["spread"]
        if not _usable(mean) or spread is None:
            return map_column(asked, field, f"{field.sql} IS NOT NULL OR NULL")
        centre, reach = quoting.value(float(mean)), multiplier * float(spread)
        if reach <= 0:
            return map_column(asked, field, f"{field.sql} = {centre}")
        return map_column(asked, field, f"abs({field.sql} - {centre}) < {quoting.value(reach)}")

    return Ask(_centre(asked, field), around)


def _numeric(asked: Asking) -> Field:
    field = asked.column()
    if field.kind != "number":
        raise Refused(f"{field.name!r} is {field.type}; only numbers lie far from each other")
    return field


def _centre(asked: Asking, field: Field) -> dict[str, str]:
    return {"mean": filtered(f"avg({field.sql})", asked.where), "spread": deviation(field, asked.where)}


def _usable(figure: Any) -> bool:
    return figure is not None and math.isfinite(figure)


def _fences(asked: Asking, field: Field, low: Any, high: Any, multiplier: float) -> Plan:
    if not _usable(low) or not _usable(high):
        return map_column(asked, field, f"{field.sql} IS NOT NULL OR NULL")
    reach = multiplier * (float(high) - float(low))
    least, most = quoting.value(float(low) - reach), quoting.value(float(high) + reach)
    return map_column(asked, field, f"{field.sql} >= {least} AND {field.sql} <= {most}")


def divergence(asked: Asking) -> Plan:
    """The relative entropy (Kullback and Leibler, 1951) of the column to `partition_object` is at most `threshold`.

    The partition has `weights` with `values` (categories) or `bins` (edges, n + 1 for n weights), which may
    come with `tail_weights`. Values outside it make the distance infinite unless `tail_weight_holdout` leaves
    them some weight; `internal_weight_holdout` does so for empty bins.
    """
    field, partition = asked.column(), asked.kwargs.get("partition_object")
    if not isinstance(partition, Mapping):
        raise NotRun("without a partition_object there is nothing to compare the column with")
    weights = _weights(partition)
    tail, inner = asked.number("tail_weight_holdout", 0) or 0, asked.number("internal_weight_holdout", 0) or 0
    if not 0 <= tail <= 1 or not 0 <= inner <= 1:
        raise Refused("a holdout is a share between 0 and 1")
    if tail and "tail_weights" in partition:
        raise Refused("tail_weight_holdout must be 0 when the partition has tail_weights")
    if "values" in partition:
        if inner:
            raise Refused("internal_weight_holdout is for bins, not for values")
        return _of_values(asked, field, partition, weights, tail)
    return _of_bins(asked, field, partition, weights, tail, inner)


def _weights(partition: Mapping[str, Any]) -> list[float]:
    weights, places = partition.get("weights"), partition.get("values", partition.get("bins"))
    if not isinstance(weights, list) or not isinstance(places, list) or not weights:
        raise Refused("partition_object must have weights, and values or bins")
    if any(isinstance(one, bool) or not isinstance(one, int | float) or not one >= 0 for one in weights):
        raise Refused("the weights of partition_object must be numbers from 0 up")
    if len(places) != len(weights) + ("bins" in partition):
        raise Refused("partition_object needs as many values as weights, or one more edge of bins")
    tails = partition.get("tail_weights", [])
    if not math.isclose(math.fsum([*weights, *tails]), 1.0, rel_tol=1e-5, abs_tol=1e-8):
        raise Refused(f"the weights of partition_object sum to {math.fsum([*weights, *tails]):g}, not to 1")
    return weights


def _of_values(
    asked: Asking, field: Field, partition: Mapping[str, Any], weights: Sequence[float], tail: float
) -> Plan:
    sql = f"SELECT {field.sql} AS v, count(*) FROM __table WHERE ({asked.where}) AND {field.sql} IS NOT NULL"

    def judge(found: list[tuple[Any, ...]]) -> Judgement:
        total = sum(count for _, count in found)
        observed = {value: count / total for value, count in found}
        expected = dict(zip(partition["values"], weights, strict=True))
        strange = [value for value in observed if value not in expected]
        if strange:
            expected = {value: weight * (1 - tail) for value, weight in expected.items()}
            expected |= dict.fromkeys(strange, tail / len(strange))
        seen = [observed.get(value, 0.0) for value in expected]
        return _judge_divergence(asked, seen, list(expected.values()), {"values": list(expected)})

    return Query(f"{sql} GROUP BY 1 LIMIT {_MOST_VALUES}", judge)


def _of_bins(
    asked: Asking, field: Field, partition: Mapping[str, Any], weights: list[float], tail: float, inner: float
) -> Plan:
    if field.kind != "number":
        raise Refused(f"{field.name!r} is {field.type}; bins are for numbers")
    edges = partition["bins"]
    if any(not isinstance(one, int | float) for one in edges) or sorted(set(edges)) != edges:
        raise Refused("the bins of partition_object must be numbers that rise")
    open_ends = [math.isinf(edges[0]), math.isinf(edges[-1])]
    tails = _tails(partition, tail, open_ends)
    expected = [one * (1 - tail - inner) for one in weights]
    empty = expected.count(0)
    expected = [inner / empty if one == 0 and inner else one for one in expected]
    asks = {"there": filtered(f"count({field.sql})", asked.where)} | _bin_counts(asked, field, edges)

    def judge(found: Mapping[str, Any]) -> Judgement:
        there = found["there"] or math.nan
        seen = [found[f"bin{n}"] / there for n in range(len(weights))]
        sides = [found["below"] / there, found["above"] / there]
        left, right = ([] if is_open else [n] for n, is_open in enumerate(open_ends))
        pk = [sides[n] for n in left] + seen + [sides[n] for n in right]
        qk = [tails[n] for n in left] + expected + [tails[n] for n in right]
        return _judge_divergence(asked, pk, qk, {"bins": edges})

    return Ask(asks, judge)


def _tails(partition: Mapping[str, Any], tail: float, open_ends: Sequence[bool]) -> list[float]:
    given = partition.get("tail_weights")
    if any(open_ends):
        if given or (tail and all(open_ends)):
            raise Refused("a partition with infinite ends has no tails beyond them")
        return [tail, tail]
    if given is not None:
        return [float(one) for one in given]
    return [tail / 2, tail / 2]


def _bin_counts(asked: Asking, field: Field, edges: Sequence[float]) -> dict[str, str]:
    """Counts of cells in [edge, next edge), the last bin closed at both ends, and beyond the first and last edge."""
    cell, asks = field.sql, {}
    for n, (low, high) in enumerate(pairwise(edges)):
        sign = "<=" if n == len(edges) - 2 else "<"
        inside = f"{cell} >= {quoting.value(low)} AND {cell} {sign} {quoting.value(high)}"
        asks[f"bin{n}"] = filtered("count(*)", f"({asked.where}) AND {inside}")
    asks["below"] = filtered("count(*)", f"({asked.where}) AND {cell} < {quoting.value(edges[0])}")
    asks["above"] = filtered("count(*)", f"({asked.where}) AND {cell} > {quoting.value(edges[-1])}")
    return asks


def relative_entropy(observed: Sequence[float], expected: Sequence[float]) -> float:
    """Sum of p log(p / q) in nats after both are brought to 1; infinite where q is 0 and p is not.

    >>> round(relative_entropy([0.5, 0.5], [0.9, 0.1]), 4)
    0.5108
    """
    total, wanted = math.fsum(observed), math.fsum(expected)
    if not total or not wanted or math.isnan(total):
        return math.nan
    terms = []
    for p, q in zip(observed, expected, strict=True):
        if p and not q:
            return math.inf
        terms.append(p / total * math.log((p / total) / (q / wanted)) if p else 0.0)
    return math.fsum(terms)


def _judge_divergence(asked: Asking, seen: list[float], expected: list[float], where: Mapping[str, Any]) -> Judgement:
    found, threshold = relative_entropy(seen, expected), asked.number("threshold")
    success = threshold is None or found <= threshold
    result = {
        "observed_value": found if math.isfinite(found) else None,
        "details": {
            "observed_partition": {**where, "weights": seen},
            "expected_partition": {**where, "weights": expected},
        },
    }
    return Judgement(success, result, reason="" if success else f"the divergence is {shown(found)}, not <= {threshold}")


CATALOGUE = {
    "expect_column_value_z_scores_to_be_less_than": z_scores,
    "expect_column_values_to_not_be_outliers": outliers,
    "expect_column_kl_divergence_to_be_less_than": divergence,
}
