"""Metric names as integer keys.

A name gets its key once and keeps it for ever, so a process remembers the keys it has met; see `Database.cache`.
New names are written in alphabetical order, so that two transactions which bring the same ones wait for each other
in one direction and never in a circle.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from noria.core.errors import BadInput
from noria.stores.database import Database
from noria.tracking.tables import metric_names

LONGEST = 255
_CACHE = "metric_names"
_MOST_REMEMBERED = 100_000
_AT_ONCE = 500


class BadMetricName(BadInput):
    """A metric's name that cannot be kept."""

    code = "N2230"


def metric_keys(database: Database, connection: sa.Connection, names: Sequence[str]) -> list[int]:
    """The key of each name, in the same order; names not yet known are written. Raises BadMetricName."""
    known = database.cache(_CACHE)
    try:
        return list(map(known.__getitem__, names))
    except KeyError:
        found = _written(database, connection, names)
        return [found[name] for name in names]
    except TypeError as error:
        raise BadMetricName("a metric's name is a text") from error


def metric_key(connection: sa.Connection, name: str) -> int | None:
    """The key of a name, or None when nobody has logged it."""
    if not can_be_stored(name):
        return None
    query = sa.select(metric_names.c.key).where(metric_names.c.name == name)
    return connection.execute(query).scalar_one_or_none()


def _written(database: Database, connection: sa.Connection, names: Sequence[str]) -> dict[str, int]:
    for name in names:
        if not can_be_stored(name):
            raise BadMetricName(f"{str(name)[:40]!r} is no metric's name: a text of 1 to {LONGEST} characters is")
    wanted = sorted(set(names))
    found = _read(connection, wanted)
    if missing := [name for name in wanted if name not in found]:
        database.upsert(connection, metric_names, [{"name": name} for name in missing], ["name"])
        found |= _read(connection, missing)
    database.after_commit(lambda: _remember(database, found))
    return found


def _remember(database: Database, found: dict[str, int]) -> None:
    known = database.cache(_CACHE)
    if len(known) + len(found) > _MOST_REMEMBERED:
        known.clear()
    known.update(found)


def _read(connection: sa.Connection, names: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        query = sa.select(metric_names.c.name, metric_names.c.key).where(metric_names.c.name.in_(some))
        found.update((name, key) for name, key in connection.execute(query))
    return found


def can_be_stored(name: object, longest: int = LONGEST) -> bool:
    """Whether both databases could hold this name: a text, not empty, not too long, of letters that UTF-8 has."""
    if not isinstance(name, str) or not 0 < len(name) <= longest or "\0" in name:
        return False
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)
