"""The inputs of a model for typed rows, many at a time: the same values that the endpoint looks up one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from noria.core.clock import Clock, Micros
from noria.core.schema import Column
from noria.data.model import Part
from noria.features.functions import caller
from noria.features.model import FunctionInput, InputColumn, InputSet, ViewInput, input_columns
from noria.features.online.reader import FeatureReader
from noria.features.operations import ARROW_TYPES, features_of
from noria.workspace.workspace import Workspace

Functions = Mapping[str, Callable[..., Any]]
_ROW = "noria_asked_row"


class LookUp:
    """Makes the inputs of typed rows asked at given moments."""

    needed: tuple[Column, ...]
    """The columns that a row is to have."""

    def inputs(self, rows: Mapping[str, Any], moments: np.ndarray[Any, Any]) -> pa.Table:
        """A table with every input of the model, in the order of the rows. Raises FunctionFailed."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what is open."""


@dataclass
class Given(LookUp):
    """Every feature is in the table; functions are called where the table has no column of their name."""

    inputs_of: InputSet
    functions: Functions
    there: frozenset[str]

    def __post_init__(self) -> None:
        self._calls = [
            one for one in self.inputs_of.inputs if isinstance(one, FunctionInput) and one.name not in self.there
        ]
        called = {one.name for one in self._calls}
        asked = {column.name: column for column in self.inputs_of.request}
        flat = [one for one in input_columns(self.inputs_of) if one.name not in called]
        wanted = {one.name: asked.get(one.name) or _column(one) for one in flat}
        for one in self._calls:
            wanted.update({name: asked[name] for name in one.arguments if name != self.inputs_of.asked_at})
        self.needed = tuple(wanted.values())

    def inputs(self, rows: Mapping[str, Any], moments: np.ndarray[Any, Any]) -> pa.Table:
        values = dict(rows)
        values.setdefault(self.inputs_of.asked_at, pa.array(moments, pa.int64()))
        for one in self._calls:
            values[one.name] = _called(one, self.inputs_of, self.functions, values)
        return pa.table({one.name: values[one.name] for one in input_columns(self.inputs_of)})


@dataclass
class History(LookUp):
    """Features as they were known at each row's moment, from parts of the sources' history."""

    ws: Workspace
    inputs_of: InputSet
    parts: Mapping[str, Sequence[Part]]
    functions: Functions

    def __post_init__(self) -> None:
        self.needed = _request(self.inputs_of)
        numbered = (*self.inputs_of.request, Column(_ROW, "int"))
        self._numbered = replace(self.inputs_of, key=_ROW, request=numbered)

    def inputs(self, rows: Mapping[str, Any], moments: np.ndarray[Any, Any]) -> pa.Table:
        asked = self.inputs_of.asked_at
        columns = {
            column.name: rows[column.name].cast(ARROW_TYPES[column.dtype])
            for column in self.inputs_of.request
            if column.name != asked
        }
        columns[asked] = pa.array(moments, pa.int64())
        columns[_ROW] = pa.array(np.arange(len(moments)), pa.int64())
        table = features_of(self.ws, self._numbered, pa.table(columns), self.parts, self.functions)
        place = np.empty(len(moments), dtype=np.int64)
        place[table[_ROW].to_numpy()] = np.arange(len(moments))
        return table.take(pa.array(place)).select([one.name for one in input_columns(self.inputs_of)])


@dataclass
class Online(LookUp):
    """Features as the online store has them: what a data plane wrote there last."""

    ws: Workspace
    inputs_of: InputSet
    functions: Functions

    def __post_init__(self) -> None:
        self.needed = _request(self.inputs_of)
        self._store = self.ws.online_store("features")
        self._reader = FeatureReader(self.inputs_of.views, self._store)
        self._views = {view.name: view for view in self.inputs_of.views}

    def inputs(self, rows: Mapping[str, Any], moments: np.ndarray[Any, Any]) -> pa.Table:
        self._reader.refresh()
        values: dict[str, Any] = {**rows, self.inputs_of.asked_at: pa.array(moments, pa.int64())}
        at = int(moments.max())
        for one in self.inputs_of.inputs:
            if isinstance(one, ViewInput):
                values.update(self._of_view(one, rows, at))
            elif isinstance(one, FunctionInput):
                values[one.name] = _called(one, self.inputs_of, self.functions, values)
        return pa.table({one.name: values[one.name] for one in input_columns(self.inputs_of)})

    def close(self) -> None:
        self._store.close()

    def _of_view(self, one: ViewInput, rows: Mapping[str, Any], at: Micros) -> dict[str, Any]:
        view = self._views[one.view]
        entities = list(zip(*(rows[key].to_pylist() for key in one.keys), strict=True))
        distinct = list(dict.fromkeys(entities))
        found = self._reader.read_many(view, distinct, at)
        values = {entity: reading.values for entity, reading in zip(distinct, found, strict=True)}
        made = {}
        for feature in view.features:
            kind = ARROW_TYPES[feature.dtype]
            many = pa.list_(kind) if feature.kind == "last_n" else kind
            column = [values[entity][feature.name] for entity in entities]
            made[f"{view.name}.{feature.name}"] = pa.array(column, many)
        return made


def latest_moment(clock: Clock, rows: int) -> np.ndarray[Any, Any]:
    """The present, for each row."""
    return np.full(rows, clock.now(), dtype=np.int64)


def _request(inputs: InputSet) -> tuple[Column, ...]:
    return tuple(column for column in inputs.request if column.name != inputs.asked_at)


def _column(one: InputColumn) -> Column:
    return Column(one.name, one.dtype, nullable=one.nullable)


def _called(one: FunctionInput, inputs: InputSet, functions: Functions, values: Mapping[str, Any]) -> pa.Array:
    call = caller(one, inputs, functions)
    arguments = [values[name].to_pylist() for name in one.arguments]
    made = [call(dict(zip(one.arguments, row, strict=True))) for row in zip(*arguments, strict=True)]
    return pa.array(made, ARROW_TYPES[one.dtype])
