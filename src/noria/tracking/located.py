"""Finding the row of a run by its id, which is where everything that is logged begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from noria.core.errors import NotFound
from noria.stores.sqlite import directly
from noria.tracking.experiments import NotActive
from noria.tracking.tables import runs
from noria.tracking.writing import is_sqlite

_BY_ID = "SELECT key, experiment, stage FROM runs WHERE id = "


class RunMissing(NotFound):
    """There is no run of that id."""

    code = "N2210"

    def __init__(self, id: str, known: list[str] | None = None) -> None:
        super().__init__("run", id, known)
        self.id = id


@dataclass(frozen=True, slots=True)
class Located:
    """A run as other tables refer to it."""

    key: int
    experiment: int
    stage: str
    id: str


def locate(connection: sa.Connection, id: str, *, active: bool = True) -> Located:
    """The row of a run. Raises RunMissing, and NotActive when it is deleted and shall be `active`."""
    row = _row(connection, id) if _may_be_id(id) else None
    if row is None:
        newest = sa.select(runs.c.id).order_by(runs.c.key.desc()).limit(20)
        raise RunMissing(str(id), list(connection.execute(newest).scalars()))
    if active and row[2] != "active":
        raise NotActive("run", id, row[2])
    return Located(row[0], row[1], row[2], id)


def _row(connection: sa.Connection, id: str) -> Any:
    if is_sqlite(connection):
        return directly(connection).execute(f"{_BY_ID}?", (id,)).fetchone()
    return connection.exec_driver_sql(f"{_BY_ID}%s", (id,)).first()


def _may_be_id(id: str) -> bool:
    return isinstance(id, str) and id.isascii() and "\0" not in id
