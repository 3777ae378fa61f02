"""Features over HTTP: rows of entities in, what is known of them now out; in our words and in Feast's.

`POST /features`: `{"model": NAME, "rows": [...]}` gives every looked-up feature of a model, its entities in the
request's columns; `{"views": [NAME, ...], "rows": [...]}` those of views, in the views' own columns. The answer has
the moment that it is of, for each row and view when its newest event happened, and how fresh each view is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from noria.core.clock import Micros
from noria.core.errors import Fault
from noria.core.schema import Column
from noria.core.suggest import did_you_mean
from noria.features.model import BadRequestRow, FeatureSpec, InputSet, ViewInput, ViewSpec
from noria.features.online.events import Converter, Misfit, converter, shown
from noria.features.online.features import OnlineFeatures
from noria.features.online.ledger import Fresh
from noria.serving.json_body import as_object, kind_of
from noria.serving.lineup import Board
from noria.serving.model import BadPayload, ServedModel, UnknownModel, UnknownView

MOST_ENTITIES = 1000
"""Of one request: beyond, the others would wait too long."""
MOST_VIEWS = 100
_KEYS = ("model", "views", "rows")


@dataclass(frozen=True)
class Lookup:
    """One view to look up: its entity in the columns `keys` of a row, read by `readers`; its features as `names`."""

    view: ViewSpec
    keys: tuple[str, ...]
    readers: tuple[Converter, ...]
    names: tuple[str, ...]

    def entities(self, rows: Sequence[Mapping[str, Any]], place: str, faults: list[Fault]) -> list[tuple[Any, ...]]:
        """The entity that each row is about; what is wrong with them is added to `faults`."""
        parts = [
            self._column(rows, key, read, place, faults) for key, read in zip(self.keys, self.readers, strict=True)
        ]
        return list(zip(*parts, strict=True))

    @staticmethod
    def _column(
        rows: Sequence[Mapping[str, Any]], key: str, read: Converter, place: str, faults: list[Fault]
    ) -> list[Any]:
        try:
            return [read(row[key]) for row in rows]
        except (KeyError, Misfit):
            for number, row in enumerate(rows):
                try:
                    read(row[key])
                except KeyError:
                    faults.append(Fault(f"{place}[{number}].{key}", "is missing"))
                except Misfit as misfit:
                    faults.append(Fault(f"{place}[{number}].{key}", str(misfit)))
            return [None] * len(rows)


class Catalogue:
    """What can be looked up while `board` is in force: the views of the versions that answer, or else the declared."""

    def __init__(self, board: Board, models: Mapping[str, ServedModel]) -> None:
        self.board = board
        lineups = {name: lineup.champion.package.inputs for name, lineup in board.lineups.items()}
        self._inputs: dict[str, InputSet] = {name: lineups.get(name, served.inputs) for name, served in models.items()}
        self.views = {view.name: view for inputs in self._inputs.values() for view in inputs.views}
        self._of_model: dict[str, list[Lookup]] = {}
        self._of_view: dict[str, Lookup] = {}
        self._of_feature: dict[str, tuple[Lookup, FeatureSpec]] = {}
        self.keys = {key for view in self.views.values() for key in view.entities}

    def inputs(self, model: str) -> InputSet:
        """What a model is given. Raises UnknownModel."""
        if model not in self._inputs:
            raise UnknownModel("model", model[:200], self._inputs)
        return self._inputs[model]

    def of_model(self, model: str) -> list[Lookup]:
        """The views of a model, in the order of its inputs. Raises UnknownModel."""
        if model not in self._of_model:
            inputs = self.inputs(model)
            views = {view.name: view for view in inputs.views}
            columns = {column.name: column for column in inputs.request}
            self._of_model[model] = [
                _lookup(views[one.view], one.keys, columns) for one in inputs.inputs if isinstance(one, ViewInput)
            ]
        return self._of_model[model]

    def of_view(self, name: str) -> Lookup:
        """A view in its own columns. Raises UnknownView."""
        if name not in self._of_view:
            if name not in self.views:
                raise UnknownView("view", name[:200], self.views)
            view = self.views[name]
            self._of_view[name] = _lookup(view, view.entities, {column.name: column for column in view.columns})
        return self._of_view[name]

    def of_feature(self, ref: str) -> tuple[Lookup, FeatureSpec]:
        """One feature of a view, by `view:feature`. Raises UnknownView."""
        if ref not in self._of_feature:
            view, _, name = ref.partition(":")
            one = self.of_view(view)
            features = {spec.name: spec for spec in one.view.features}
            if name not in features:
                raise UnknownView(f"feature of view {view}", name[:200], features)
            self._of_feature[ref] = one, features[name]
        return self._of_feature[ref]


def look_up(body: Any, catalogue: Catalogue, online: OnlineFeatures, now: Micros) -> dict[str, Any]:
    """The answer to `/features`. Raises BadPayload, BadRequestRow with every fault, UnknownModel, UnknownView."""
    asked = as_object(body, "the body")
    for name in asked.keys() - set(_KEYS):
        raise BadPayload(
            f"there is no {name[:80]!r} here; there are: {', '.join(_KEYS)}", hint=did_you_mean(name[:80], _KEYS)
        )
    lookups, readable = _lookups(asked, catalogue)
    rows = _rows(asked.get("rows"))
    faults: list[Fault] = []
    entities = [one.entities(rows, "rows", faults) for one in lookups]
    _nobody_reads(rows, readable, faults)
    if faults:
        each = sorted(dict.fromkeys(faults), key=_place)
        raise BadRequestRow("the request", shown(each), hint="each row names the entities of every view")
    features: list[dict[str, Any]] = [{} for _ in rows]
    times: list[dict[str, Micros | None]] = [{} for _ in rows]
    for one, asked_of in zip(lookups, entities, strict=True):
        names, view = one.names, one.view.name
        for place, found in enumerate(online.read_many(one.view, asked_of, now)):
            features[place].update(zip(names, found.values.values(), strict=True))
            times[place][view] = found.event_time
    answers = [{"features": one, "event_times": at} for one, at in zip(features, times, strict=True)]
    fresh = {one.view.name: _fresh(online.freshness_of(one.view)) for one in lookups}
    return {"at": now, "rows": answers, "freshness": fresh}


def _nobody_reads(rows: Sequence[Mapping[str, Any]], readable: Collection[str], faults: list[Fault]) -> None:
    known = set(readable)
    for number, row in enumerate(rows):
        if not row.keys() <= known:
            for name in row.keys() - known:
                guess = did_you_mean(name[:80], known)
                faults.append(Fault(f"rows[{number}].{ascii(name[:80])[1:-1]}", "nobody reads this", guess))


def _place(fault: Fault) -> int:
    """The number of the row that a fault is in: they are told in that order."""
    return int(fault.place[fault.place.index("[") + 1 : fault.place.index("]")])


def _lookups(asked: Mapping[str, Any], catalogue: Catalogue) -> tuple[list[Lookup], Collection[str]]:
    """What to look up, and the names of all columns that a row may have: those of a model's requests, or entities."""
    model, views = asked.get("model"), asked.get("views")
    if (model is None) == (views is None):
        raise BadPayload("say either model or views", hint=f"views: {', '.join(sorted(catalogue.views))}"[:300])
    if model is not None:
        if not isinstance(model, str):
            raise BadPayload(f"model is {kind_of(model)}, not a name")
        return catalogue.of_model(model), [column.name for column in catalogue.inputs(model).request]
    if not isinstance(views, list) or not 0 < len(views) <= MOST_VIEWS or not all(isinstance(v, str) for v in views):
        raise BadPayload("views is not a list of names", hint=f"1 to {MOST_VIEWS} of them")
    lookups = [catalogue.of_view(name) for name in dict.fromkeys(views)]
    return lookups, [key for one in lookups for key in one.keys]


def _rows(rows: Any) -> list[dict[str, Any]]:
    if not isinstance(rows, list):
        raise BadPayload(f"rows is {kind_of(rows)}, not an array of objects")
    if len(rows) > MOST_ENTITIES:
        raise BadPayload(f"the body has {len(rows)} rows", hint=f"ask for at most {MOST_ENTITIES} at a time")
    return [as_object(row, f"row {number}") for number, row in enumerate(rows)]


def _lookup(view: ViewSpec, keys: Sequence[str], columns: Mapping[str, Column]) -> Lookup:
    readers = tuple(_reader(columns[key]) for key in keys)
    return Lookup(view, tuple(keys), readers, tuple(f"{view.name}.{feature.name}" for feature in view.features))


def _reader(column: Column) -> Converter:
    """Null is an entity that nothing is known about; any other value must be of the column's type."""
    read = converter(column)
    return lambda value: None if value is None else read(value)


def _fresh(found: Fresh | None) -> dict[str, Micros] | None:
    return None if found is None else {"event_time": found.event_time, "known": found.known}
