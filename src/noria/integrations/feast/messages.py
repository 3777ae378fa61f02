"""Feast's registry messages, decoded by field number. Source: Feast's `protos/feast/core/*.proto`, 0.67.

Only what can mean something here is decoded; fields that are not known are passed over, so a registry that a
later Feast wrote is read as far as it goes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from noria.integrations.feast.model import Aggregation, DataSource, Entity, Field, Projection, Service, View
from noria.integrations.wire import Torn, Value, fields, raw, signed, text, whole

_TYPES = {
    1: "BYTES", 2: "STRING", 3: "INT32", 4: "INT64", 5: "DOUBLE", 6: "FLOAT", 7: "BOOL", 8: "UNIX_TIMESTAMP",
    11: "BYTES_LIST", 12: "STRING_LIST", 13: "INT32_LIST", 14: "INT64_LIST", 15: "DOUBLE_LIST", 16: "FLOAT_LIST",
    17: "BOOL_LIST", 18: "UNIX_TIMESTAMP_LIST", 19: "NULL", 20: "MAP", 21: "MAP_LIST", 32: "JSON", 33: "JSON_LIST",
    34: "STRUCT", 35: "STRUCT_LIST", 36: "UUID", 37: "TIME_UUID", 44: "DECIMAL", 48: "ZONED_TIMESTAMP",
}  # fmt: skip
_KINDS = {
    1: "BATCH_FILE", 2: "BATCH_BIGQUERY", 3: "STREAM_KAFKA", 4: "STREAM_KINESIS", 5: "BATCH_REDSHIFT",
    6: "CUSTOM_SOURCE", 7: "REQUEST_SOURCE", 8: "BATCH_SNOWFLAKE", 9: "PUSH_SOURCE", 10: "BATCH_TRINO",
    11: "BATCH_SPARK", 12: "BATCH_ATHENA", 13: "BATCH_ICEBERG",
}  # fmt: skip
_TABLES = (12, 15, 19, 27, 30, 35)
"""The fields of a data source that name a table (1) or a query (2), and for Spark a path (3)."""

Message = Mapping[int, list[Value]]


def message(data: Value) -> Message:
    """The values of each field of a message, in order. Raises Torn."""
    found: dict[int, list[Value]] = defaultdict(list)
    for number, value in fields(raw(data)):
        found[number].append(value)
    return found


def entity(data: Value) -> Entity:
    """`Entity`."""
    spec = _inside(message(data), 1)
    name = _text(spec, 1)
    return Entity(name, _text(spec, 4) or name, _type(spec, 2))


def feature_view(data: Value) -> View:
    """`FeatureView`."""
    spec = _inside(message(data), 1)
    derived = bool(spec.get(14) or spec.get(15))
    return View(
        name=_text(spec, 1),
        entities=tuple(text(one) for one in spec.get(3, ())),
        keys=_fields(spec, 12),
        features=_fields(spec, 4),
        ttl=_duration(spec, 6),
        source=_source(spec, 7),
        stream=_source(spec, 9),
        kind="derived" if derived else "plain",
        description=_text(spec, 10),
        tags=_map(spec, 5),
        disabled=_flag(spec, 20),
    )


def stream_view(data: Value) -> View:
    """`StreamFeatureView`."""
    spec = _inside(message(data), 1)
    transformed = bool(spec.get(13) or spec.get(17))
    return View(
        name=_text(spec, 1),
        entities=tuple(text(one) for one in spec.get(3, ())),
        keys=_fields(spec, 5),
        features=_fields(spec, 4),
        ttl=_duration(spec, 9),
        source=_source(spec, 10),
        stream=_source(spec, 11),
        kind="derived" if transformed else "stream",
        aggregations=tuple(_aggregation(message(one)) for one in spec.get(15, ())),
        description=_text(spec, 6),
        tags=_map(spec, 7),
        disabled=_flag(spec, 23),
    )


def service(data: Value) -> Service:
    """`FeatureService`."""
    spec = _inside(message(data), 1)
    return Service(_text(spec, 1), tuple(_projection(message(one)) for one in spec.get(3, ())), _text(spec, 5))


def name_of(data: Value) -> str:
    """The name of any message whose `spec` has it first, as Feast's have."""
    return _text(_inside(message(data), 1), 1)


def project_of(data: Value, number: int) -> str:
    """The Feast project of any message whose `spec` names it in this field."""
    return _text(_inside(message(data), 1), number)


def data_source(found: Message) -> DataSource:
    """`DataSource`."""
    kind = _KINDS.get(_whole(found, 1), f"KIND_{_whole(found, 1)}")
    place, is_query, form = _place(found)
    inner = found.get(26)
    return DataSource(
        name=_text(found, 20),
        kind=kind,
        place=place,
        timestamp=_text(found, 3),
        created=_text(found, 5),
        mapping=_map(found, 2),
        format=form,
        is_query=is_query,
        batch=data_source(message(inner[-1])) if inner else None,
    )


def _place(found: Message) -> tuple[str, bool, str]:
    """The file, table, query or topic of a data source; whether it is a query; its format when not Parquet."""
    if 11 in found:
        options = _inside(found, 11)
        form = _inside(options, 1)
        return _text(options, 2), False, "Delta" if form.get(2) else ""
    for number in _TABLES:
        if number in found:
            options = _inside(found, number)
            table, query = _text(options, 1), _text(options, 2)
            path = _text(options, 3) if number == 27 else ""
            return query or table or path, bool(query), ""
    if 13 in found:
        return _text(_inside(found, 13), 2), False, ""
    if 14 in found:
        return _text(_inside(found, 14), 2), False, ""
    if 16 in found:
        return _custom(_inside(found, 16))
    return "", False, ""


def _custom(options: Message) -> tuple[str, bool, str]:
    """A custom source's configuration is whatever its author chose; most write JSON with a query or a table."""
    try:
        told: Any = json.loads(_text(options, 1))
    except ValueError:
        return "", False, ""
    if not isinstance(told, dict):
        return "", False, ""
    query, table = told.get("query"), told.get("table")
    return str(query or table or ""), bool(query), ""


def _source(spec: Message, number: int) -> DataSource | None:
    values = spec.get(number)
    return data_source(message(values[-1])) if values else None


def _aggregation(found: Message) -> Aggregation:
    column, function, window = _text(found, 1), _text(found, 2), _duration(found, 3)
    name = _text(found, 5) or f"{function}_{column}" + (f"_{window // 1_000_000}s" if window else "")
    return Aggregation(column, function, window, _duration(found, 4), name)


def _projection(found: Message) -> Projection:
    features = tuple(field.name for field in _fields(found, 2))
    return Projection(_text(found, 1), features, _text(found, 3), _map(found, 4))


def _fields(spec: Message, number: int) -> tuple[Field, ...]:
    found = (message(one) for one in spec.get(number, ()))
    return tuple(Field(_text(one, 1), _type(one, 2)) for one in found)


def _inside(found: Message, number: int) -> Message:
    values = found.get(number)
    return message(values[-1]) if values else {}


def _text(found: Message, number: int) -> str:
    values = found.get(number)
    return text(values[-1]) if values else ""


def _whole(found: Message, number: int) -> int:
    values = found.get(number)
    return whole(values[-1]) if values else 0


def _flag(found: Message, number: int) -> bool:
    return bool(_whole(found, number))


def _type(found: Message, number: int) -> str:
    known = _whole(found, number)
    return _TYPES.get(known, f"TYPE_{known}" if known else "")


def _map(found: Message, number: int) -> dict[str, str]:
    entries = (message(one) for one in found.get(number, ()))
    return {_text(one, 1): _text(one, 2) for one in entries}


def _duration(found: Message, number: int) -> int:
    """A `google.protobuf.Duration` as microseconds. Raises Torn for one that no clock can hold."""
    inside = _inside(found, number)
    seconds, nanos = (signed(inside[one][-1]) if one in inside else 0 for one in (1, 2))
    micros = seconds * 1_000_000 + nanos // 1000
    if not 0 <= micros < 2**62:
        raise Torn(f"a duration of {seconds} s")
    return micros
