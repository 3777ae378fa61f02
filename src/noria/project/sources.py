"""`Source`: a class whose annotations are the columns of a table that somebody else fills."""

from __future__ import annotations

import types
import typing
from datetime import datetime
from typing import Any, ClassVar

from noria.core.errors import Fault
from noria.core.schema import Column, DType, Schema
from noria.core.suggest import did_you_mean
from noria.project.columns import ColumnMark, ColumnRef

_DTYPES: dict[Any, DType] = {str: "string", int: "int", float: "float", bool: "bool", datetime: "time"}


class Source:
    """Rows that happen: subclass it, annotate the columns, name the event time.

    Allowed types are `str`, `int`, `float`, `bool` and `datetime`, each possibly `| None`. Where the rows
    lie is told in the TOML file under `[source.NAME]`.

    Example::

        class Departure(noria.Source):
            origin: str
            left_at: datetime = noria.event_time()
            delay: float = noria.column(unit="minutes", at_least=-120)
    """

    noria_schema: ClassVar[Schema]
    noria_faults: ClassVar[tuple[Fault, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        faults: list[Fault] = []
        marks = {name: value for name, value in vars(cls).items() if isinstance(value, ColumnMark)}
        columns = [
            found
            for name, hint in _hints(cls, faults).items()
            if (found := _column(cls.__name__, name, hint, marks.get(name, ColumnMark()), faults))
        ]
        cls.noria_schema = Schema(
            columns=tuple(columns),
            event_time=_the_one(cls.__name__, "event_time", marks, faults),
            key=_at_most_one(cls.__name__, "key", marks, faults),
            retraction=_at_most_one(cls.__name__, "retraction", marks, faults),
        )
        if cls.noria_schema.retraction and not cls.noria_schema.key:
            hint = "mark the column that names an event with noria.key()"
            faults.append(Fault(cls.__name__, "takes events back, but does not say how they are named", hint))
        cls.noria_faults = tuple(faults)
        for one in columns:
            setattr(cls, one.name, ColumnRef(cls.__name__, one))


def _hints(cls: type, faults: list[Fault]) -> dict[str, Any]:
    try:
        hints = typing.get_type_hints(cls)
    except NameError as error:
        faults.append(Fault(cls.__name__, f"an annotation cannot be understood: {error}", "import the name it uses"))
        return {}
    return {name: hint for name, hint in hints.items() if not name.startswith("noria_")}


def _column(source: str, name: str, hint: Any, mark: ColumnMark, faults: list[Fault]) -> Column | None:
    members = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    plain = [member for member in members if member is not type(None)]
    dtype = _DTYPES.get(plain[0]) if len(plain) == 1 else None
    place = f"{source}.{name}"
    if dtype is None:
        shown = getattr(hint, "__name__", str(hint))
        guess = did_you_mean(shown, (known.__name__ for known in _DTYPES))
        faults.append(
            Fault(place, f"a column cannot be of type {shown}", guess or "use str, int, float, bool, datetime")
        )
        return None
    if mark.role == "event_time" and dtype != "time":
        faults.append(Fault(place, "an event time must be a datetime"))
    if mark.role == "retraction" and dtype not in ("bool", "int"):
        faults.append(Fault(place, "a retraction must be a bool, or an int that is below zero"))
    if (mark.at_least is not None or mark.at_most is not None) and dtype not in ("int", "float"):
        faults.append(Fault(place, "only numbers have bounds"))
    if mark.at_least is not None and mark.at_most is not None and mark.at_least > mark.at_most:
        faults.append(Fault(place, f"at_least={mark.at_least} lies above at_most={mark.at_most}"))
    return Column(name, dtype, len(plain) < len(members), mark.unit, mark.at_least, mark.at_most)


def _the_one(source: str, role: str, marks: dict[str, ColumnMark], faults: list[Fault]) -> str:
    found = [name for name, mark in marks.items() if mark.role == role]
    if len(found) != 1:
        said = "has no event time" if not found else f"has {len(found)} event times ({', '.join(found)})"
        faults.append(Fault(source, said, "mark one datetime column with noria.event_time()"))
    return found[0] if found else ""


def _at_most_one(source: str, role: str, marks: dict[str, ColumnMark], faults: list[Fault]) -> str | None:
    found = [name for name, mark in marks.items() if mark.role == role]
    if len(found) > 1:
        hint = "one column names a row" if role == "key" else "one column takes a row back"
        faults.append(Fault(source, f"has {len(found)} {role}s ({', '.join(found)})", hint))
    return found[0] if found else None
