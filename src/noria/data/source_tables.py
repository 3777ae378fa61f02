"""The rows of a project's source that were accepted last, as a table to check: `source:Flight`.

`source:Flight@2013-01-01..2013-02-01` is the span from the first moment up to, and without, the second; either
may be left out.
"""

from __future__ import annotations

from dataclasses import replace

from noria.core.clock import Micros, parse_moment
from noria.core.errors import BadInput, NotFound
from noria.data import acceptance, snapshot
from noria.data.suites import quoting
from noria.data.suites.parts import table_of_parts
from noria.data.suites.table import Table
from noria.workspace.workspace import Workspace

PREFIX = "source:"


def table_of_source(ws: Workspace, place: str) -> Table:
    """The table at `source:NAME` or `source:NAME@FROM..TO`.

    Raises NotFound when nothing of the source was accepted yet, BadInput for a span that is none.
    """
    name, separator, span = place.removeprefix(PREFIX).partition("@")
    checked = acceptance.last(ws, name)
    if checked is None:
        raise NotFound("accepted source", name, hint="sources are checked by `noria run`")
    taken = snapshot.get(ws, checked.snapshot)
    if taken is None:
        raise NotFound("snapshot", checked.snapshot)
    table = table_of_parts(ws, taken.schema, checked.parts, place)
    if not separator:
        return table
    event = quoting.name(taken.schema.event_time)
    first, last = _span(span)
    wanted = [f"{event} {sign} make_timestamp({moment})"
              for sign, moment in ((">=", first), ("<", last)) if moment is not None]  # fmt: skip
    return replace(table, sql=f"SELECT * FROM ({table.sql}) WHERE {' AND '.join(wanted) or 'TRUE'}")


def _span(text: str) -> tuple[Micros | None, Micros | None]:
    first, separator, last = text.partition("..")
    try:
        if not separator:
            raise ValueError("it has no '..'")
        return (parse_moment(first) if first else None), (parse_moment(last) if last else None)
    except ValueError as error:
        raise BadInput(f"{text!r} is no span of time: {error}", hint="such as @2013-01-01..2013-02-01") from None
