"""Params of a run: written once. The same value again changes nothing, another value is refused."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from noria.core.errors import BadInput
from noria.stores.sqlite import directly
from noria.tracking.located import Located
from noria.tracking.names import Pairs, params_of
from noria.tracking.tables import run_params
from noria.tracking.writing import is_sqlite

_SQLITE = "INSERT INTO run_params (run, name, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_POSTGRES = (
    "INSERT INTO run_params (run, name, value) SELECT %s, t.name, t.value"
    " FROM unnest(%s::text[], %s::text[]) AS t (name, value) ON CONFLICT DO NOTHING"
)


class ParamChanged(BadInput):
    """A param has another value already.

    `name`, `old` and `new` tell of the first one, `changes` of all of them; `run` is the id of what they belong to.
    """

    code = "N2211"

    def __init__(self, run: str, changes: Sequence[tuple[str, str, str]]) -> None:
        told = "; ".join(f"{name!r} is {old[:80]!r}, not {new[:80]!r}" for name, old, new in changes[:5])
        super().__init__(f"a param of {run} cannot be changed: {told}", hint="log it in a run of its own")
        self.run, self.changes = run, tuple(changes)
        self.name, self.old, self.new = changes[0]


def log_params(connection: sa.Connection, run: Located, params: Pairs) -> None:
    """Write params inside the caller's transaction. Raises ParamChanged, NamedTwice, BadName, BadValue.

    Of two transactions that bring a new param at once, the first one's value stands and the second is compared.
    """
    values = params_of(params)
    if not values:
        return
    names = sorted(values)
    if is_sqlite(connection):
        written = directly(connection).executemany(_SQLITE, [(run.key, name, values[name]) for name in names])
    else:
        written = connection.exec_driver_sql(_POSTGRES, (run.key, names, [values[name] for name in names]))
    if written.rowcount == len(names):
        return
    query = sa.select(run_params.c.name, run_params.c.value).where(run_params.c.run == run.key)
    standing: dict[str, str] = {row.name: row.value for row in connection.execute(query)}
    if changes := [(name, standing[name], values[name]) for name in values if standing[name] != values[name]]:
        raise ParamChanged(run.id, changes)
