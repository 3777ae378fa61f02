"""What rows of a model look like to those who ask: made once for a lineup, read at every request."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from noria.core.schema import Column, DType
from noria.serving.contracts.datatypes import DATATYPES, PREDICTION_ID, Fits, fits_of
from noria.serving.contracts.layouts import Layouts
from noria.serving.contracts.skeletons import Skeletons
from noria.serving.lineup import Lineup


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
            name: {datatype: fits_of(datatype) for datatype in DATATYPES[column.dtype]}
            for name, column in columns.items()
        }

    @cached_property
    def layouts(self) -> Layouts:
        """What single rows looked like so far."""
        return Layouts(self.tensors)

    @cached_property
    def skeletons(self) -> Skeletons:
        """What bodies of single rows looked like so far."""
        return Skeletons()

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
