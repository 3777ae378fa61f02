"""Arrow's types as Delta Lake has them: a wider one where there is no equal, and never one that loses anything.

Delta has signed integers, microseconds, days, decimals of up to 38 digits; no unsigned integers, nanoseconds, times of
day or durations (the Delta protocol, "Primitive Types"). Nanoseconds are written where every value is a whole number of
microseconds, which is seen only when the rows are read.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from noria.core.errors import BadInput

_WIDER: dict[Any, Any] = {
    pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64(), pa.uint64(): pa.decimal128(20, 0),
    pa.float16(): pa.float32(), pa.date64(): pa.date32(), pa.null(): pa.string(),
}  # fmt: skip


class NoDeltaType(BadInput):
    """A column holds what Delta Lake has no type for, or a value that its type there would lose."""

    code = "N9070"


def fitted(schema: Any) -> Any:
    """The schema with types that Delta has. Raises NoDeltaType for the first column that has none."""
    return pa.schema([pa.field(field.name, _fitted(field.type, field.name), field.nullable) for field in schema])


def cast_batch(batch: Any, schema: Any) -> Any:
    """A record batch in the fitted schema. Raises NoDeltaType for a value that would lose digits."""
    return pa.RecordBatch.from_arrays([_cast(batch.column(n), one) for n, one in enumerate(schema)], schema=schema)


def _cast(values: Any, field: Any) -> Any:
    try:
        return values.cast(field.type, safe=True)
    except pa.ArrowException as error:
        hint = "cast the column where the files are made, to a type that Delta Lake has"
        raise NoDeltaType(f"column {field.name!r} cannot be {field.type}: {error}", hint=hint) from error


def _fitted(kind: Any, name: str) -> Any:
    if kind in _WIDER:
        return _WIDER[kind]
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz="UTC" if kind.tz else None)
    if pa.types.is_dictionary(kind):
        return _fitted(kind.value_type, name)
    if pa.types.is_fixed_size_binary(kind):
        return pa.binary()
    if pa.types.is_nested(kind):
        return _nested(kind, name)
    if pa.types.is_time(kind) or pa.types.is_duration(kind) or pa.types.is_interval(kind) or _too_wide(kind):
        said = f"column {name!r} is {kind}, which Delta Lake does not have"
        raise NoDeltaType(said, hint="cast it where the files are made, for instance to a number or to text")
    return kind


def _too_wide(kind: Any) -> bool:
    return bool(pa.types.is_decimal(kind) and (kind.precision > 38 or not 0 <= kind.scale <= kind.precision))


def _nested(kind: Any, name: str) -> Any:
    if pa.types.is_struct(kind):
        fields = [kind.field(n) for n in range(kind.num_fields)]
        return pa.struct([field.with_type(_fitted(field.type, f"{name}.{field.name}")) for field in fields])
    if pa.types.is_map(kind):
        return pa.map_(_fitted(kind.key_type, f"{name}.key"), _fitted(kind.item_type, f"{name}.value"))
    if pa.types.is_union(kind) or not hasattr(kind, "value_field"):
        raise NoDeltaType(f"column {name!r} is {kind}, which Delta Lake does not have")
    field = kind.value_field
    return pa.list_(pa.field("element", _fitted(field.type, f"{name}.element"), field.nullable))
