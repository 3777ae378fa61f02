"""What a training program may hand over, turned into what is kept: numbers, whole numbers, names and texts."""

from __future__ import annotations

import json
from typing import Any

from noria.core.errors import BadInput

LONGEST_NAME = 250
LONGEST_TEXT = 100_000
LONGEST_PATH = 1_000
_SHOWN = 60
_WHOLE = 1 << 63


class BadValue(BadInput):
    """Something that was to be logged and cannot be."""

    code = "N2241"


def number(value: Any) -> float:
    """A finite or infinite number or NaN, from anything that is one: NumPy's, a tensor with one element, a Decimal.

    Raises BadValue for texts, None, several numbers at once, and whatever refuses.
    """
    if isinstance(value, float | int):
        return _float(value)
    if value is None or isinstance(value, str | bytes | bytearray | complex):
        raise BadValue(f"{shown(value)} is no number")
    try:
        return _float(value.item() if hasattr(value, "item") else value)
    except BadValue:
        raise
    except Exception as error:
        raise BadValue(f"a {type(value).__name__} is no number: {str(error)[:_SHOWN]}") from error


def whole(value: Any) -> int:
    """A step: a whole number of 64 bits. Raises BadValue."""
    found = value if isinstance(value, int) else number(value)
    if found != found or abs(found) > _WHOLE or found != int(found) or not -_WHOLE <= int(found) < _WHOLE:
        raise BadValue(f"the step {shown(value)} is no whole number of 64 bits")
    return int(found)


def named(name: Any) -> str:
    """The name of a series, param or tag: 1 to 250 characters that can be printed. Raises BadValue."""
    if not isinstance(name, str):
        raise BadValue(f"a name is a text, not {shown(name)}")
    if not 0 < len(name) <= LONGEST_NAME:
        raise BadValue(f"a name has 1 to {LONGEST_NAME} characters, not {len(name):,}: {shown(name)}")
    if not name.isprintable():
        raise BadValue(f"a name can be printed, unlike {shown(name)}")
    return str(name)


def text(value: Any) -> str:
    """The value of a param or tag as text; what has parts becomes JSON. Raises BadValue."""
    try:
        if isinstance(value, dict | list | tuple):
            value = json.dumps(value, default=str, ensure_ascii=False)
        found = str(value).encode("utf-8", "replace").decode()
    except Exception as error:
        raise BadValue(f"a {type(value).__name__} cannot be written: {str(error)[:_SHOWN]}") from error
    if len(found) > LONGEST_TEXT:
        said = f"a text of {len(found):,} characters is too long for a param or tag"
        raise BadValue(said, hint=f"up to {LONGEST_TEXT:,}; longer ones can be logged with log_artifact")
    return found


def artifact_path(name: Any) -> str:
    """The path of a file among a run's artifacts, such as `plots/roc.png`. Raises BadValue."""
    path = name if isinstance(name, str) else str(name)
    parts = path.split("/")
    if len(path) > LONGEST_PATH or not path.isprintable() or "\\" in path or {"", ".", ".."} & set(parts):
        raise BadValue(f"{shown(path)} is no path of an artifact", hint="write names with / between them")
    return path


def shown(value: Any) -> str:
    """A value for a sentence: short, and never an error of its own."""
    try:
        found = repr(value if not isinstance(value, str | bytes) else value[:_SHOWN])
    except Exception:
        return f"a {type(value).__name__}"
    return found if len(found) <= _SHOWN + 3 else found[:_SHOWN] + "..."


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise BadValue(f"a number beyond what a double holds: {type(value).__name__} of great length") from error
