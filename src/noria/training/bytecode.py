"""Code in a form that can be compared: what the interpreter will do, without where it was written.

The compiled form is used instead of the source because it is what runs: a file edited after its import
cannot mislead it, and a lambda, a decorator's wrapper or a function made by `exec` has one too. Comments,
docstrings, annotations, line numbers and the order of the constants' table do not appear in it. It holds
within one minor version of Python, which every fingerprint names.
"""

from __future__ import annotations

import dis
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")
_NAMES = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
_MEANT = 0x04 | 0x08 | 0x20 | 0x80 | 0x200
"""Flags that change what a call does: *args, **kwargs, generator, coroutine, asynchronous generator."""


@dataclass(frozen=True)
class Lookup:
    """A name looked up outside the code, with the attributes taken from it: `helpers.scale(x)`.

    `certain` is False where the name may also be a local one of a class body.
    """

    name: str
    attributes: tuple[str, ...]
    certain: bool


@dataclass(frozen=True)
class Import:
    """An import statement inside a function: the module as written, how many dots, and the names taken."""

    module: str
    level: int
    names: tuple[str, ...]


@dataclass
class Form:
    """The comparable form of code: its instructions, what it looks up and imports, the attributes it takes."""

    instructions: list[Any] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)


def read(code: types.CodeType) -> Form:
    """The form of a code object and of all code inside it."""
    form = Form()
    form.instructions = _read(code, form)
    return form


def constant(value: Any) -> str:
    """A constant as text, with its type: 1, 1.0 and True differ, and so do 0.0 and -0.0.

    >>> constant(1), constant(True), constant(frozenset("ba"))
    ('int 1', 'bool True', "frozenset {str 'a', str 'b'}")
    """
    kind = type(value).__name__
    if isinstance(value, frozenset):  # its own order changes from process to process
        return f"{kind} {{{', '.join(sorted(map(constant, value)))}}}"
    if isinstance(value, tuple):
        return f"{kind} ({', '.join(map(constant, value))})"
    return f"{kind} {value!r}"


def _read(code: types.CodeType, form: Form) -> list[Any]:
    steps = list(dis.get_instructions(code))
    number = {step.offset: index for index, step in enumerate(steps)}
    told: list[Any] = [_signature(code), code.co_exceptiontable.hex()]
    for index, step in enumerate(steps):
        if step.opname in _NAMES:
            form.lookups.append(Lookup(step.argval, _chain(steps, index), step.opname == "LOAD_GLOBAL"))
            told.append([step.opname, len(form.lookups)])  # by number: an alias is no change
            continue
        if step.opname in _ATTRIBUTES:
            form.attributes.add(step.argval)
        if step.opname == "IMPORT_NAME":
            form.imports.append(Import(step.argval, *_imported(steps, index)))
        told.append([step.opname, _argument(step, number, form)])
    return told


def _argument(step: dis.Instruction, number: dict[int, int], form: Form) -> Any:
    if isinstance(step.argval, types.CodeType):
        return _read(step.argval, form)
    if step.opcode in dis.hasconst:
        return constant(step.argval)
    if step.opcode in dis.hasjrel or step.opcode in dis.hasjabs:
        return number.get(step.argval, step.argval)
    return constant(step.argval)


def _signature(code: types.CodeType) -> list[Any]:
    stars = bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
    count = code.co_argcount + code.co_kwonlyargcount
    names = list(code.co_varnames[: count + stars])
    return [code.co_posonlyargcount, code.co_argcount, code.co_kwonlyargcount, code.co_flags & _MEANT, names]


def _chain(steps: list[dis.Instruction], index: int) -> tuple[str, ...]:
    return tuple(_attributes(steps, index + 1))


def _attributes(steps: list[dis.Instruction], index: int) -> Iterator[str]:
    while index < len(steps) and steps[index].opname in _ATTRIBUTES:
        yield steps[index].argval
        index += 1


def _imported(steps: list[dis.Instruction], index: int) -> tuple[int, tuple[str, ...]]:
    """An import's level and names, which the two constants before it hold."""
    level, names = steps[index - 2].argval, steps[index - 1].argval
    return (level if isinstance(level, int) else 0), tuple(names or ())
