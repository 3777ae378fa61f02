"""Bringing a database to the newest revision.

The revision a database is at stands in its table `noria_schema`. Whoever is at the newest one pays two
small queries: Alembic is imported only when there is something to do. A database that is still empty is
made from `baseline/`, the tables as the newest revision leaves them, written out as SQL.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from noria.core.errors import NoriaError

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent
VERSION_TABLE = "noria_schema"
"""Not Alembic's usual name: another program's tables may live in the same database."""

_revisions = sa.table(VERSION_TABLE, sa.column("version_num", sa.String))


class NewerSchema(NoriaError):
    """The database was written by a later release, whose tables this one does not know."""

    code = "N2010"
    status = 503


def revisions() -> list[str]:
    """Every revision this release knows, oldest first, by the names of the files."""
    return sorted(file.name.partition("_")[0] for file in (FOLDER / "versions").glob("[0-9]*.py"))


def is_newest(connection: sa.Connection) -> bool:
    """Whether there is nothing to do. Raises NewerSchema when the database is ahead of this release."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return False
    current, known = connection.execute(sa.select(_revisions.c.version_num)).scalar(), revisions()
    if current is not None and current not in known:
        raise NewerSchema(
            f"the database is at revision {current}, and this release knows revisions up to {known[-1]}",
            hint="install the release that made it, or a later one; nothing was changed",
        )
    return bool(known) and current == known[-1]


def upgrade(connection: sa.Connection) -> None:
    """Run what is missing, inside the caller's transaction; the caller sees to it that nobody else does."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        create(connection)
        if is_newest(connection):
            return
    upgrade_by_revisions(connection)


def create(connection: sa.Connection) -> None:
    """Make the tables of an empty database as the newest revision leaves them, and write down which that is."""
    for statement in baseline(connection.dialect.name).read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)


def upgrade_by_revisions(connection: sa.Connection) -> None:
    """Run every missing revision, from the first one on where none has been run."""
    from alembic import command

    command.upgrade(config(connection), "head")


def baseline(dialect: str) -> Path:
    """The file that makes an empty database of that kind."""
    return FOLDER / "baseline" / f"{dialect}.sql"


def config(connection: sa.Connection, metadata: sa.MetaData | None = None) -> Config:
    """Alembic's settings, which say what `env.py` shall work on."""
    from alembic.config import Config

    made = Config(stdout=io.StringIO(), attributes={"connection": connection, "metadata": metadata})
    made.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    made.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    made.set_main_option("path_separator", "os")
    return made
