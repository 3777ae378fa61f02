"""What rows of a model look like to those who ask: made once for a lineup, read at every request."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from noria.core.schema import Column, DType
from noria.serving.lineup import Lineup

PREDICTION_ID = "prediction_id"
"""A column that every contract knows besides those of the model: the caller's own id of a row."""

_UNSIGNED = {f"UINT{bits}": (0, (1 << bits) - 1) for bits in (8, 16, 32, 64)}
_SIGNED = {f"INT{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) for bits in (8, 16, 32, 64)}
INTEGERS = {**_UNSIGNED, **_SIGNED}
"""The least and the greatest value of each integer datatype of the Open Inference Protocol."""
FLOATS = ("FP16", "FP32", "FP64")
DATATYPES: dict[DType, tuple[str, ...]] = {
    "string": ("BYTES",),
    "int": ("INT64", *(name for name in INTEGERS if name != "INT64")),
    "float": ("FP64", "FP32", "FP16", *INTEGERS),
    "bool": ("BOOL",),
    "time": ("INT64", "BYTES"),
}
"""Which datatypes each column takes; the first is the one that metadata names. A time is microseconds or ISO text."""

Fits = tuple[frozenset[type], int, int]
"""What a tensor may hold as it is: types, and the least and the greatest whole number."""
_NONE = type(None)
_ANY_INTEGER = (-(1 << 1030), 1 << 1030)


def _fits(datatype: str) -> Fits:
    if datatype in INTEGERS:
        return frozenset((int, _NONE)), *INTEGERS[datatype]
    if datatype in FLOATS:
        return frozenset((float, int, _NONE)), *_ANY_INTEGER
    return frozenset((bool if datatype == "BOOL" else str, _NONE)), *_ANY_INTEGER


@dataclass(frozen=True)
class Shape:
    """The rows of one lineup."""

    lineup: Lineup = field(repr=False)

    @cached_property
    def columns(self) -> dict[str, Column]:
        """The request columns by name, in declared order."""
        return {column.name: column for column in self.lineup.champion.package.inputs.request}

    @cached_property
    def positional(self) -> tuple[str, ...]:
        """The columns of a row that is a mere list: the declared ones, without the moment of asking, which is now."""
        asked_at = self.lineup.champion.package.inputs.asked_at
        return tuple(name for name in self.columns if name != asked_at)

    @cached_property
    def tensors(self) -> dict[str, dict[str, Fits]]:
        """By input name and datatype: what its tensor may hold."""
        columns = {**self.columns, PREDICTION_ID: Column(PREDICTION_ID, "string")}
        return {
            name: {datatype: _fits(datatype) for datatype in DATATYPES[column.dtype]}
            for name, column in columns.items()
        }

    @property
    def label(self) -> str:
        """The name of the prediction."""
        return self.lineup.champion.package.label

    def example(self) -> dict[str, Any]:
        """A row of the right types, for documents; no row of anybody's."""
        values: dict[DType, Any] = {
            "string": "A1", "int": 1, "float": 1.5, "bool": True, "time": "2026-01-31T12:00:00Z"
        }  # fmt: skip
        return {name: values[self.columns[name].dtype] for name in self.positional}
