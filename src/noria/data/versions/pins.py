"""Pins: who needs a snapshot for good. A pinned snapshot is never collected, whatever becomes of branches."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from noria.core.clock import Micros
from noria.core.errors import BadInput
from noria.data.tables import data_pins
from noria.data.versions.model import Snapshot
from noria.stores.journal import Fact
from noria.tracking.writing import insert_missing
from noria.workspace.workspace import Workspace

_LONGEST = 300


@dataclass(frozen=True)
class Pin:
    """`holder` (`run:ID`, `model:NAME/NUMBER`) has needed the snapshot since `at`."""

    snapshot: str
    holder: str
    at: Micros


def pin(ws: Workspace, snapshot: str, holder: str) -> None:
    """Keep a snapshot for somebody; doing it again changes nothing. Raises BadInput."""
    with ws.database.transaction() as connection:
        pin_within(ws, connection, snapshot, holder)


def pin_within(ws: Workspace, connection: sa.Connection, snapshot: str, holder: str) -> None:
    """The same, inside the caller's transaction, with its fact."""
    if not 0 < len(holder) <= _LONGEST:
        raise BadInput(f"who needs a snapshot is told in 1 to {_LONGEST} characters", hint="such as run:ID")
    there = sa.select(data_pins.c.at).where(data_pins.c.snapshot == snapshot, data_pins.c.holder == holder)
    if connection.execute(there).one_or_none() is None:
        insert_missing(connection, data_pins, [{"snapshot": snapshot, "holder": holder, "at": ws.clock.now()}])
        ws.journal.append(connection, Fact("DataPinned", f"snapshot:{snapshot}", {"holder": holder}))


def unpin(ws: Workspace, snapshot: str, holder: str) -> None:
    """Let go of a snapshot; doing it again changes nothing."""
    where = (data_pins.c.snapshot == snapshot, data_pins.c.holder == holder)
    with ws.database.transaction() as connection:
        if connection.execute(sa.delete(data_pins).where(*where)).rowcount:
            ws.journal.append(connection, Fact("DataUnpinned", f"snapshot:{snapshot}", {"holder": holder}))


def list_pins(ws: Workspace, snapshot: str = "") -> list[Pin]:
    """Every pin, or those of one snapshot."""
    query = sa.select(data_pins).order_by(data_pins.c.at, data_pins.c.holder)
    if snapshot:
        query = query.where(data_pins.c.snapshot == snapshot)
    with ws.database.reading() as connection:
        return [Pin(row.snapshot, row.holder, row.at) for row in connection.execute(query)]


def note_use(ws: Workspace, run: str, snapshot: Snapshot, context: str = "training") -> None:
    """Write that a run used a snapshot: an input of the run, as MLflow's clients see it, and a pin.

    Raises RunMissing, NotActive.
    """
    from noria.tracking.inputs import add_datasets
    from noria.tracking.located import locate
    from noria.tracking.model import Dataset, DatasetInput

    source = f"noria:{snapshot.dataset}@{snapshot.id}"
    used = Dataset(name=snapshot.dataset, digest=snapshot.id[:36], source_type="noria", source=source)
    with ws.database.transaction() as connection:
        located = locate(connection, run)
        add_datasets(connection, located, [DatasetInput(used, {"mlflow.data.context": context})])
        pin_within(ws, connection, snapshot.id, f"run:{run}")
