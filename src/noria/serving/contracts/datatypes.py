"""The datatypes of the Open Inference Protocol, and which of them a column takes."""

from __future__ import annotations

from noria.core.schema import DType

PREDICTION_ID = "prediction_id"
"""A column that every contract knows besides those of the model: the caller's own id of a row."""

_UNSIGNED = {f"UINT{bits}": (0, (1 << bits) - 1) for bits in (8, 16, 32, 64)}
_SIGNED = {f"INT{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) for bits in (8, 16, 32, 64)}
INTEGERS = {**_UNSIGNED, **_SIGNED}
"""The least and the greatest value of each integer datatype of the Open Inference Protocol."""
FLOATS = ("FP16", "FP32", "FP64")
DATATYPES: dict[DType, tuple[str, ...]] = {
    "string": ("BYTES",),
    "int": ("INT64", *(name for name in INTEGERS if name != "INT64")),
    "float": ("FP64", "FP32", "FP16", *INTEGERS),
    "bool": ("BOOL",),
    "time": ("INT64", "BYTES"),
}
"""Which datatypes each column takes; the first is the one that metadata names. A time is microseconds or ISO text."""

Fits = tuple[frozenset[type], int, int]
"""What a tensor may hold as it is: types, and the least and the greatest whole number."""
_NONE = type(None)
_ANY_INTEGER = (-(1 << 1030), 1 << 1030)


def fits_of(datatype: str) -> Fits:
    """What a tensor of a datatype may hold; a null stands for a missing value."""
    if datatype in INTEGERS:
        return frozenset((int, _NONE)), *INTEGERS[datatype]
    if datatype in FLOATS:
        return frozenset((float, int, _NONE)), *_ANY_INTEGER
    return frozenset((bool if datatype == "BOOL" else str, _NONE)), *_ANY_INTEGER
