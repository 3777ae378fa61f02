"""Nested values, as JSON and MessagePack hold them: is the subject in there, and the same without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from noria.erasure.model import ERASED, Subject


def mentions(value: Any, subject: Subject, at: str = "") -> Iterator[str]:
    """Where in a nested value the subject is named, as paths; in names of entries as well as in values."""
    if isinstance(value, str):
        if subject.mentioned(value):
            yield at or "value"
    elif isinstance(value, bytes):
        if subject.value.encode() in value:
            yield at or "value"
    elif isinstance(value, Mapping):
        for number, (name, inner) in enumerate(value.items()):
            named = next(mentions(name, subject), None) is not None
            if named:
                yield f"{at}[name {number}]"
            yield from mentions(inner, subject, f"{at}.{number if named else name}")
    elif isinstance(value, list | tuple | set | frozenset):
        for number, inner in enumerate(value):
            yield from mentions(inner, subject, f"{at}[{number}]")


def scrubbed(value: Any, subject: Subject) -> Any:
    """The value without the subject: its rows and entries gone, its texts blanked. Equal to `value` when there is none.

    A list loses the rows (mappings) that are the subject's, a mapping the entries that are named by it.
    """
    if isinstance(value, str):
        return ERASED if subject.mentioned(value) else value
    if isinstance(value, bytes):
        return b"" if subject.value.encode() in value else value
    if isinstance(value, Mapping):
        kept = {name: inner for name, inner in value.items() if next(mentions(name, subject), None) is None}
        return {name: scrubbed(inner, subject) for name, inner in kept.items()}
    if isinstance(value, list | tuple):
        rows = [one for one in value if not (isinstance(one, Mapping) and subject.owns(one))]
        return [scrubbed(one, subject) for one in rows]
    return value
