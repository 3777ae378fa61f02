"""From the partials of a feature's slots, over all pieces of its window, to its value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from math import sqrt
from typing import Any

from noria.core.schema import DType
from noria.features.aggregates.distinct import estimate
from noria.features.aggregates.ends import newest, order
from noria.features.aggregates.moments import variance
from noria.features.aggregates.quantiles import quantile
from noria.features.aggregates.sums import fitting, quotient, total
from noria.features.model import FeatureSpec

Lowering = Callable[..., Any]


def lowering(feature: FeatureSpec, dtype: DType) -> Lowering:
    """The function for a feature of a column of type `dtype`; its arguments are the pieces of each of its slots."""
    make = _KINDS.get(feature.kind)
    return make(feature, dtype) if make else _PLAIN[feature.kind]


def _sum(_: FeatureSpec, dtype: DType) -> Lowering:
    if dtype == "float":
        return lambda sums, counts: total(sums) if any(counts) else None
    return lambda sums, counts: fitting(sum(sums)) if any(counts) else None


def _mean(_: FeatureSpec, dtype: DType) -> Lowering:
    if dtype == "float":
        return lambda sums, counts: quotient(total(sums), sum(counts))
    return lambda sums, counts: quotient(sum(sums), sum(counts))


def _quantile(feature: FeatureSpec, _: DType) -> Lowering:
    wanted = 0.5 if feature.quantile is None else feature.quantile
    return lambda pieces: quantile(pieces, wanted)


def _last_n(feature: FeatureSpec, _: DType) -> Lowering:
    n = feature.n or 1
    return lambda pieces: [entry[3] for entry in newest(chain.from_iterable(pieces), n)]


def _share(true: Sequence[int], judged: Sequence[int]) -> float | None:
    return quotient(sum(true), sum(judged))


def _std(pieces: Sequence[Any]) -> float | None:
    found = variance(pieces)
    return None if found is None else sqrt(found)


def _end(best: Callable[..., Any]) -> Lowering:
    def value(pieces: Sequence[Any]) -> Any:
        found = best((piece for piece in pieces if piece is not None), key=order, default=None)
        return None if found is None else found[3]

    return value


def _extreme(best: Callable[..., Any]) -> Lowering:
    return lambda pieces: best((piece for piece in pieces if piece is not None), default=None)


_KINDS: dict[str, Callable[[FeatureSpec, DType], Lowering]] = {
    "sum": _sum, "mean": _mean, "quantile": _quantile, "last_n": _last_n
}  # fmt: skip
_PLAIN: dict[str, Lowering] = {
    "count": sum, "share": _share, "min": _extreme(min), "max": _extreme(max), "var": variance, "std": _std,
    "first": _end(min), "last": _end(max), "distinct": estimate,
}  # fmt: skip
