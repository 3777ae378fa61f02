"""What the features folder speaks of: views over sources, and the set of inputs a model is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from noria.core.errors import BadInput, FaultyInput
from noria.core.schema import Column, DType

AggregateKind = Literal["count", "sum", "mean", "share", "min", "max", "latest"]


@dataclass(frozen=True)
class Predicate:
    """A comparison of a column with a constant: `delay > 15`. True and false are counted; null is neither."""

    column: str
    op: Literal["<", "<=", ">", ">=", "==", "!="]
    value: float | str


@dataclass(frozen=True)
class FeatureSpec:
    """One feature of a view.

    `window` (microseconds) for aggregates, `ttl` (microseconds, inclusive) for `latest`. `column` is what is
    aggregated; `share` has `predicate` instead; `count` has neither. `dtype` is the type of its values.
    """

    name: str
    kind: AggregateKind
    column: str | None = None
    predicate: Predicate | None = None
    window: int | None = None
    ttl: int | None = None
    dtype: DType = "float"


@dataclass(frozen=True)
class ViewSpec:
    """Features of one entity (a column of `source`), each computed from that source's rows.

    `columns` are the source's columns (so that an online event can be validated and read alone).
    """

    name: str
    source: str
    entity: str
    event_time: str
    features: tuple[FeatureSpec, ...]
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True)
class ViewInput:
    """All features of a view, looked up by the request's column `key`. Inputs are named `View.feature`."""

    view: str
    key: str
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

    `request` are the request source's columns, `asked_at` its event-time column, `key` its key.
    """

    source: str
    key: str
    asked_at: str
    request: tuple[Column, ...]
    views: tuple[ViewSpec, ...]
    inputs: tuple[ViewInput | FunctionInput | ColumnInput, ...]


@dataclass(frozen=True)
class InputColumn:
    """One flattened input of the model: its name in the training frame and in the ONNX graph, and its type.

    `view` is the feature view it belongs to, or None for functions and request columns.
    """

    name: str
    dtype: DType
    view: str | None = None
    nullable: bool = True


def input_columns(inputs: InputSet) -> tuple[InputColumn, ...]:
    """The model's inputs, flattened and in order: `View.feature` for views, the plain name for the rest."""
    views = {view.name: view for view in inputs.views}
    flat: list[InputColumn] = []
    for one in inputs.inputs:
        if isinstance(one, ViewInput):
            view = views[one.view]
            flat += [
                InputColumn(f"{view.name}.{spec.name}", spec.dtype, view.name, nullable=spec.kind != "count")
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
