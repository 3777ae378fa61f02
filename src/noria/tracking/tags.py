"""Tags of a run: the last value stands. One of them, `mlflow.runName`, is the run's name in another place."""

from __future__ import annotations

import sqlalchemy as sa

from noria.stores.sqlite import directly
from noria.tracking.experiments import TagMissing
from noria.tracking.located import Located
from noria.tracking.names import Pairs, storable, tags_of
from noria.tracking.tables import run_tags, runs
from noria.tracking.writing import is_sqlite

RUN_NAME = "mlflow.runName"
USER = "mlflow.user"

_NEWER = " ON CONFLICT (run, name) DO UPDATE SET value = excluded.value"
_SQLITE = f"INSERT INTO run_tags (run, name, value) VALUES (?, ?, ?){_NEWER}"
_POSTGRES = (
    "INSERT INTO run_tags (run, name, value) SELECT %s, t.name, t.value"
    f" FROM unnest(%s::text[], %s::text[]) AS t (name, value){_NEWER}"
)


def set_tags(connection: sa.Connection, run: Located, tags: Pairs) -> None:
    """Write tags inside the caller's transaction; an empty run name changes nothing. Raises BadName, BadValue."""
    values = tags_of(tags)
    if RUN_NAME in values:
        if values[RUN_NAME]:
            connection.execute(sa.update(runs).where(runs.c.key == run.key).values(name=values[RUN_NAME]))
        else:
            del values[RUN_NAME]
    write_tags(connection, run.key, values)


def write_tags(connection: sa.Connection, run: int, values: dict[str, str]) -> None:
    """Write rows of tags, whatever they say."""
    if not values:
        return
    names = sorted(values)
    if is_sqlite(connection):
        directly(connection).executemany(_SQLITE, [(run, name, values[name]) for name in names])
    else:
        connection.exec_driver_sql(_POSTGRES, (run, names, [values[name] for name in names]))


def delete_tag(connection: sa.Connection, run: Located, name: str) -> None:
    """Remove a tag inside the caller's transaction; a run keeps its name without its tag. Raises TagMissing."""
    chosen = sa.delete(run_tags).where(run_tags.c.run == run.key, run_tags.c.name == name)
    if not storable(name) or not connection.execute(chosen).rowcount:
        raise TagMissing("run", run.id, name)
