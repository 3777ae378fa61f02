"""The TOML file against the declaration: places of sources, values of models, ranges of searches."""

from __future__ import annotations

import inspect
import math
import typing
from collections.abc import Callable, Mapping
from typing import Any

from noria.core.errors import Fault
from noria.core.suggest import did_you_mean
from noria.core.units import hours
from noria.data.model import Location, SourceSpec
from noria.features.model import InputSet, input_columns
from noria.project.sources import Source
from noria.serving.model import LogRules
from noria.training.model import Choice, Range, SearchSpec, Value

_SOURCE_KEYS = ("path", "query", "delta", "version", "database", "fresh_within_hours", "tolerate", "suite")
_PLACES = ("path", "query", "delta")
_MODEL_KEYS = ("values", "search", "log", "cache", "serving", "seed", "threads")
_LOG_KEYS = ("sample", "redact", "hash")
_RANGE_KEYS = ("low", "high", "log", "integer")
_WORKSPACE_KEYS = ("database", "artifacts", "online", "actor")


class Document:
    """A TOML document being read: hands out tables and collects faults with their place."""

    def __init__(self, name: str, content: Mapping[str, Any]) -> None:
        self.name = name
        self.content = content
        self.faults: list[Fault] = []

    def fault(self, path: str, message: str, hint: str = "") -> None:
        """Remember that something at `path` is wrong."""
        self.faults.append(Fault(f"{self.name}: {path}", message, hint))

    def table(self, *path: str) -> Mapping[str, Any]:
        """The table at `path`; empty when it is not there."""
        found: Any = self.content
        for step in path:
            found = found.get(step, {}) if isinstance(found, Mapping) else {}
        if isinstance(found, Mapping):
            return found
        self.fault(".".join(path), "must be a table")
        return {}

    def known_only(self, path: str, table: Mapping[str, Any], known: typing.Iterable[str]) -> None:
        """Fault every key of a table that nobody would read."""
        names = list(known)
        for key in table:
            if key not in names:
                hint = did_you_mean(key, names) or f"known are {', '.join(names)}"
                self.fault(f"{path}.{key}" if path else key, "nobody reads this", hint)


def source_spec(document: Document, source: type[Source]) -> SourceSpec:
    """A source class and its `[source.NAME]` table as the data folder takes them."""
    name = source.__name__
    path = f"source.{name}"
    table = document.table("source", name)
    document.known_only(path, table, _SOURCE_KEYS)
    if sum(key in table for key in _PLACES) != 1:
        document.fault(
            path, "must say one of `path`, `query` and `delta`", f'write [{path}] and path = "data/*.parquet"'
        )
    for key in (*_PLACES, "database", "suite"):
        if not isinstance(table.get(key, ""), str):
            document.fault(f"{path}.{key}", "must be a text")
    fresh, tolerate = table.get("fresh_within_hours"), table.get("tolerate", 0.05)
    if fresh is not None and not _number(fresh):
        document.fault(f"{path}.fresh_within_hours", "must be a number")
        fresh = None
    if not _number(tolerate) or not 0 <= tolerate <= 1:
        document.fault(f"{path}.tolerate", "must be a share between 0 and 1")
        tolerate = 0.05
    version = table.get("version")
    if version is not None and (type(version) is not int or version < 0 or "query" in table):
        document.fault(f"{path}.version", "must be the number of a version of a Delta table", "such as version = 12")
        version = None
    location = Location(table.get("path"), table.get("query"), table.get("database"), table.get("delta"), version)
    suite = table.get("suite") if isinstance(table.get("suite"), str) else None
    return SourceSpec(name, source.noria_schema, location, hours(fresh) if fresh else None, tolerate, suite)


def model_values(document: Document, model: str, function: Callable[..., Any]) -> dict[str, Value]:
    """The fixed values of a training function, checked against its keyword-only parameters."""
    table = document.table(model)
    document.known_only(model, table, _MODEL_KEYS)
    given = document.table(model, "values")
    searched = document.table(model, "search")
    parameters = _parameters(function)
    document.known_only(f"{model}.values", given, parameters)
    values: dict[str, Value] = {}
    for name, parameter in parameters.items():
        place = f"{model}.values.{name}"
        if name in given:
            if (value := _value(document, place, given[name], parameter.annotation)) is not None:
                values[name] = value
        elif parameter.default is not inspect.Parameter.empty:
            values[name] = parameter.default
        elif name not in searched:
            document.fault(place, "is missing", f"{function.__name__} takes {name}: {_shown(parameter.annotation)}")
    return values


def search_spec(document: Document, model: str, function: Callable[..., Any]) -> SearchSpec | None:
    """The `[MODEL.search]` table: which values are searched and how often."""
    table = document.table(model, "search")
    if not table:
        return None
    path = f"{model}.search"
    parameters = _parameters(function)
    document.known_only(path, table, [*parameters, "trials", "rows"])
    space: dict[str, Choice | Range] = {}
    for name, parameter in parameters.items():
        if name in table and (found := _space(document, f"{path}.{name}", table[name], parameter.annotation)):
            space[name] = found
    limits = {}
    for key, default in (("trials", 20), ("rows", None)):
        value = table.get(key, default)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            document.fault(f"{path}.{key}", f"must be a whole number above zero, not {value!r}")
            value = default
        limits[key] = value
    if not space:
        document.fault(path, "searches nothing", "give a list or { low = …, high = … } for one of the values")
        return None
    return SearchSpec(space, limits["trials"] or 20, limits["rows"])


def log_rules(document: Document, model: str, inputs: InputSet) -> LogRules | None:
    """The `[MODEL.log]` table: the share of predictions that is logged, and columns that are left out or hashed."""
    table = document.table(model, "log")
    if not table:
        return None
    path = f"{model}.log"
    document.known_only(path, table, _LOG_KEYS)
    known = [*(column.name for column in inputs.request), *(column.name for column in input_columns(inputs))]
    lists: dict[str, tuple[str, ...]] = {}
    for key in ("redact", "hash"):
        names = table.get(key, [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            document.fault(f"{path}.{key}", "must be a list of columns", 'such as ["tailnum"]')
            names = []
        for name in names:
            if name not in known:
                hint = did_you_mean(name, known) or "columns of the request, or features"
                document.fault(f"{path}.{key}", f"there is no column {name!r}", hint)
        lists[key] = tuple(names)
    sample = table.get("sample", 1.0)
    if not _number(sample) or not 0 < sample <= 1:
        document.fault(f"{path}.sample", f"must be a share above 0 and up to 1, not {sample!r}")
        sample = 1.0
    return LogRules(float(sample), lists["redact"], lists["hash"], inputs.key)


def workspace_table(document: Document) -> dict[str, str]:
    """The `[workspace]` table."""
    table = document.table("workspace")
    document.known_only("workspace", table, _WORKSPACE_KEYS)
    for key, value in table.items():
        if not isinstance(value, str):
            document.fault(f"workspace.{key}", "must be a text")
    return {key: value for key, value in table.items() if isinstance(value, str)}


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    return {one.name: one for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}


def _value(document: Document, place: str, value: Any, annotation: Any) -> Value | None:
    options = typing.get_args(annotation) if typing.get_origin(annotation) is typing.Literal else None
    if options is not None:
        if value in options:
            return typing.cast("Value", value)
        document.fault(place, f"must be one of {', '.join(map(repr, options))}, not {value!r}")
        return None
    if isinstance(value, list | dict):
        document.fault(place, "is a list or a table", f"ranges and choices belong under [{place.split('.')[0]}.search]")
        return None
    if annotation is float and _number(value):
        if math.isfinite(value):
            return float(value)
        document.fault(place, f"must be a finite number, not {value!r}")
        return None
    if annotation in (int, str, bool) and type(value) is annotation:
        return typing.cast("Value", value)
    if annotation in (int, float, str, bool):
        document.fault(place, f"must be {_shown(annotation)}, not {value!r}")
        return None
    document.fault(place, f"a value cannot be of type {_shown(annotation)}", "use int, float, str, bool or Literal")
    return None


def _space(document: Document, place: str, value: Any, annotation: Any) -> Choice | Range | None:
    if isinstance(value, list) and value:
        options = [_value(document, place, option, annotation) for option in value]
        return Choice(tuple(option for option in options if option is not None))
    if not isinstance(value, dict) or not _number(value.get("low")) or not _number(value.get("high")):
        document.fault(place, f"must be a list of values or {{ low = …, high = … }}, not {value!r}")
        return None
    document.known_only(place, value, _RANGE_KEYS)
    if value["low"] >= value["high"] or (value.get("log") and value["low"] <= 0):
        document.fault(place, f"low = {value['low']} must lie below high = {value['high']}, and above 0 on a log scale")
    return Range(value["low"], value["high"], bool(value.get("log")), annotation is int)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(annotation: Any) -> str:
    return getattr(annotation, "__name__", str(annotation))
