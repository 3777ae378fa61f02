"""The right side of a comparison, read as its left side's type wants it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from noria.core.search.grammars import Type
from noria.core.search.model import Value

_LARGEST = 2**63


class WrongValue(Exception):
    """A value of the wrong type; the reader of the text says where."""


@dataclass(frozen=True)
class Operand:
    """What stands on the right, unread. `kind` is `integer`, `float`, `text`, `list`, or `name` for anything else."""

    kind: str
    raw: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.raw)


def read_value(type_: Type, operator: str, operand: Operand) -> Value:
    """The value of an operand. Raises WrongValue."""
    if operator in ("IN", "NOT IN"):
        if operand.kind != "list":
            raise WrongValue(f"{operator} wants a list of quoted texts, ('a', 'b')")
        return tuple(_each(type_, text) for text in _texts(operand.raw, loose=type_ is Type.LOOSE_TEXT))
    if operand.kind == "list":
        raise WrongValue(f"{operator} does not go with a list; write IN")
    return _READERS[type_](operand)


def _each(type_: Type, text: str) -> str:
    return str(_whole(text)) if type_ is Type.IDENTITY else text


def _texts(raw: str, *, loose: bool) -> tuple[str, ...]:
    """The texts of a list, written as Python's are: adjacent ones are joined, backslashes escape."""
    if raw.count("(") > 20:
        raise WrongValue("a list in lists")
    try:
        found = ast.literal_eval(raw)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise WrongValue("a list of quoted texts is written ('a', 'b')") from None
    found = found if isinstance(found, tuple) else (found,)
    if not all(isinstance(text, str) for text in found):
        raise WrongValue("a list holds quoted texts only")
    if not found and not loose:
        raise WrongValue("the list is empty")
    return tuple(found)


def _number(operand: Operand) -> float:
    if operand.kind not in ("integer", "float"):
        raise WrongValue(f"expected a number, found {operand.raw}")
    return float(operand.raw)


def _integer(operand: Operand) -> int:
    if operand.kind != "integer":
        raise WrongValue(f"expected a whole number, found {operand.raw}")
    return _whole(operand.raw)


def _version(operand: Operand) -> int:
    return _integer(operand) if operand.kind in ("integer", "float") else _whole(_text(operand))


def _identity(operand: Operand) -> str:
    return str(_whole(_text(operand)))


def _whole(text: str) -> int:
    if len(text) > 40:
        raise WrongValue("a number too large for any database")
    try:
        number = int(text)
    except ValueError:
        raise WrongValue(f"expected a whole number, found {text!r}") from None
    if not -_LARGEST <= number < _LARGEST:
        raise WrongValue("a number too large for any database")
    return number


def _text(operand: Operand) -> str:
    raw = operand.raw
    if operand.kind in ("text", "name") and len(raw) >= 2 and raw[0] == raw[-1] and raw[0] in "'\"":
        return raw[1:-1]
    raise WrongValue(f"expected a text in quotes, found {raw}")


def _loose_number(operand: Operand) -> float:
    try:
        return float(operand.raw)
    except ValueError:
        raise WrongValue(f"expected a number, found {operand.raw}") from None


def _loose_text(operand: Operand) -> str:
    return operand.raw.strip("'")


def _moment(operand: Operand) -> int | float:
    return _integer(operand) if operand.kind == "integer" else _number(operand)


_READERS: dict[Type, Callable[[Operand], Value]] = {
    Type.NUMBER: _number,
    Type.MOMENT: _moment,
    Type.INTEGER: _integer,
    Type.VERSION: _version,
    Type.IDENTITY: _identity,
    Type.TEXT: _text,
    Type.LOOSE_NUMBER: _loose_number,
    Type.LOOSE_TEXT: _loose_text,
}
