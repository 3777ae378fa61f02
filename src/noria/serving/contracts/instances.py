"""Rows as the contracts of platforms write them: objects, lists in the columns' order, columns, frames, CSV.

A row that is an object names its columns; one that is a list gives them in the order in which the model declares them,
without the moment of asking. A row may carry `prediction_id`, the caller's own. Pure functions; whether a value fits
its column is the endpoint's to say.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from noria.core.schema import Column
from noria.serving.contracts.datatypes import PREDICTION_ID
from noria.serving.contracts.shape import Shape
from noria.serving.json_body import as_object, kind_of
from noria.serving.model import BadPayload
from noria.serving.rows import Ask, few_enough, read_ask


def asks_of(instances: Any, shape: Shape, what: str = "instances") -> list[Ask]:
    """Rows of an array of objects, of lists, or of mere values for a model with one column. Raises BadPayload."""
    instances = as_list(instances, what)
    few_enough(instances)
    if not instances:
        raise BadPayload(f"{what} is empty", hint="send at least one row")
    return [_instance(one, shape, f"{what}[{number}]") for number, one in enumerate(instances)]


def _instance(instance: Any, shape: Shape, place: str) -> Ask:
    if isinstance(instance, dict):
        return read_ask(instance)
    if isinstance(instance, list):
        return Ask(dict(zip(_names(len(instance), shape, place), instance, strict=True)))
    if len(shape.positional) == 1:
        return Ask({shape.positional[0]: instance})
    raise BadPayload(f"{place} is {kind_of(instance)}", hint=f"a row has the columns {', '.join(shape.positional)}")


def _names(count: int, shape: Shape, place: str) -> Sequence[str]:
    if count == len(shape.positional):
        return shape.positional
    raise BadPayload(
        f"{place} has {count} values for {len(shape.positional)} columns",
        hint=f"in this order: {', '.join(shape.positional)}",
    )


def asks_of_columns(columns: Any, shape: Shape, what: str = "inputs") -> list[Ask]:
    """Rows of an object of columns, each as long as the others, or of the one column of a model that has one."""
    if isinstance(columns, list) and len(shape.positional) == 1:
        columns = {shape.positional[0]: columns}
    flat = {name: _flat(values, f"{what}.{name}"[:120]) for name, values in as_object(columns, what).items()}
    return asks_of_split(list(flat), _turned(flat, what), shape, what)


def _flat(values: Any, what: str) -> list[Any]:
    """Values of a column, one a row, as they are or each in a list of its own."""
    found = as_list(values, what)
    if found and all(isinstance(value, list) and len(value) == 1 for value in found):
        return [value[0] for value in found]
    return found


def _turned(columns: Mapping[str, list[Any]], what: str) -> list[list[Any]]:
    lengths = {name[:80]: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise BadPayload(f"the columns of {what} differ in their number of rows: {dict(list(lengths.items())[:20])}")
    few_enough(next(iter(columns.values()), ()))
    return [list(row) for row in zip(*columns.values(), strict=True)]


def asks_of_split(names: Any, data: Any, shape: Shape, what: str = "data") -> list[Ask]:
    """Rows of a frame: its column names (None: the model's own), and a list of values for each row."""
    data = as_list(data, what)
    if names is None:
        return asks_of(data, shape, what)
    names = as_list(names, "columns")
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise BadPayload("columns are to be strings, each of them once", hint=f"such as {', '.join(shape.positional)}")
    few_enough(data)
    if not data:
        raise BadPayload(f"{what} is empty", hint="send at least one row")
    asks = []
    for number, row in enumerate(data):
        row = as_list(row, f"{what}[{number}]")
        if len(row) != len(names):
            raise BadPayload(f"{what}[{number}] has {len(row)} values for {len(names)} columns")
        asks.append(read_ask(dict(zip(names, row, strict=True))))
    return asks


def asks_of_csv(body: bytes, shape: Shape) -> list[Ask]:
    """Rows of a CSV. The first line names the columns when every cell of it is the name of one; else it is a row."""
    try:
        lines = [line for line in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True) if line]
    except UnicodeDecodeError as error:
        raise BadPayload(f"the body is not UTF-8 (byte {error.start})", hint="encode it as UTF-8") from None
    except csv.Error as error:
        raise BadPayload(f"the body is no CSV: {error}") from None
    few_enough(lines[1:])
    known = {**shape.columns, PREDICTION_ID: Column(PREDICTION_ID, "string", nullable=True)}
    named = bool(lines) and all(cell in known for cell in lines[0])
    names, lines = (lines[0], lines[1:]) if named else (None, lines)
    data = []
    for number, line in enumerate(lines):
        columns = names or _names(len(line), shape, f"line {number + 1}")
        if len(line) != len(columns):
            raise BadPayload(f"line {number + 1} has {len(line)} values for {len(columns)} columns")
        data.append([_typed(cell, known[name]) for name, cell in zip(columns, line, strict=True)])
    return asks_of_split(names, data, shape, "the body")


def _typed(cell: str, column: Column) -> Any:
    """A cell as its column's type; one that is no such thing stays text, which the endpoint then refuses by name."""
    if cell == "":
        return "" if column.dtype == "string" and not column.nullable else None
    try:
        if column.dtype == "float":
            number = float(cell)
            return None if number != number else number
        if column.dtype == "int" or (column.dtype == "time" and cell.lstrip("-").isdecimal()):
            return int(cell)
    except ValueError:
        return cell
    if column.dtype == "bool":
        return {"true": True, "false": False, "1": True, "0": False}.get(cell.lower(), cell)
    return cell


def as_list(value: Any, what: str) -> list[Any]:
    """The value itself when it is a JSON array. Raises BadPayload."""
    if not isinstance(value, list):
        raise BadPayload(f"{what} is {kind_of(value)}, not an array")
    return value


def one_of(body: dict[str, Any], names: Sequence[str]) -> str:
    """Which of several members a body has. Raises BadPayload when it is none or more than one."""
    found = [name for name in names if name in body]
    if len(found) != 1:
        what = f"has {' and '.join(found)}" if found else f"has none of {', '.join(names)}"
        raise BadPayload(f"the body {what}", hint=f"give one of {', '.join(names)}")
    return found[0]
