"""Everything that can be wrong with one feature of a view: each fault names the place and what to write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from noria.core.errors import Fault
from noria.core.units import Duration
from noria.project.columns import ColumnPredicate, ColumnRef
from noria.project.feature import Feature, Lifetime
from noria.project.sources import Source

_NUMBERS = ("sum", "mean", "min", "max", "var", "std", "quantile")
_MOST = 1000
"""The longest list of newest values."""


def feature_faults(feature: Feature, source: type[Source], joined: Sequence[str]) -> list[Fault]:
    """Everything wrong with a feature of a view of `source` to which the sources called `joined` are joined."""
    place = repr(feature)
    faults = [*_taken(feature, source), *_windows(feature), *_figures(feature)]
    said = [feature.of, *feature.how.conditions]
    faults += [fault for one in said for fault in _owned(place, one, source.__name__, joined)]
    faults += [fault for one in feature.how.conditions for fault in _condition(place, one, source.__name__)]
    if isinstance(feature.of, ColumnPredicate):
        faults += _comparable(place, feature.of)
    return faults


def _taken(feature: Feature, source: type[Source]) -> Iterator[Fault]:
    """Whether the function was given what it takes."""
    of, kind, place = feature.of, feature.kind, repr(feature)
    if kind == "share":
        if not isinstance(of, ColumnPredicate):
            yield Fault(place, "share() takes a comparison", f"such as {source.__name__}.column > 15")
        return
    if not isinstance(of, ColumnRef):
        if kind == "count" and isinstance(of, ColumnPredicate):
            yield Fault(place, "count() takes a column, or nothing", f"write count(over=…, where={of.text})")
        elif kind != "count" or of is not None:
            yield Fault(place, f"{kind}() takes a column", f"such as {source.__name__}.column")
        return
    dtype = of.column.dtype
    if kind in _NUMBERS and dtype not in ("int", "float"):
        yield Fault(place, f"{kind}() takes a number; {of!r} is {dtype}")
    if kind == "distinct" and dtype == "float":
        hint = "count a whole number or a text; engines do not agree on how to write a double"
        yield Fault(place, f"distinct() cannot count doubles, and {of!r} is one", hint)


def _owned(place: str, said: object, source: str, joined: Sequence[str]) -> Iterator[Fault]:
    """Whether a column is one that the view's rows have."""
    if isinstance(said, ColumnRef | ColumnPredicate) and said.source not in (source, *joined):
        text = said.text if isinstance(said, ColumnPredicate) else repr(said)
        hint = f"join it: joins=[aggregates.latest_of({said.source}, on=…)]"
        yield Fault(place, f"{text} is of {said.source}, but the view's source is {source}", hint)


def _condition(place: str, said: object, source: str) -> Iterator[Fault]:
    if isinstance(said, ColumnPredicate):
        yield from _comparable(place, said)
    else:
        hint = f"such as where={source}.column > 15, or a list of them"
        yield Fault(place, f"where={said!r} is no comparison of a column", hint)


def _comparable(place: str, said: ColumnPredicate) -> Iterator[Fault]:
    """Whether a column is compared with a constant of its kind."""
    text = isinstance(said.predicate.value, str)
    if said.dtype and text != (said.dtype == "string"):
        wanted = "a text" if said.dtype == "string" else "a number"
        yield Fault(place, f"{said.text}: the column is {said.dtype}", f"compare it with {wanted}")


def _windows(feature: Feature) -> Iterator[Fault]:
    place, how = repr(feature), feature.how
    if feature.kind == "latest":
        if feature.ttl is not None and not _length(feature.ttl):
            yield Fault(place, "needs a length of time above zero", "such as ttl=hours(6), or ttl=None for no limit")
        return
    hint = "such as over=hours(1), over=[hours(1), days(7)] or over=lifetime()"
    if not feature.windows or not all(_length(one) or isinstance(one, Lifetime) for one in feature.windows):
        yield Fault(place, "needs a length of time above zero", hint)
    if how.hop is not None and how.hop != "exact" and not _length(how.hop):
        yield Fault(
            place, f"hop={how.hop} must be a length of time above zero", 'such as hop=minutes(5) or hop="exact"'
        )
    if not isinstance(how.offset, Duration) or how.offset.micros < 0:
        yield Fault(place, f"offset={how.offset} must be a length of time, not below zero", "such as offset=days(1)")


def _figures(feature: Feature) -> Iterator[Fault]:
    place, n, q = repr(feature), feature.how.n, feature.how.quantile
    if feature.kind == "last_n" and not (isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= _MOST):
        yield Fault(place, f"cannot keep {n!r} values", f"write a whole number from 1 to {_MOST}")
    if feature.kind == "quantile":
        number = isinstance(q, int | float) and not isinstance(q, bool)
        if not number or not 0 <= q <= 1:  # type: ignore[operator]
            hint = f"write {q / 100}" if number and 1 < q <= 100 else "0.5 is the median"  # type: ignore[operator]
            yield Fault(place, f"q={q!r} is no share between 0 and 1", hint)


def _length(said: object) -> bool:
    return isinstance(said, Duration) and said.micros > 0
