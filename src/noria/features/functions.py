"""Features that are plain functions of the request, called the same way offline and online."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from noria.core.clock import to_datetime
from noria.core.errors import BadInput
from noria.features.model import FunctionInput, InputSet

_TYPES = {"string": str, "int": int, "float": float, "bool": bool}


class FunctionFailed(BadInput):
    """A feature function raised, or returned something else than it declares."""

    code = "N3103"


def caller(
    spec: FunctionInput, inputs: InputSet, functions: Mapping[str, Callable[..., Any]]
) -> Callable[[Mapping[str, Any]], Any]:
    """The function of `spec` as a function of a request row; time columns become UTC datetimes."""
    function = functions[spec.function]
    times = {column.name for column in inputs.request if column.dtype == "time"}
    expected = _TYPES[spec.dtype]

    def call(row: Mapping[str, Any]) -> Any:
        arguments = [_argument(row[name], name in times) for name in spec.arguments]
        try:
            value = function(*arguments)
        except Exception as error:
            raise FunctionFailed(f"{spec.name}{tuple(arguments)} raised {type(error).__name__}: {error}") from error
        if value is None and spec.nullable:
            return None
        if expected is float and isinstance(value, int | float):
            return float(value)
        if type(value) is not expected:
            said = f"{spec.name}{tuple(arguments)} returned {value!r}, not {spec.dtype}"
            raise FunctionFailed(said, hint="return what the annotation says")
        return value

    return call


def _argument(value: Any, is_time: bool) -> Any:
    return to_datetime(value) if is_time and value is not None else value
