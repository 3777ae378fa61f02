"""What a view means, apart from how it is written: the value that a version's digest is taken of.

Two declarations mean the same when they give the same answers about the same rows. The order of features, `15`
beside `15.0`, and columns of the source that the view does not read are spelling. The type, unit and bounds of
columns that it does read are meaning: minutes that become seconds are another feature under the same name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from noria.core.digest import canonical, digest
from noria.features.model import ViewSpec
from noria.features.windows import hop_of

Definition = dict[str, Any]
"""A view as plain JSON: everything that is not as by default, features as a list in the order declared."""


def definition(view: ViewSpec) -> Definition:
    """What a view means, as JSON. What stands at its default is left out, so fields to come change no digest."""
    plain: Definition = _plain(view)
    for feature in plain["features"]:
        if "window" in feature and feature.get("hop") == hop_of(feature["window"]):
            del feature["hop"]  # said, and as it would have been otherwise
        if "where" in feature:
            feature["where"].sort(key=canonical)  # all of them must hold, in whatever order
    named = set(_texts({name: value for name, value in plain.items() if name != "columns"}))
    plain["columns"] = sorted((one for one in plain.get("columns", []) if one["name"] in named), key=_name)
    plain["joins"] = sorted(plain.get("joins", []), key=canonical)
    for join in plain["joins"]:
        told = {*_texts(join["on"]), join["event_time"], join.get("key"), join.get("retraction")}
        used = (one for one in join["columns"] if one["name"] in told or f"{join['source']}.{one['name']}" in named)
        join["columns"] = sorted(used, key=_name)
    return plain


def meaning(defined: Mapping[str, Any]) -> str:
    """The digest of a definition; the order in which its features were declared does not matter."""
    return digest(_numbers({**defined, "features": sorted(defined["features"], key=_name)}))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        fields = {one.name: one for one in dataclasses.fields(value)}
        told = {name: getattr(value, name) for name in fields if getattr(value, name) != _default(fields[name])}
        return {name: _plain(one) for name, one in told.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _numbers(value: Any) -> Any:
    """The same with true as 1: a package brings the bounds of a comparison as numbers, whatever was declared."""
    if isinstance(value, Mapping):
        return {name: _numbers(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    return int(value) if isinstance(value, bool) else value


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _name(one: Mapping[str, Any]) -> str:
    return str(one["name"])
