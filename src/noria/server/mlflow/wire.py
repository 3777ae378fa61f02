"""Requests as the protocol writes them, and its leniency about it.

A request is a protobuf message as JSON, or as query parameters. Fields that are not known are passed over, null
counts as not given, integers may be texts, NaN and the infinities may be bare or texts; and old clients encode their
JSON twice. A message is a `Message` whose fields stand in the order in which their faults are told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar, cast
from urllib.parse import parse_qs

import msgspec

from noria.server.mlflow.faults import invalid, missing, wrong_type

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]

_PLACE = re.compile(r"at `\$(?:\.(?P<path>[^`]*))?`$")
_MOST_FIELDS = 2000


Names = tuple[str, ...]
"""Names of fields."""


class Message(msgspec.Struct):
    """A request. `required` are the fields that must be given and not be empty."""

    required: ClassVar[Names] = ()


class Pair(msgspec.Struct):
    """A name with a value: a tag, a param."""

    key: str = ""
    value: str = ""


class OfRun(Message):
    """A request about a run, which was once called `run_uuid`."""

    run_id: str = ""
    run_uuid: str = ""

    def __post_init__(self) -> None:
        self.run_id = self.run_id or self.run_uuid


M = TypeVar("M", bound=Message)


def decode(kind: type[M], body: bytes, given: Mapping[str, str] | None = None) -> M:
    """A message from the body of a request; `given` are fields that its path names. Raises Refused."""
    try:
        found = _decoder(kind).decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = from_fields(kind, _fields(body))
    return _complete(cast("M", found), given)


def decode_query(kind: type[M], query: bytes, given: Mapping[str, str] | None = None) -> M:
    """A message from query parameters, where a field that holds several values may be repeated. Raises Refused."""
    if not query:
        return _complete(kind(), given)
    try:
        values = parse_qs(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise invalid(f"The query cannot be read: {error}") from None
    lists, flags = _repeated(kind), _flags(kind)
    fields: dict[str, Any] = {name: found if name in lists else found[0] for name, found in values.items()}
    for name in flags & fields.keys():
        if fields[name].lower() not in ("true", "false"):
            raise invalid(f"Invalid boolean value: {fields[name]}, must be 'true' or 'false'.")
    return _complete(from_fields(kind, fields), given)


def from_fields(kind: type[M], fields: Mapping[str, Any]) -> M:
    """A message from its fields. Raises Refused for the first that is missing or of another type."""
    try:
        return msgspec.convert(_without_nulls(fields), kind, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _refusal(kind, fields, str(error)) from None


def _complete(found: M, given: Mapping[str, str] | None) -> M:
    if given:
        for name, text in given.items():
            setattr(found, name, text)
    for name in found.required:
        if getattr(found, name) in (None, ""):
            raise missing(name)
    return found


def _fields(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
        if isinstance(value, str):
            value = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise invalid(f"The request's body is no JSON: {error}") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"The request's body must be a JSON object, not of type '{type(value).__name__}'.")
    return value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in value]
    return value


def _refusal(kind: type[M], fields: Mapping[str, Any], told: str) -> Exception:
    """What is said of fields that are no message: of the one in the way, or of a missing one before it."""
    found = _PLACE.search(told)
    path = (found["path"] or "") if found else ""
    top = re.split(r"[.\[]", path, maxsplit=1)[0]
    for name in kind.__struct_fields__:
        if name == top:
            break
        if name in kind.required and fields.get(name) in (None, ""):
            return missing(name)
    return wrong_type(path or "request", _at(fields, path))


def _at(value: Any, path: str) -> Any:
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]", path):
        try:
            value = value[name] if name else value[int(index)]
        except (KeyError, IndexError, TypeError, ValueError):
            return value
    return value


@cache
def _decoder(kind: type[Message]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=False)


@cache
def _repeated(kind: type[Message]) -> frozenset[str]:
    return _fields_of(kind, "list")


@cache
def _flags(kind: type[Message]) -> frozenset[str]:
    return _fields_of(kind, "bool")


def _fields_of(kind: type[Message], word: str) -> frozenset[str]:
    return frozenset(one.name for one in msgspec.structs.fields(kind) if word in str(one.type))
