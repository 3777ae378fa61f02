"""Snapshots as rows: made once, never changed, and their line of descent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec
import sqlalchemy as sa
from blake3 import blake3

from noria.core.digest import canonical
from noria.core.errors import NotFound
from noria.data.tables import data_versions, versioned_datasets
from noria.data.versions.model import Manifest, Origin, Snapshot, TableSpec
from noria.tracking.writing import insert_missing
from noria.workspace.workspace import Workspace


class NoDataset(NotFound):
    """There is no dataset of that name."""

    code = "N3027"


class NoSnapshot(NotFound):
    """No branch, tag or snapshot is called that."""

    code = "N3028"


def make_snapshot(
    ws: Workspace, dataset: str, root: str, manifest: Manifest, parents: Sequence[str], origin: Origin
) -> Snapshot:
    """A snapshot of now, named by the digest of what it says; nothing is recorded yet."""
    nameless = Snapshot(
        "", dataset, root, tuple(parents), ws.actor, ws.clock.now(), manifest.files, manifest.size, origin
    )
    return replace(nameless, id=snapshot_id(nameless))


def snapshot_id(snapshot: Snapshot) -> str:
    """What the snapshot's id has to be: the BLAKE3 of its canonical JSON without the id."""
    return blake3(canonical(replace(snapshot, id="")).encode()).hexdigest()


def record_snapshot(connection: sa.Connection, snapshot: Snapshot) -> None:
    """Write a snapshot, inside the caller's transaction; one that is there already stays as it is."""
    row = {"id": snapshot.id, "dataset": snapshot.dataset, "root": snapshot.root, "at": snapshot.at,
           "run": snapshot.origin.run, "value": canonical(snapshot)}  # fmt: skip
    insert_missing(connection, data_versions, [row])


def get_snapshot(ws: Workspace, id: str) -> Snapshot:
    """The snapshot of that whole id. Raises NoSnapshot."""
    found = read_snapshots(ws, [id])
    if id not in found:
        raise NoSnapshot("snapshot", id)
    return found[id]


def read_snapshots(ws: Workspace, ids: Iterable[str]) -> dict[str, Snapshot]:
    """Those of the snapshots that there are, by id."""
    wanted, found = sorted(set(ids)), {}
    with ws.database.reading() as connection:
        for start in range(0, len(wanted), 500):
            query = sa.select(data_versions.c.id, data_versions.c.value)
            here = query.where(data_versions.c.id.in_(wanted[start : start + 500]))
            found.update({id: _snapshot(value) for id, value in connection.execute(here)})
    return found


def dataset_snapshots(ws: Workspace, dataset: str) -> dict[str, Snapshot]:
    """Every snapshot ever made of a dataset, by id."""
    query = sa.select(data_versions.c.id, data_versions.c.value).where(data_versions.c.dataset == dataset)
    with ws.database.reading() as connection:
        return {id: _snapshot(value) for id, value in connection.execute(query)}


def snapshots_beginning(ws: Workspace, dataset: str, prefix: str) -> list[str]:
    """The ids, at most five, that begin so."""
    begins = sa.func.substr(data_versions.c.id, 1, len(prefix)) == prefix
    query = sa.select(data_versions.c.id).where(data_versions.c.dataset == dataset, begins).limit(5)
    with ws.database.reading() as connection:
        return list(connection.execute(query).scalars())


def ensure_dataset(ws: Workspace, connection: sa.Connection, name: str, specs: Sequence[TableSpec]) -> None:
    """Write a dataset that is not there yet, inside the caller's transaction; keep its tables' declarations."""
    row = {"name": name, "created": ws.clock.now(), "actor": ws.actor, "tables": canonical(specs)}
    insert_missing(connection, versioned_datasets, [row])
    if specs:
        update = sa.update(versioned_datasets).where(versioned_datasets.c.name == name)
        connection.execute(update.values(tables=canonical(specs)))


def table_specs(ws: Workspace, dataset: str) -> tuple[TableSpec, ...]:
    """The tables declared in a dataset; none for a dataset that is not there."""
    query = sa.select(versioned_datasets.c.tables).where(versioned_datasets.c.name == dataset)
    with ws.database.reading() as connection:
        value = connection.execute(query).scalar_one_or_none()
    return () if value is None else msgspec.convert(json.loads(value), tuple[TableSpec, ...])


def dataset_names(ws: Workspace) -> list[str]:
    """Every dataset, sorted."""
    with ws.database.reading() as connection:
        return sorted(connection.execute(sa.select(versioned_datasets.c.name)).scalars())


def check_dataset(ws: Workspace, name: str) -> None:
    """Raise NoDataset, naming those that there are, when this is none."""
    names = dataset_names(ws)
    if name not in names:
        raise NoDataset("dataset", name, names, hint="" if names else "make one with `noria data commit FOLDER`")


def history(known: Mapping[str, Snapshot], heads: Iterable[str]) -> Iterator[Snapshot]:
    """Snapshots from `heads` back, newest first, and each before its parents."""
    reached = ancestors(known, heads)
    children = dict.fromkeys(reached, 0)
    for id in reached:
        for parent in known[id].parents:
            if parent in children:
                children[parent] += 1
    ready = [id for id, count in children.items() if count == 0]
    while ready:
        ready.sort(key=lambda id: (known[id].at, id))
        snapshot = known[ready.pop()]
        yield snapshot
        for parent in snapshot.parents:
            if parent in children:
                children[parent] -= 1
                if children[parent] == 0:
                    ready.append(parent)


def ancestors(known: Mapping[str, Snapshot], heads: Iterable[str]) -> set[str]:
    """The ids of `heads` and of everything that they descend from, as far as it is known."""
    found: set[str] = set()
    waiting = [head for head in heads if head in known]
    while waiting:
        id = waiting.pop()
        if id not in found:
            found.add(id)
            waiting += [parent for parent in known[id].parents if parent in known]
    return found


def common_ancestor(known: Mapping[str, Snapshot], ours: str, theirs: str) -> str | None:
    """The newest snapshot that both descend from and that is no ancestor of another such; None when there is none."""
    both = ancestors(known, [ours]) & ancestors(known, [theirs])
    older = {parent for id in both for parent in known[id].parents}
    best = sorted(both - older, key=lambda id: (known[id].at, id))
    return best[-1] if best else None


def _snapshot(value: str) -> Snapshot:
    return msgspec.convert(json.loads(value), Snapshot)


__all__ = [
    "NoDataset", "NoSnapshot", "Origin", "ancestors", "check_dataset", "common_ancestor", "dataset_names",
    "dataset_snapshots", "ensure_dataset", "get_snapshot", "history", "make_snapshot", "read_snapshots",
    "record_snapshot", "snapshot_id", "snapshots_beginning", "table_specs",
]  # fmt: skip
