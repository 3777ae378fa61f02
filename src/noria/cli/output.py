"""How commands speak: people read tables, programs read one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from noria.core.errors import NoriaError


def say_json(value: Any) -> None:
    """One JSON document on standard output; dataclasses become objects."""
    import msgspec

    json.dump(msgspec.to_builtins(value), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def say_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table for people."""
    from rich.console import Console
    from rich.table import Column, Table

    first, *others = columns
    table = Table(
        Column(first, no_wrap=True),
        *others,
        title=title,
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console().print(table)


def counted(number: int, noun: str) -> str:
    """A number with its noun, in English.

    >>> counted(1, "file"), counted(1200, "row")
    ('1 file', '1,200 rows')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def beginnings(names: Sequence[str], least: int = 12) -> list[str]:
    """The first characters of each name, so many that all differ; enough to name a run by.

    >>> beginnings(["aaaa1", "aaaa2"], least=2)
    ['aaaa1', 'aaaa2']
    """
    longest = max((len(name) for name in names), default=0)
    for length in range(least, longest):
        if len({name[:length] for name in names}) == len(set(names)):
            return [name[:length] for name in names]
    return list(names)


def fail(error: NoriaError, *, as_json: bool) -> NoReturn:
    """End with the error's sentence on standard error and exit code 1."""
    if as_json:
        json.dump(error.as_dict(), sys.stdout)
        sys.stdout.write("\n")
    else:
        sys.stderr.write(f"{error}\n")
    sys.exit(1)
