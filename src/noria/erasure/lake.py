"""Delta tables that sources are read from, without a subject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from noria.data.lake.forgetting import forget_rows
from noria.data.lake.opening import is_table
from noria.erasure.model import Hit, Place, Subject
from noria.erasure.reading import files_below, hits_in


def tables_in(snapshots: Iterable[Mapping[str, Any]]) -> set[str]:
    """The places of the Delta tables that snapshots were read from."""
    return {told["delta"]["place"] for told in snapshots if told.get("delta")}


def local(tables: Iterable[str]) -> list[Path]:
    """The folders among them, that are still there."""
    return sorted(path for path in map(Path, (one for one in tables if "://" not in one)) if is_table(path))


def elsewhere(tables: Iterable[str]) -> list[Hit]:
    """Tables in a store, which are neither changed nor read here: each is told as something that remains."""
    return [Hit(one, "a Delta table in a store: erase there") for one in sorted(tables) if "://" in one]


def erase_tables(tables: Iterable[str], subject: Subject) -> list[Place]:
    """Take the subject out of every version of the tables that have it anywhere in their files."""
    places = []
    for folder in local(tables):
        if any(hits_in(path, subject) for path in files_below(folder)):
            found = forget_rows(str(folder), subject.column, subject.value)
            places.append(Place("Delta table", folder.as_posix(), found, "rows removed, and all earlier versions"))
    return places
