"""What the features folder speaks of: views over sources, and the set of inputs a model is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from noria.core.clock import Micros
from noria.core.errors import BadInput, FaultyInput
from noria.core.schema import Column, DType

AggregateKind = Literal[
    "count", "sum", "mean", "share", "min", "max", "var", "std", "first", "last", "distinct", "quantile", "last_n",
    "latest",
]  # fmt: skip
FOREVER: Micros = 2**61
"""How far back a row can matter that nothing ever pushes out: a lifetime window, a newest value without `ttl`."""
Knowledge = Literal["as_known", "as_of_event"]
"""What counts for a request at t: the rows known by t (the default), or with hindsight every row that is known now."""


@dataclass(frozen=True)
class Predicate:
    """A comparison of a column with a constant: `delay > 15`. True and false are counted; null is neither."""

    column: str
    op: Literal["<", "<=", ">", ">=", "==", "!="]
    value: float | str


@dataclass(frozen=True)
class FeatureSpec:
    """One feature of a view: an aggregate of the rows in a window, or the newest row's value (`latest`).

    `column` is what is aggregated; `share` has `predicate` instead; `count` may have neither. Only rows for
    which every predicate of `where` is true take part (null is not true).

    Aggregates reach over `window` (microseconds), or over everything before (`lifetime`). A window of length W
    at t covers [floor(t - offset - W, hop), t - offset); `hop` None is the one that `windows.hop_of` gives, 1
    is exact. `latest` is the newest row's value, null included, not older than `ttl` (microseconds, inclusive;
    None: however old), among the rows up to and at t.

    What the kinds mean: nulls are left out of every one but `latest`. `var` and `std` are of a sample (n - 1;
    null below two values). `first`, `last` and `last_n` (the newest `n`, newest first) go by (event time,
    moment of knowing, key, value), as `latest` does; a null key or value is the smallest. `quantile` is the
    value of rank ceil(q n), within 0.8 percent (aggregates/quantiles.py); `distinct` is estimated within about
    2 percent (aggregates/distinct.py). Without a row `count` and `distinct` are 0, `last_n` is [], others null.

    `dtype` is the type of the values; of `last_n` that of the list's elements.
    """

    name: str
    kind: AggregateKind
    column: str | None = None
    predicate: Predicate | None = None
    window: Micros | None = None
    ttl: Micros | None = None
    dtype: DType = "float"
    lifetime: bool = False
    hop: Micros | None = None
    offset: Micros = 0
    where: tuple[Predicate, ...] = ()
    n: int | None = None
    quantile: float | None = None

    @property
    def windowed(self) -> bool:
        """Whether this is an aggregate over rows, and not the newest row's value."""
        return self.kind != "latest"

    @property
    def nullable(self) -> bool:
        """Whether there may be no value."""
        return self.kind not in ("count", "distinct", "last_n")

    @property
    def default(self) -> Any:
        """The value when there is no row."""
        return None if self.nullable else [] if self.kind == "last_n" else 0


@dataclass(frozen=True)
class LatestJoin:
    """Columns of another source's newest row, added to each row of a view's source.

    `on` pairs columns of the view's source with columns of `source`. The value is what the store would have
    answered when the row became known: of the rows known by then, the newest by (event time, moment of
    knowing, key, value) that had happened by then and is not older than `ttl`. It never changes afterwards.
    The columns (all of `source`, in `columns`) are called `source.column` in features and predicates.
    """

    source: str
    on: tuple[tuple[str, str], ...]
    event_time: str
    columns: tuple[Column, ...]
    ttl: Micros | None = None
    key: str | None = None
    retraction: str | None = None

    def name(self, column: str) -> str:
        """What a column of the joined source is called in the view."""
        return f"{self.source}.{column}"


@dataclass(frozen=True)
class ViewSpec:
    """Features of an entity (one or more columns of `source`), each computed from that source's rows.

    `columns` are the source's columns (so that an online event can be validated and read alone). An entity is
    a tuple of typed values, never joined as text; a row that lacks one of them belongs to nobody.

    **One event, once.** `key` names the event that a row tells of. Rows of one key, entity and event time are
    one event: the first known of them counts, copies that come later do not. A row whose `retraction` column
    is true (or below zero) takes its event back: from the moment the retraction is known, the event counts
    for nobody who asks from then on, and for whoever asked before, it counted. It does not matter which of
    the two comes first; a key that was taken back does not come again (a correction is a retraction of the
    old row, and a new row of another key). A row without a key is an event of its own and cannot be taken back.
    """

    name: str
    source: str
    entities: tuple[str, ...]
    event_time: str
    features: tuple[FeatureSpec, ...]
    columns: tuple[Column, ...] = ()
    key: str | None = None
    retraction: str | None = None
    joins: tuple[LatestJoin, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source whose rows matter, the view's own first."""
        return tuple(dict.fromkeys([self.source, *(join.source for join in self.joins)]))


@dataclass(frozen=True)
class ViewInput:
    """All features of a view, looked up by the request's columns `keys`, one for each of the view's entities.

    Inputs are named `View.feature`.
    """

    view: str
    keys: tuple[str, ...]
    kind: Literal["view"] = "view"


@dataclass(frozen=True)
class FunctionInput:
    """A plain function of request columns: `function` is `module:name`, `arguments` are its parameters.

    `nullable` tells whether it may return None; `fingerprint` is the digest of its code and all it calls.
    """

    name: str
    function: str
    arguments: tuple[str, ...]
    dtype: DType
    nullable: bool = False
    fingerprint: str = ""
    kind: Literal["function"] = "function"


@dataclass(frozen=True)
class ColumnInput:
    """A column of the request itself."""

    name: str
    dtype: DType
    nullable: bool = False
    kind: Literal["column"] = "column"


@dataclass(frozen=True)
class InputSet:
    """What a model sees, in order, about one row of its request source (the "spine").

    `request` are the request source's columns, `asked_at` its event-time column, `key` its key. `knowledge` is
    what counted for its training rows; as a part of the inputs it is recorded wherever these are.
    """

    source: str
    key: str
    asked_at: str
    request: tuple[Column, ...]
    views: tuple[ViewSpec, ...]
    inputs: tuple[ViewInput | FunctionInput | ColumnInput, ...]
    knowledge: Knowledge = "as_known"


@dataclass(frozen=True)
class InputColumn:
    """One flattened input of the model: its name in the training frame and in the ONNX graph, and its type.

    `view` is the feature view it belongs to, or None for functions and request columns. `many`: a list of them.
    """

    name: str
    dtype: DType
    view: str | None = None
    nullable: bool = True
    many: bool = False


def takes_back(mark: Any) -> bool:
    """Whether a row takes its event back, from its `retraction` column: true, or a whole number below zero.

    >>> takes_back(True), takes_back(-1), takes_back(1), takes_back(False), takes_back(None)
    (True, True, False, False, False)
    """
    return mark is True or (mark is not None and mark is not False and bool(mark < 0))


def input_columns(inputs: InputSet) -> tuple[InputColumn, ...]:
    """The model's inputs, flattened and in order: `View.feature` for views, the plain name for the rest."""
    views = {view.name: view for view in inputs.views}
    flat: list[InputColumn] = []
    for one in inputs.inputs:
        if isinstance(one, ViewInput):
            view = views[one.view]
            flat += [
                InputColumn(f"{view.name}.{spec.name}", spec.dtype, view.name, spec.nullable, spec.kind == "last_n")
                for spec in view.features
            ]
        else:
            flat.append(InputColumn(one.name, one.dtype, None, one.nullable))
    return tuple(flat)


class BadEvents(FaultyInput):
    """Source events that do not fit their source; none of them was taken in."""

    code = "N3101"


class BadRequestRow(FaultyInput):
    """A prediction request's row does not fit the request source."""

    code = "N3102"


class FunctionFailed(BadInput):
    """A feature function raised, or returned something else than it declares."""

    code = "N3103"
