"""The metadata database without a subject: statistics, profiles, tags, parameters, whatever text a table holds.

The journal is never changed: it is hash-chained, and facts name versions and digests, not rows. If one names the
subject all the same, the reading afterwards says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from noria.core.digest import canonical
from noria.erasure.model import Hit, Place, Subject
from noria.erasure.values import mentions, scrubbed
from noria.stores.journal import journal
from noria.workspace.workspace import Workspace

_DIGESTS = ("digest", "good")
"""Under these names a described part of data says which blob has its rows, beside `rows`, how many."""


def erase_records(ws: Workspace, subject: Subject, shrunk: Mapping[str, int]) -> list[Place]:
    """Blank the subject in every table; parts whose blobs lost rows (`shrunk`: digest -> how many) are told so."""
    places = []
    for table in _tables(ws):
        changed = 0 if table.name == journal.name else _erase_table(ws, table, subject, shrunk)
        if changed:
            places.append(Place("database", str(table.name), changed, "texts blanked, statistics without them"))
    return places


def hits_in_database(ws: Workspace, subject: Subject) -> Iterator[Hit]:
    """What still names the subject, by table and column."""
    for table in _tables(ws):
        for _, found in _naming(ws, table, subject, {}):
            for column in found:
                yield Hit("database", f"{table.name}.{column}")


def _tables(ws: Workspace) -> list[sa.Table]:
    """Every table there is, whether or not this process has the code that made it."""
    found = sa.MetaData()
    found.reflect(ws.database.engine)
    return found.sorted_tables


def _erase_table(ws: Workspace, table: sa.Table, subject: Subject, shrunk: Mapping[str, int]) -> int:
    rows = list(_naming(ws, table, subject, shrunk))
    with ws.database.transaction() as connection:
        for key, found in rows:
            these = [table.c[name] == value for name, value in key.items()]
            values = {name: _without(text, subject, shrunk) for name, text in found.items()}
            if set(values) & set(key):  # a row that is named by the subject goes
                connection.execute(sa.delete(table).where(*these))
            else:
                connection.execute(sa.update(table).where(*these).values(**values))
    return len(rows)


def _naming(
    ws: Workspace, table: sa.Table, subject: Subject, shrunk: Mapping[str, int]
) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """Rows with a text that names the subject, or a blob that lost rows: primary key, and those texts by column."""
    texts = [column for column in table.columns if isinstance(column.type, sa.String)]
    keys = list(table.primary_key.columns) or list(table.columns)
    if not texts:
        return
    query = sa.select(*dict.fromkeys([*keys, *texts])).execution_options(stream_results=True)
    with ws.database.reading() as connection:
        for row in connection.execute(query):
            told = row._mapping
            filled = {column.name: told[column] for column in texts if told[column] is not None}
            named = {name: text for name, text in filled.items() if _concerns(text, subject, shrunk)}
            if named:
                yield {column.name: told[column] for column in keys}, named


def _concerns(text: str, subject: Subject, shrunk: Mapping[str, int]) -> bool:
    return subject.mentioned(text) or _tells_of(text, shrunk) or _hidden(text, subject)


def _hidden(text: str, subject: Subject) -> bool:
    """JSON may write a letter as an escape."""
    if "\\" not in text:
        return False
    value = _parsed(text)
    return value is not None and next(mentions(value, subject), None) is not None


def _tells_of(text: str, shrunk: Mapping[str, int]) -> bool:
    return bool(shrunk) and '"rows"' in text and any(digest in text for digest in shrunk)


def _without(text: str, subject: Subject, shrunk: Mapping[str, int]) -> str:
    value = _parsed(text)
    if value is None:
        return str(scrubbed(text, subject))
    return canonical(_recounted(scrubbed(value, subject), shrunk))


def _parsed(text: str) -> Any:
    if text[:1] not in '{["':
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def _recounted(value: Any, shrunk: Mapping[str, int]) -> Any:
    if isinstance(value, dict):
        told = {name: _recounted(inner, shrunk) for name, inner in value.items()}
        lost = next((shrunk[told[name]] for name in _DIGESTS if told.get(name) in shrunk), 0)
        if lost and isinstance(told.get("rows"), int):
            told["rows"] = max(told["rows"] - lost, 0)
        return told
    return [_recounted(one, shrunk) for one in value] if isinstance(value, list) else value
