"""`python -m noria.stores.migrations.draft "what changes"`: write the next revision from the declared tables.

A scratch database is brought to the newest revision and compared with the metadata; what differs becomes the
next file. It is a draft: read it before it is committed, for a renamed column looks like one dropped and one
added. `--anew` throws all revisions away and writes the first one again, which is right only before a release.
The baselines, which make an empty database in one go, are written along with it; `--baseline` writes them alone.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import pkgutil
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

import noria
from noria.stores.migrations import upgrade
from noria.stores.schema import metadata


def import_tables() -> sa.MetaData:
    """Import the journal and every folder's `tables` module; gives the metadata, which is whole afterwards."""
    importlib.import_module("noria.stores.journal")
    for folder in pkgutil.iter_modules(noria.__path__, "noria."):
        name = f"{folder.name}.tables"
        if folder.ispkg and importlib.util.find_spec(name):
            importlib.import_module(name)
    return metadata


def draft(message: str) -> Path | None:
    """Write the next revision; gives its file, or None when the tables are as the revisions make them."""
    target = import_tables()
    with sa.create_engine("sqlite://").begin() as connection:
        upgrade.upgrade_by_revisions(connection)
        if not differences(connection, target):
            return None
        number = f"{len(upgrade.revisions()) + 1:04d}"
        command.revision(upgrade.config(connection, target), message, autogenerate=True, rev_id=number)
    (written,) = (upgrade.FOLDER / "versions").glob(f"{number}_*.py")
    tidy(written)
    write_baselines()
    return written


def write_baselines() -> None:
    """Write the tables as they are declared now, as the SQL that makes them, for each kind of database."""
    tables = import_tables().sorted_tables
    dialects: list[Any] = [sqlite.dialect(), postgresql.dialect()]  # type: ignore[no-untyped-call]
    for dialect in dialects:
        made: list[Any] = [CreateTable(table) for table in tables]
        made += [CreateIndex(one) for table in tables for one in sorted(table.indexes, key=lambda one: str(one.name))]
        lines = [str(one.compile(dialect=dialect)).strip().replace(", \n", ",\n") for one in made]
        lines += [f"CREATE TABLE {upgrade.VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"]
        lines += [f"INSERT INTO {upgrade.VERSION_TABLE} VALUES ('{upgrade.revisions()[-1]}')"]
        file = upgrade.baseline(dialect.name)
        file.parent.mkdir(exist_ok=True)
        file.write_text(";\n\n".join(lines) + ";\n", encoding="utf-8")


def differences(connection: sa.Connection, target: sa.MetaData) -> list[object]:
    """What a database's tables lack, or have too much, against the metadata; empty when they agree."""
    context = MigrationContext.configure(connection, opts={"version_table": upgrade.VERSION_TABLE})
    return list(compare_metadata(context, target))


def tidy(file: Path) -> None:
    """Take Alembic's remarks out, and lay the file out as the linter wants it where the linter is installed."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.lstrip().startswith("# ###")), encoding="utf-8")
    if ruff := shutil.which("ruff"):
        for step in (["check", "--fix-only"], ["format"]):
            subprocess.run([ruff, *step, "--quiet", str(file)], check=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and write the file."""
    parser = argparse.ArgumentParser(prog="python -m noria.stores.migrations.draft", description=__doc__)
    parser.add_argument(
        "message", nargs="?", default="changes", help='what changes, such as "rollouts know their owner"'
    )
    parser.add_argument("--anew", action="store_true", help="throw all revisions away and begin again")
    parser.add_argument("--baseline", action="store_true", help="write the baselines and no revision")
    chosen = parser.parse_args(arguments)
    if chosen.baseline:
        write_baselines()
        return
    if chosen.anew:
        for file in (upgrade.FOLDER / "versions").glob("[0-9]*.py"):
            file.unlink()
    written = draft(chosen.message)
    print(f"wrote {written}" if written else "nothing to write: the tables are as the revisions make them")


if __name__ == "__main__":
    main()
