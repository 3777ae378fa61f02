"""Features that are plain functions of the request, called the same way offline and online."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from noria.core.clock import to_datetime
from noria.core.errors import NotFound
from noria.features.model import FunctionFailed, FunctionInput, InputSet

_TYPES = {"string": str, "int": int, "float": float, "bool": bool, "time": int}


def caller(
    spec: FunctionInput, inputs: InputSet, functions: Mapping[str, Callable[..., Any]]
) -> Callable[[Mapping[str, Any]], Any]:
    """The function of `spec` as a function of a request row; time columns become UTC datetimes.

    Raises NotFound at once when there is no such function, FunctionFailed when called: the function raised, or
    its value is not of the declared type. NaN is null, where null is allowed.
    """
    function = functions.get(spec.function)
    if function is None:
        raise NotFound("function", spec.function, functions)
    times = {column.name for column in inputs.request if column.dtype == "time"}

    def call(row: Mapping[str, Any]) -> Any:
        arguments = [row[name] for name in spec.arguments]
        try:
            value = function(*map(_argument, arguments, [name in times for name in spec.arguments]))
        except Exception as error:
            raise FunctionFailed(f"{spec.name}{tuple(arguments)} raised {type(error).__name__}: {error}") from error
        typed = _typed(value, spec)
        if typed is _UNFIT:
            said = f"{spec.name}{tuple(arguments)} returned {value!r}, not {spec.dtype}"
            raise FunctionFailed(said, hint="return what the annotation says; a value that may lack is `| None`")
        return typed

    return call


_UNFIT = object()


def _typed(value: Any, spec: FunctionInput) -> Any:
    if value is None or value != value:  # NaN alone is not itself
        return None if spec.nullable else _UNFIT
    expected = _TYPES[spec.dtype]
    if type(value) is not expected and hasattr(value, "item"):
        value = value.item()  # NumPy's numbers
    if expected is float and isinstance(value, int | float):
        value = float(value)
        return value if isfinite(value) else _UNFIT
    if type(value) is int and not -(2**63) <= value < 2**63:
        return _UNFIT
    return value if type(value) is expected else _UNFIT


def _argument(value: Any, is_time: bool) -> Any:
    return to_datetime(value) if is_time and value is not None else value
