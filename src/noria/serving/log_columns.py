"""Log records as Arrow columns and back, without losing a key, a null or a type.

A record's dictionaries become one column a key (`request.origin`, `feature.Airport.departures`), so that any
tool can query the files. Records of several models share a file, hence a column `shape`: the number of the
record's own key lists, kept in the file's metadata, tells a missing key from a null.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Generic, TypeVar, cast

import msgspec
import pyarrow as pa

from noria.serving.model import FeedbackRecord, PredictionRecord

R = TypeVar("R", PredictionRecord, FeedbackRecord)
Shape = tuple[tuple[str, ...] | None, ...]

_SHAPES = b"noria.shapes"
_TEXT = {b"noria.json": b"1"}


class _Named(msgspec.Struct):
    """Of a prediction's record, what names it."""

    prediction_id: str


@dataclass(frozen=True)
class Layout(Generic[R]):
    """How one kind of record lies in columns: its plain fields with their types, its dictionaries with a prefix."""

    name: str
    record: type[R]
    plain: Mapping[str, pa.DataType]
    nested: Mapping[str, str]

    def encode(self, record: R) -> bytes:
        """A record as MessagePack, as the spool keeps it. Raises OverflowError for integers beyond 64 bits."""
        return msgspec.msgpack.encode(record)

    def decode(self, data: bytes) -> R:
        """The record of such bytes."""
        return msgspec.msgpack.decode(data, type=self.record)

    def identity(self, record: R) -> int:
        """64 bits that name what may be stored once only: the prediction, or the whole content of a feedback."""
        if isinstance(record, PredictionRecord):
            return hash_id(record.prediction_id)
        label = None if record.label is None else float(record.label)  # 1 and 1.0 are one label
        return hash_id(json.dumps([record.prediction_id, label, record.outcome], sort_keys=True))

    def identity_in(self, data: bytes) -> int:
        """The identity of the record in such bytes, without making the whole of it where that is not needed."""
        if self.record is PredictionRecord:
            return hash_id(msgspec.msgpack.decode(data, type=_Named).prediction_id)
        return self.identity(self.decode(data))


PREDICTIONS = Layout(
    "predictions",
    PredictionRecord,
    {
        "prediction_id": pa.string(), "model": pa.string(), "version": pa.int64(), "arm": pa.string(),
        "at": pa.int64(), "key": pa.string(), "output": pa.float64(), "latency": pa.float64(),
        "other_version": pa.int64(), "other_output": pa.float64(), "rollout": pa.string(),
    },
    {"request": "request.", "features": "feature."},
)  # fmt: skip
FEEDBACK = Layout(
    "feedback",
    FeedbackRecord,
    {"prediction_id": pa.string(), "at": pa.int64(), "label": pa.float64()},
    {"outcome": "outcome."},
)


def hash_id(text: str) -> int:
    """64 bits of BLAKE2b: two of ten million ids share them once in 370,000 such logs."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def to_table(layout: Layout[R], records: Sequence[R], first: int) -> pa.Table:
    """Records as columns; the first one has position `first`."""
    columns: dict[str, pa.Array] = {
        "position": pa.array(range(first, first + len(records)), pa.int64()),
        "identity": pa.array([layout.identity(record) for record in records], pa.uint64()),
    }
    for name, kind in layout.plain.items():
        columns[name] = pa.array([getattr(record, name) for record in records], kind)
    shapes: dict[Shape, int] = {}
    columns["shape"] = pa.array([shapes.setdefault(_shape(layout, one), len(shapes)) for one in records], pa.int32())
    fields = [pa.field(name, array.type) for name, array in columns.items()]
    for place, (field, prefix) in enumerate(layout.nested.items()):
        for key, values in _transposed([getattr(record, field) for record in records], [one[place] for one in shapes]):
            array, metadata = _array(values)
            columns[prefix + key] = array
            fields.append(pa.field(prefix + key, array.type, metadata=metadata))
    schema = pa.schema(fields, metadata={_SHAPES: json.dumps(list(shapes)).encode()})
    return pa.Table.from_arrays(list(columns.values()), schema=schema)


def from_table(layout: Layout[R], table: pa.Table) -> list[R]:
    """The records of such a table, exactly as they were."""
    shapes = json.loads(table.schema.metadata[_SHAPES])
    values = {field.name: _values(table, field) for field in table.schema}
    records = []
    for row, number in enumerate(values["shape"]):
        record: dict[str, Any] = {name: values[name][row] for name in layout.plain}
        for (field, prefix), keys in zip(layout.nested.items(), shapes[number], strict=True):
            record[field] = None if keys is None else {key: values[prefix + key][row] for key in keys}
        records.append(layout.record(**record))
    return records


def _shape(layout: Layout[R], record: R) -> Shape:
    return tuple(None if (one := getattr(record, field)) is None else tuple(one) for field in layout.nested)


def _transposed(
    dictionaries: Sequence[Mapping[str, Any] | None], shapes: Sequence[tuple[str, ...] | None]
) -> Iterator[tuple[str, Sequence[Any]]]:
    """The values of each key, None where a dictionary lacks it. Most of the time all have the same keys."""
    if len(set(shapes)) == 1 and shapes[0] is not None:
        whole = cast("Sequence[Mapping[str, Any]]", dictionaries)
        yield from zip(shapes[0], zip(*(one.values() for one in whole), strict=True), strict=True)
        return
    for key in dict.fromkeys(key for shape in shapes for key in shape or ()):
        yield key, [None if one is None else one.get(key) for one in dictionaries]


def _array(values: Sequence[Any]) -> tuple[pa.Array, dict[bytes, bytes] | None]:
    """Values in the narrowest type that holds them all exactly; as JSON text where none does."""
    kinds = set(map(type, values)) - {type(None)}
    try:
        if kinds <= {bool}:
            return pa.array(values, pa.bool_()), None
        if kinds == {int}:
            return pa.array(values, pa.int64()), None
        if kinds == {float}:
            return pa.array(values, pa.float64(), from_pandas=False), None
        if kinds == {str}:
            return pa.array(values, pa.string()), None
    except (OverflowError, pa.ArrowInvalid):
        pass
    texts = [None if value is None else json.dumps(value) for value in values]
    return pa.array(texts, pa.string()), _TEXT


def _values(table: pa.Table, field: pa.Field) -> list[Any]:
    values: list[Any] = table.column(field.name).to_pylist()
    if field.metadata and field.metadata.get(b"noria.json"):
        return [None if value is None else json.loads(value) for value in values]
    return values
