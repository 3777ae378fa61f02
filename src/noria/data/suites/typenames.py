"""Names of types as several worlds write them (numpy, pandas, SQL, Spark, Python) against a column's own type."""

from __future__ import annotations

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_NAMED: dict[str, tuple[str, ...]] = {
    "int8": ("TINYINT",), "int16": ("SMALLINT",), "int32": ("INTEGER",), "int64": ("BIGINT",),
    "uint8": ("UTINYINT",), "uint16": ("USMALLINT",), "uint32": ("UINTEGER",), "uint64": ("UBIGINT",),
    "byte": ("TINYINT",), "short": ("SMALLINT",), "long": ("BIGINT",), "int": ("INTEGER", "BIGINT"),
    "int_": ("BIGINT",), "integer": ("INTEGER", "BIGINT"), "number": (*_WHOLE, "FLOAT", "DOUBLE", "DECIMAL"),
    "float": ("DOUBLE", "FLOAT"), "float16": ("FLOAT",), "float32": ("FLOAT",), "float64": ("DOUBLE",),
    "float_": ("DOUBLE",), "double": ("DOUBLE",), "real": ("FLOAT",), "numeric": ("DECIMAL",),
    "decimal": ("DECIMAL",), "str": ("VARCHAR",), "string": ("VARCHAR",), "object": ("VARCHAR",),
    "object_": ("VARCHAR",), "text": ("VARCHAR",), "char": ("VARCHAR",), "category": ("ENUM",),
    "bool": ("BOOLEAN",), "bool_": ("BOOLEAN",), "boolean": ("BOOLEAN",), "date": ("DATE",),
    "datetime": ("TIMESTAMP",), "datetime64": ("TIMESTAMP",), "timestamp": ("TIMESTAMP",),
    "timestamptz": ("TIMESTAMP WITH TIME ZONE",), "time": ("TIME",), "bytes": ("BLOB",), "binary": ("BLOB",),
    "list": ("[]",), "dict": ("STRUCT", "MAP"), "timedelta": ("INTERVAL",), "timedelta64": ("INTERVAL",),
}  # fmt: skip


def is_type(observed: str, wanted: str) -> bool:
    """Whether a column whose type DuckDB calls `observed` is of the type that somebody calls `wanted`.

    >>> is_type("BIGINT", "int64"), is_type("TIMESTAMP", "datetime64[ns]"), is_type("DOUBLE", "int")
    (True, True, False)
    """
    given = wanted.strip().lower()
    if given == observed.lower() or (given == "list" and observed.endswith("[]")):
        return True
    plain = given.partition("[")[0].partition("(")[0].removesuffix("type")
    if "[" in given and "," in given and plain == "datetime64":
        return observed == "TIMESTAMP WITH TIME ZONE"
    return any(_begins(observed, name) for name in _NAMED.get(plain, (plain.upper(),)))


def _begins(observed: str, name: str) -> bool:
    if name == "TIMESTAMP":
        return observed in ("TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S")
    return observed == name or observed.startswith((f"{name}(", f"{name} "))
