"""One request's inputs, as the model takes them: request columns, functions of them, features looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from noria.core.clock import Micros
from noria.core.errors import Fault
from noria.features.functions import caller
from noria.features.model import BadRequestRow, FunctionInput, InputSet, ViewInput
from noria.features.online.events import RowReader, shown
from noria.features.online.features import OnlineFeatures


class Vectorizer:
    """Turns request rows of one input set into the model's inputs."""

    def __init__(self, inputs: InputSet, online: OnlineFeatures, functions: Mapping[str, Callable[..., Any]]) -> None:
        self.inputs = inputs
        self._online = online
        asked = [column for column in inputs.request if column.name != inputs.asked_at]
        self._reader = RowReader(asked, also=(inputs.asked_at,))
        views = {view.name: view for view in inputs.views}
        self._views = [
            (views[one.view], one.keys, [f"{one.view}.{feature.name}" for feature in views[one.view].features])
            for one in inputs.inputs
            if isinstance(one, ViewInput)
        ]
        self._calls = [
            (one.name, caller(one, inputs, functions)) for one in inputs.inputs if isinstance(one, FunctionInput)
        ]
        self._plain = [one.name for one in inputs.inputs if not isinstance(one, ViewInput | FunctionInput)]

    def read(self, row: Mapping[str, Any], at: Micros, place: str = "row") -> dict[str, Any]:
        """A request row with typed values; asked now, at `at`, whatever moment it names itself.

        Raises BadRequestRow with every fault.
        """
        faults: list[Fault] = []
        typed = self._reader.read(row, place, faults)
        if faults:
            raise BadRequestRow("the request", shown(faults), hint=f"the columns are those of {self.inputs.source}")
        typed[self.inputs.asked_at] = at
        return typed

    def vector(self, row: Mapping[str, Any], at: Micros) -> dict[str, Any]:
        """The model's inputs for a typed row, by name."""
        found: dict[str, Any] = {}
        for view, keys, names in self._views:
            answers = self._online.lookup(view, tuple([row[key] for key in keys]), at)
            found.update(zip(names, answers.values(), strict=True))
        for name, call in self._calls:
            found[name] = call(row)
        for name in self._plain:
            found[name] = row[name]
        return found
