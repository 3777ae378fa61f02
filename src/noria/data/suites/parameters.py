"""Arguments written as `{"$PARAMETER": name}`, filled in from the suite's parameters or those of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from noria.data.suites.plan import NotRun

_KEY = "$PARAMETER"


def filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    """The value with every parameter in it replaced. Raises NotRun for one that nobody gave.

    >>> filled({"max_value": {"$PARAMETER": "top"}}, {"top": 5})
    {'max_value': 5}
    """
    if isinstance(value, Mapping):
        if _KEY not in value:
            return {key: filled(one, parameters) for key, one in value.items()}
        name = value[_KEY]
        if isinstance(name, str) and name in parameters:
            return parameters[name]
        if f"{_KEY}.{name}" in value:  # 0.x lets an argument bring a value of its own
            return value[f"{_KEY}.{name}"]
        raise NotRun(f"the parameter {name!r:.60} has no value")
    if isinstance(value, list | tuple):
        return [filled(one, parameters) for one in value]
    return value
