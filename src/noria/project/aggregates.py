"""What a feature view is made of: `mean(Departure.delay, over=hours(1))` and its kin.

The commonest are in `noria` itself; all are here: `from noria import aggregates`. What they share:

`over` is a length of time, `lifetime()`, or a list of them (then each gives a feature, named after it). A
window ends just before the moment asked about; its far end is rounded down to 5 minutes (up to 12 hours), an
hour (up to 12 days) or a day, unless `hop` says otherwise ("exact": not at all). `offset` moves the whole
window back. `where` is a comparison such as `Departure.delay > 15`, or a list of which all must hold: other rows
do not take part. Nulls are left out; without a value a feature is null, a count is 0 and a list is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noria.core.units import Duration
from noria.project.feature import Feature, Hop, How, Lifetime, Over, Where
from noria.project.joined import Joined
from noria.project.sources import Source

_NOW = Duration(0)


def lifetime() -> Lifetime:
    """Everything before the moment asked about: `total = count(over=lifetime())`."""
    return Lifetime()


def count(of: object = None, *, over: Over, hop: Hop = None, offset: Duration = _NOW, where: Where = ()) -> Feature:
    """How many rows there were; 0 when none. With a column: non-null ones."""
    return Feature("count", of, over, how=How(hop, offset, where))


def sum(of: float | None, *, over: Over, hop: Hop = None, offset: Duration = _NOW, where: Where = ()) -> Feature:
    """The sum of a column: exact for whole numbers (null beyond 64 bits), compensated for others."""
    return Feature("sum", of, over, how=How(hop, offset, where))


def mean(of: float | None, *, over: Over, hop: Hop = None, offset: Duration = _NOW, where: Where = ()) -> Feature:
    """The mean of a column."""
    return Feature("mean", of, over, how=How(hop, offset, where))


def min(of: float | None, *, over: Over, hop: Hop = None, offset: Duration = _NOW, where: Where = ()) -> Feature:
    """The smallest value of a column."""
    return Feature("min", of, over, how=How(hop, offset, where))


def max(of: float | None, *, over: Over, hop: Hop = None, offset: Duration = _NOW, where: Where = ()) -> Feature:
    """The largest value of a column."""
    return Feature("max", of, over, how=How(hop, offset, where))


def var(of: float | None, *, over: Over, hop: Hop = None, offset: Duration = _NOW, where: Where = ()) -> Feature:
    """The sample variance of a column (n - 1); null below two values."""
    return Feature("var", of, over, how=How(hop, offset, where))


def std(of: float | None, *, over: Over, hop: Hop = None, offset: Duration = _NOW, where: Where = ()) -> Feature:
    """The sample standard deviation of a column (n - 1); null below two values."""
    return Feature("std", of, over, how=How(hop, offset, where))


def share(of: bool, *, over: Over, hop: Hop = None, offset: Duration = _NOW, where: Where = ()) -> Feature:
    """The share of rows for which a comparison such as `Arrival.delay > 15` holds, of those where it can be made."""
    return Feature("share", of, over, how=How(hop, offset, where))


def first(of: object, *, over: Over, hop: Hop = None, offset: Duration = _NOW, where: Where = ()) -> Feature:
    """The first value of a column in the window."""
    return Feature("first", of, over, how=How(hop, offset, where))


def last(of: object, *, over: Over, hop: Hop = None, offset: Duration = _NOW, where: Where = ()) -> Feature:
    """The last value of a column in the window; unlike `latest`, a null is passed over."""
    return Feature("last", of, over, how=How(hop, offset, where))


def last_n(of: object, n: int, *, over: Over, hop: Hop = None, offset: Duration = _NOW, where: Where = ()) -> Feature:
    """The newest `n` values of a column, newest first; a list, which no model takes as an input."""
    return Feature("last_n", of, over, how=How(hop, offset, where, n=n))


def distinct(of: object, *, over: Over, hop: Hop = None, offset: Duration = _NOW, where: Where = ()) -> Feature:
    """How many different values there were, estimated: nearly always right below 100, within about 2 percent above."""
    return Feature("distinct", of, over, how=How(hop, offset, where))


def quantile(
    of: float | None, q: float, *, over: Over, hop: Hop = None, offset: Duration = _NOW, where: Where = ()
) -> Feature:
    """The value below which a share `q` of the values lie (0.5: the median), within 0.8 percent of it."""
    return Feature("quantile", of, over, how=How(hop, offset, where, quantile=q))


def latest(of: object, *, ttl: Duration | None, where: Where = ()) -> Feature:
    """The newest row's value of a column, null included, unless it is older than `ttl` (inclusive); then null.

    Without a limit (`ttl=None`) it is the newest one however old.
    """
    return Feature("latest", of, ttl=ttl, how=How(where=where))


def latest_of(
    source: type[Source], *, on: str | Sequence[str] | Mapping[str, str], ttl: Duration | None = None
) -> Joined:
    """Columns of another source's newest row, for every row of a view: `FeatureView[...], joins=[latest_of(...)]`.

    `on` names the columns that both sources have, or maps those of the view's source to those of `source`. The
    value is what was known when the row became known, and not older than `ttl`; it does not change afterwards.

    Example::

        class Airport(noria.FeatureView[Departure], entity="origin", joins=[latest_of(Weather, on="origin")]):
            in_wind = mean(Departure.delay, over=days(7), where=Weather.wind_speed > 20)
    """
    pairs: Any = (
        on.items() if isinstance(on, Mapping) else [(one, one) for one in ([on] if isinstance(on, str) else on)]
    )
    return Joined(source, tuple((str(mine), str(theirs)) for mine, theirs in pairs), ttl)
