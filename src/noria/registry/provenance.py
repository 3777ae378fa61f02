"""Where a version came from: run, code, values and features, down to the files of the data snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from noria.data.model import Snapshot
from noria.registry import reading
from noria.registry.tables import bundled_snapshots
from noria.tracking.tables import datasets as dataset_rows
from noria.tracking.tables import run_datasets, runs
from noria.workspace.workspace import Workspace


def lineage(ws: Workspace, model: str, number: int) -> dict[str, Any]:
    """The walk from a version back to the files: gates, run, code, values, features, snapshots. Raises NotFound.

    Of a version that an MLflow client registered it is the run's inputs that lead back: `datasets`.
    """
    with ws.database.reading() as connection:
        version = reading.get_version(connection, model, number)
        datasets = _datasets(connection, version.run)
    made = version.lineage
    return {
        "model": model,
        "version": number,
        "stage": version.stage,
        "model_digest": version.model_digest,
        "because": made.reason,
        "gates": version.gates,
        "metrics": version.metrics,
        "run": made.run,
        "code": made.code,
        "values": made.values,
        "environment": made.environment,
        "seed": made.seed,
        "split": made.split,
        "features": made.features,
        "snapshots": made.snapshots,
        "files": _files(ws, made.snapshots),
        "parent": made.parent,
        "notes": list(version.notes),
        "source": version.source,
        "logged_model": version.logged_model,
        "datasets": datasets,
    }


def _files(ws: Workspace, taken: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Per source, the name and digest of every file of its snapshot, where the snapshot is still known."""
    from noria.data import snapshot

    known = {source: snapshot.get(ws, name) or _bundled(ws, name) for source, name in taken.items()}
    return {source: {file.name: file.digest for file in one.files} for source, one in known.items() if one}


def _bundled(ws: Workspace, name: str) -> Snapshot | None:
    """A snapshot that was taken elsewhere, as the bundle describes it that brought the version."""
    query = sa.select(bundled_snapshots.c.value).where(bundled_snapshots.c.digest == name)
    with ws.database.reading() as connection:
        text = connection.execute(query).scalar_one_or_none()
    return None if text is None else msgspec.json.decode(text, type=Snapshot)


def _datasets(connection: sa.Connection, run: str | None) -> list[dict[str, Any]]:
    """The versions of data that a run says it used."""
    if not run:
        return []
    named = sa.select(
        dataset_rows.c.name, dataset_rows.c.digest, dataset_rows.c.source_type, dataset_rows.c.source,
        run_datasets.c.context,
    )  # fmt: skip
    query = named.select_from(
        run_datasets.join(dataset_rows, dataset_rows.c.key == run_datasets.c.dataset).join(
            runs, runs.c.key == run_datasets.c.run
        )
    )
    rows = connection.execute(query.where(runs.c.id == run).order_by(dataset_rows.c.key))
    return [dict(row._mapping) for row in rows]
