"""Taking in what clients spooled: exactly once, in order, and one bad record never stops those behind it.

How far a spool has been taken in (`spools.position`, the number of its next record) is written in the very
transaction that writes what its records say. Records below the position are passed over, a gap is refused, and
of two that send the same spool at once the second waits and then finds the position moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from noria.core.errors import BadInput, Conflict, Corrupt, NoriaError, StorageFull, Unavailable
from noria.tracking import taking
from noria.tracking.answers import Gap, Refusal, Taken
from noria.tracking.records import AnyRecord, UnknownRecord, decode
from noria.tracking.tables import refused_records, spools
from noria.workspace.workspace import Workspace

LONGEST_ID = 64
_MOST_KEPT = 1_000
_NOBODYS_FAULT = (Unavailable, StorageFull, Corrupt, exc.OperationalError, exc.InterfaceError, exc.InternalError)
"""What says nothing about the record at hand: the whole batch is refused, and may be sent again."""


def position_of(ws: Workspace, spool: str) -> int:
    """The number of the next record of a spool. Raises BadInput for what is no spool's id."""
    with ws.database.reading() as connection:
        return _position(connection, _checked(spool))


def take_in_records(ws: Workspace, spool: str, first: int, records: Sequence[bytes]) -> Taken:
    """Take in records of a spool, numbered from `first` on; gives the number of the one to come next.

    A record that cannot be taken in is set aside with its reason (`refusals`). Raises Gap when records before
    `first` are missing, BadInput for what is no spool's id, Unavailable and StorageFull, after which the same
    records can be sent again.
    """
    refused: list[Refusal] = []
    position = position_of(ws, spool)
    if not 0 <= first <= position:
        raise Gap(spool, position, first)
    for start, group in _groups(records, first):
        if start + len(group) > position:
            position = _take_group(ws, spool, start, group, refused)
    return Taken(max(position, position_of(ws, spool)), tuple(refused))


def refusals(ws: Workspace, spool: str) -> list[Refusal]:
    """The records of a spool that were set aside, and why."""
    query = sa.select(refused_records.c.position, refused_records.c.reason).where(refused_records.c.spool == spool)
    with ws.database.reading() as connection:
        return [Refusal(*row) for row in connection.execute(query.order_by(refused_records.c.position))]


Read = tuple[bytes, AnyRecord | UnknownRecord]
"""A record as it came, and as it was understood."""


def _groups(records: Sequence[bytes], first: int) -> Iterator[tuple[int, list[Read]]]:
    """Records in groups, each with the number of its first: those that one transaction can write stay together."""
    group: list[Read] = []
    for number, record in enumerate(records, start=first):
        try:
            read: Read = (record, decode(record))
        except UnknownRecord as error:
            read = (record, error)
        if isinstance(read[1], taking.ALONE):
            if group:
                yield number - len(group), group
                group = []
            yield number, [read]
        else:
            group.append(read)
    if group:
        yield first + len(records) - len(group), group


def _take_group(ws: Workspace, spool: str, first: int, group: list[Read], refused: list[Refusal]) -> int:
    """Write a group and the position after it; gives that, or a later one when somebody else was faster."""
    after = first + len(group)
    failed: dict[int, str] = {}
    if isinstance(group[0][1], taking.ALONE):
        failed |= _taken_alone(ws, first, group[0][1])
    with ws.database.transaction() as connection:
        standing = _locked(ws, connection, spool)
        if standing >= after:
            return standing
        if standing < first:
            raise Gap(spool, standing, first)
        if not isinstance(group[0][1], taking.ALONE):
            failed |= _taken_together(ws, connection, standing, group[standing - first :])
        _set_aside(ws, connection, spool, {number: (group[number - first], why) for number, why in failed.items()})
        moved = sa.update(spools).where(spools.c.id == spool)
        connection.execute(moved.values(position=after, updated=ws.clock.now()))
    refused.extend(Refusal(number, why) for number, why in sorted(failed.items()))
    return after


def _taken_alone(ws: Workspace, number: int, record: AnyRecord) -> dict[int, str]:
    """Do what a record says that needs a transaction of its own; doing it again changes nothing."""
    try:
        why = taking.take_alone(ws, record)
    except Exception as error:
        why = _fault(error)
    return {number: why} if why else {}


def _taken_together(ws: Workspace, connection: sa.Connection, first: int, group: list[Read]) -> dict[int, str]:
    """Write records in one go; when one of them cannot be written, one by one."""
    failed = {number: read.message for number, (_, read) in enumerate(group, first) if isinstance(read, UnknownRecord)}
    sound = {number: read for number, (_, read) in enumerate(group, first) if not isinstance(read, UnknownRecord)}
    try:
        with ws.database.part(connection):
            taking.take_together(ws, connection, list(sound.values()))
            return failed
    except Exception as error:
        _fault(error)
    for number, read in sound.items():
        for part in taking.parts(read):
            try:
                with ws.database.part(connection):
                    taking.take_together(ws, connection, [part])
            except Exception as error:
                failed[number] = "; ".join(filter(None, [failed.get(number), _fault(error)]))
    return failed


def _fault(error: Exception) -> str:
    """Why a record cannot be taken in. What is no fault of the record is raised again."""
    if isinstance(error, _NOBODYS_FAULT) or (isinstance(error, exc.DBAPIError) and error.connection_invalidated):
        raise error
    if isinstance(error, NoriaError):
        return error.message
    return f"{type(error).__name__}: {str(error.orig if isinstance(error, exc.DBAPIError) else error)[:500]}"


def _set_aside(ws: Workspace, connection: sa.Connection, spool: str, failed: dict[int, tuple[Read, str]]) -> None:
    if not failed:
        return
    count = sa.select(sa.func.count()).select_from(refused_records).where(refused_records.c.spool == spool)
    before = connection.execute(count).scalar_one()
    rows = [
        {"spool": spool, "position": number, "reason": why, "record": read[0]}
        for number, (read, why) in sorted(failed.items())
    ][: max(_MOST_KEPT - before, 0)]
    if rows:
        connection.execute(sa.insert(refused_records), rows)
    for run in {read[1].run for read, _ in failed.values() if not isinstance(read[1], UnknownRecord)}:
        with suppress(NoriaError), ws.database.part(connection):
            taking.note_refused(connection, run, f"{before + len(failed)}: {next(iter(failed.values()))[1]}")


def _locked(ws: Workspace, connection: sa.Connection, spool: str) -> int:
    """The position, which nobody else moves until this transaction ends."""
    if (found := connection.execute(_asked(spool).with_for_update()).scalar()) is not None:
        return int(found)
    row = {"id": spool, "position": 0, "updated": ws.clock.now()}
    with suppress(Conflict, exc.IntegrityError), ws.database.part(connection):
        connection.execute(sa.insert(spools), [row])
    return int(connection.execute(_asked(spool).with_for_update()).scalar_one())


def _position(connection: sa.Connection, spool: str) -> int:
    return int(connection.execute(_asked(spool)).scalar() or 0)


def _asked(spool: str) -> sa.Select[Any]:
    return sa.select(spools.c.position).where(spools.c.id == spool)


def _checked(spool: str) -> str:
    if not 0 < len(spool) <= LONGEST_ID or not spool.isprintable() or not spool.isascii():
        raise BadInput(f"the id of a spool has 1 to {LONGEST_ID} plain characters, not {spool[:80]!r}")
    return spool
