"""`Joined`: another source's newest row, added to every row of a view."""

from __future__ import annotations

from dataclasses import dataclass

from noria.core.errors import Fault
from noria.core.suggest import did_you_mean
from noria.core.units import Duration
from noria.features.model import LatestJoin
from noria.project.sources import Source


@dataclass(frozen=True)
class Joined:
    """A join as it was written: the source, pairs of (view's column, source's column), the oldest age."""

    source: type[Source]
    on: tuple[tuple[str, str], ...]
    ttl: Duration | None = None

    def spec(self) -> LatestJoin:
        """The join as the features folder takes it; only when it has no faults."""
        schema, ttl = self.source.noria_schema, self.ttl.micros if self.ttl else None
        return LatestJoin(
            self.source.__name__, self.on, schema.event_time, schema.columns, ttl, schema.key, schema.retraction
        )

    def check(self, view: str, to: type[Source]) -> list[Fault]:
        """Everything wrong with it, in a view of `to`."""
        said: object = self.source
        if not (isinstance(said, type) and issubclass(said, Source)):
            return [Fault(view, f"joins {said!r}, which is no source", "write latest_of(SomeSource, on=…)")]
        place = f"{view}, latest_of({self.source.__name__})"
        faults = []
        if self.source is to:
            faults.append(Fault(place, "joins the view's own source", "latest() gives its newest value"))
        if not self.on:
            faults.append(Fault(place, "does not say on which columns", 'such as on="origin"'))
        if self.ttl is not None and self.ttl.micros <= 0:
            faults.append(Fault(place, f"ttl={self.ttl} must be above zero"))
        for mine, theirs in self.on:
            faults += _paired(place, mine, theirs, to, self.source)
        return faults


def _paired(place: str, mine: str, theirs: str, to: type[Source], source: type[Source]) -> list[Fault]:
    faults = [
        missing_column(place, f"on={name!r}", name, of)
        for name, of in ((mine, to), (theirs, source))
        if name not in of.noria_schema
    ]
    if faults:
        return faults
    one, other = to.noria_schema[mine].dtype, source.noria_schema[theirs].dtype
    if one != other:
        return [Fault(place, f"{to.__name__}.{mine} is {one}, but {source.__name__}.{theirs} is {other}")]
    return []


def missing_column(place: str, said: str, name: str, of: type[Source]) -> Fault:
    """A column is named that a source does not have."""
    names = of.noria_schema.names
    guess = did_you_mean(name, names) or f"{of.__name__} has {', '.join(names)}"
    return Fault(place, f"{said} is no column of {of.__name__}", guess)
