"""Branches and tags: names of snapshots, moved by compare-and-set.

Who moves a branch says where he believes it to be; when it is somewhere else by then, nothing is changed and he is
told where. So of two writers one wins, the other learns of it, and no snapshot drops out of the history unseen.
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from noria.core.errors import BadInput, Conflict
from noria.data.tables import data_refs
from noria.data.versions.model import EMPTY, Ref, RefKind, Snapshot
from noria.data.versions.names import MAIN, check_name
from noria.data.versions.snapshots import NoSnapshot, check_dataset, get_snapshot, snapshots_beginning
from noria.stores.journal import Fact
from noria.tracking.writing import insert_missing
from noria.workspace.workspace import Workspace

_BACK = re.compile(r"(.*?)((?:~\d*)+)")
_HEX = re.compile(r"[0-9a-f]{4,64}")


class RefMoved(Conflict):
    """A branch or tag is not where it was believed to be. `head` is the snapshot it names now, empty for none."""

    code = "N3029"

    def __init__(self, message: str, head: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.head = head


def list_refs(ws: Workspace, dataset: str) -> list[Ref]:
    """The branches, then the tags, each sorted by name. Raises NoDataset."""
    check_dataset(ws, dataset)
    query = sa.select(data_refs).where(data_refs.c.dataset == dataset).order_by(data_refs.c.kind, data_refs.c.name)
    with ws.database.reading() as connection:
        return [_ref(row) for row in connection.execute(query)]


def find_ref(ws: Workspace, dataset: str, name: str) -> Ref | None:
    """The branch or tag of that name, or None."""
    with ws.database.reading() as connection:
        return _find(connection, dataset, name)


def resolve(ws: Workspace, dataset: str, reference: str = "") -> Snapshot:
    """The snapshot that a branch, a tag or the beginning of an id names; `~N` after it goes N snapshots back.

    Without a reference it is the head of `main`. Raises NoDataset, NoSnapshot, BadInput for an id that is ambiguous.
    """
    back = _BACK.fullmatch(reference)
    name, steps = (back[1], back[2]) if back else (reference, "")
    snapshot = _named(ws, dataset, name or MAIN)
    for step in steps.split("~")[1:]:
        for _ in range(int(step or 1)):
            if not snapshot.parents:
                raise NoSnapshot("snapshot", f"{dataset}@{reference}", hint=f"{snapshot.id[:12]} is the first one")
            snapshot = get_snapshot(ws, snapshot.parents[0])
    return snapshot


def move_branch(ws: Workspace, connection: sa.Connection, dataset: str, name: str, expected: str, new: str) -> None:
    """Move a branch from `expected` (EMPTY: it is not there yet) to `new`, inside the caller's transaction.

    Raises RefMoved, naming where it is, BadName.
    """
    check_name("branch", name)
    where = (data_refs.c.dataset == dataset, data_refs.c.name == name)
    told: dict[str, Any] = {"snapshot": new, "moved": ws.clock.now(), "actor": ws.actor}
    if expected == EMPTY:
        row = {"dataset": dataset, "name": name, "kind": "branch", **told}
        insert_missing(connection, data_refs, [row])
        moved = _find(connection, dataset, name) == Ref(dataset, "branch", name, new, told["moved"], ws.actor)
    else:
        set_where = (*where, data_refs.c.kind == "branch", data_refs.c.snapshot == expected)
        moved = connection.execute(sa.update(data_refs).where(*set_where).values(**told)).rowcount == 1
    if not moved:
        raise _moved(_find(connection, dataset, name), name, expected)
    ws.journal.append(connection, Fact("BranchMoved", _subject(dataset), {"branch": name, "snapshot": new}))


def create_ref(ws: Workspace, dataset: str, kind: RefKind, name: str, at: str) -> Ref:
    """Make a branch or a tag that names a snapshot. Raises RefMoved when the name is taken, BadName."""
    check_name(kind, name)
    if _HEX.fullmatch(name):
        raise BadInput(f"{name!r} looks like the id of a snapshot", hint=f"give the {kind} another name")
    made = Ref(dataset, kind, name, at, ws.clock.now(), ws.actor)
    with ws.database.transaction() as connection:
        taken = _find(connection, dataset, name)
        if taken is not None:
            if (taken.kind, taken.snapshot) == (kind, at):
                return taken
            raise _moved(taken, name, EMPTY)
        connection.execute(sa.insert(data_refs).values(_row(made)))
        told = {"name": name, "snapshot": at}
        ws.journal.append(connection, Fact(_FACTS[kind], _subject(dataset), told))
    return made


def delete_ref(ws: Workspace, dataset: str, name: str) -> Ref:
    """Remove a branch or a tag; the snapshot it named stays until it is collected. Raises NoSnapshot."""
    with ws.database.transaction() as connection:
        found = _find(connection, dataset, name)
        if found is None:
            raise NoSnapshot("branch or tag", name)
        where = (data_refs.c.dataset == dataset, data_refs.c.name == name)
        connection.execute(sa.delete(data_refs).where(*where))
        told = {"name": name, "kind": found.kind, "snapshot": found.snapshot}
        ws.journal.append(connection, Fact("ReferenceDeleted", _subject(dataset), told))
    return found


_FACTS = {"branch": "BranchCreated", "tag": "TagCreated"}


def _named(ws: Workspace, dataset: str, name: str) -> Snapshot:
    found = find_ref(ws, dataset, name)
    if found is not None:
        return get_snapshot(ws, found.snapshot)
    ids = snapshots_beginning(ws, dataset, name) if _HEX.fullmatch(name) else []
    if len(ids) > 1:
        listed = ", ".join(id[:16] for id in ids)
        raise BadInput(f"{name!r} is the beginning of several snapshots: {listed}", hint="write more of the id")
    if not ids:
        raise NoSnapshot("branch, tag or snapshot", name, [ref.name for ref in list_refs(ws, dataset)])
    return get_snapshot(ws, ids[0])


def _moved(ref: Ref | None, name: str, expected: str) -> RefMoved:
    if ref is None:
        said = f"there is no branch {name!r} any more; it was believed to be at {expected[:12]}"
        return RefMoved(said, "", hint="look at the branches with `noria data branch`")
    if ref.kind == "tag":
        return RefMoved(
            f"{name!r} is a tag, which stays at {ref.snapshot[:12]}", ref.snapshot, hint="take another name"
        )
    if expected == EMPTY:
        said = f"there is a branch {name!r} already, at {ref.snapshot[:12]}"
        return RefMoved(said, ref.snapshot, hint="take another name, or commit on top of it")
    said = f"the branch {name!r} is at {ref.snapshot[:12]} now, moved by {ref.actor}; yours started at {expected[:12]}"
    hint = "nothing is lost: commit to a branch of your own with --branch, then merge it with `noria data merge`"
    return RefMoved(said, ref.snapshot, hint=hint)


def _find(connection: sa.Connection, dataset: str, name: str) -> Ref | None:
    query = sa.select(data_refs).where(data_refs.c.dataset == dataset, data_refs.c.name == name)
    row = connection.execute(query).one_or_none()
    return None if row is None else _ref(row)


def _ref(row: sa.Row[Any]) -> Ref:
    return Ref(row.dataset, row.kind, row.name, row.snapshot, row.moved, row.actor)


def _row(ref: Ref) -> dict[str, Any]:
    return {"dataset": ref.dataset, "kind": ref.kind, "name": ref.name, "snapshot": ref.snapshot,
            "moved": ref.moved, "actor": ref.actor}  # fmt: skip


def _subject(dataset: str) -> str:
    return f"dataset:{dataset}"
