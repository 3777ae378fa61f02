"""Where a source leads: a version copied, a logged model, or a place of which only the URI is known."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from noria.core.errors import BadInput, NoriaError
from noria.registry import reading
from noria.registry.uri import SCHEME, parse
from noria.tracking.tables import logged_models


class SourceMissing(BadInput):
    """A source that names a version or a logged model which is not there."""

    code = "N5041"

    def __init__(self, source: str, why: str) -> None:
        super().__init__(f"the source {source[:200]!r} leads nowhere: {why}")
        self.source, self.why = source, why


@dataclass(frozen=True)
class Place:
    """Where files lie, the run that made them, and what Noria knows of them if it packaged them (JSON)."""

    storage: str
    run: str | None
    packaged: str | None = None


def locate(connection: sa.Connection, source: str, *, run: str | None, logged_model: str | None) -> Place:
    """Follow a source. Raises SourceMissing."""
    named = source[: len(SCHEME)].lower() == SCHEME
    place = _followed(connection, source, run) if named else Place(source, run)
    if not place.run and logged_model:
        return Place(place.storage, _logged(connection, source, logged_model).run, place.packaged)
    return place


def _followed(connection: sa.Connection, source: str, run: str | None) -> Place:
    try:
        named = parse(SCHEME + source[len(SCHEME) :])
        if named.logged_model is not None:
            found = _logged(connection, source, named.logged_model)
            return Place(found.storage, run or found.run)
        if named.number is None or named.at is not None:
            raise SourceMissing(source, "it must name a version by its number")
        version = reading.get_version(connection, named.model, named.number)
    except SourceMissing:
        raise
    except NoriaError as error:
        raise SourceMissing(source, error.message) from error
    packaged = reading.packaged(version) if version.package else None
    return Place(version.storage or version.source, run, packaged)


def _logged(connection: sa.Connection, source: str, key: str) -> Place:
    query = sa.select(logged_models.c.artifact_root, logged_models.c.source_run).where(
        logged_models.c.id == key, logged_models.c.stage == "active"
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise SourceMissing(source, f"there is no logged model {key!r}")
    return Place(row.artifact_root, row.source_run)
