"""MLflow's tables, read directly: any SQLite or PostgreSQL database of MLflow 2 or 3, whatever its revision.

Only columns that the database has are asked for, so older and newer revisions are read alike. Nothing is written:
SQLite is opened read-only, and PostgreSQL in a read-only transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from noria.core.errors import Unavailable
from noria.integrations.mlflow import shared
from noria.tracking.model import Dataset, DatasetInput, ModelLink
from noria.tracking.transfer import (
    ForeignFile,
    ForeignLoggedModel,
    ForeignModel,
    ForeignRun,
    ForeignVersion,
    Gathered,
    Importer,
    LeftOut,
    Series,
    Unreadable,
)

_SQLITE = b"SQLite format 3\0"
_NEEDED = ("experiments", "runs", "metrics", "params", "tags")
_TABLES = {
    "experiments": ("experiment_id", "name", "lifecycle_stage", "workspace"),
    "experiment_tags": ("key", "value", "experiment_id"),
    "runs": (
        "run_uuid", "name", "user_id", "status", "start_time", "end_time", "lifecycle_stage", "artifact_uri",
        "experiment_id",
    ),
    "metrics": ("key", "value", "timestamp", "run_uuid", "step", "is_nan"),
    "params": ("key", "value", "run_uuid"),
    "tags": ("key", "value", "run_uuid"),
    "datasets": (
        "dataset_uuid", "name", "digest", "dataset_source_type", "dataset_source", "dataset_schema", "dataset_profile",
    ),
    "inputs": ("input_uuid", "source_type", "source_id", "destination_type", "destination_id", "step"),
    "input_tags": ("input_uuid", "name", "value"),
    "logged_models": (
        "model_id", "name", "artifact_location", "status", "lifecycle_stage", "model_type", "source_run_id",
    ),
    "logged_model_params": ("model_id", "param_key", "param_value"),
    "logged_model_tags": ("model_id", "tag_key", "tag_value"),
    "registered_models": ("name", "description", "workspace"),
    "registered_model_tags": ("key", "value", "name", "workspace"),
    "registered_model_aliases": ("alias", "version", "name", "workspace"),
    "model_versions": (
        "name", "version", "creation_time", "description", "user_id", "current_stage", "source", "run_id", "workspace",
    ),
    "model_version_tags": ("key", "value", "name", "version", "workspace"),
}  # fmt: skip


def recognises(source: str) -> bool:
    """A PostgreSQL or SQLite address, or a SQLite file that has MLflow's tables."""
    if source.startswith(("postgres://", "postgresql")):
        return True
    path = Path(source.removeprefix("sqlite:///"))
    try:
        with path.open("rb") as file:
            if file.read(len(_SQLITE)) != _SQLITE:
                return False
        with Store(source) as store:
            return store.is_mlflow
    except (OSError, Unreadable, Unavailable):
        return False


def read(source: str) -> Iterator[ForeignRun | LeftOut]:
    """Each run that was not deleted, in the order they began; all in one transaction, so one state of the store."""
    with Store(source) as store:
        if not store.is_mlflow:
            raise Unreadable(store.shown, None, f"has not MLflow's tables {', '.join(_NEEDED)}")
        experiments = {row["experiment_id"]: row for row in store.rows("experiments")}
        for row in store.rows("runs", order=("start_time", "run_uuid")):
            experiment = experiments.get(row.get("experiment_id"))
            if experiment is None or "deleted" in (row.get("lifecycle_stage"), experiment.get("lifecycle_stage")):
                yield LeftOut(f"{store.shown}: run {row['run_uuid']}", "it, or its experiment, was deleted there")
            else:
                yield _run(store, row, experiment)


def read_models(source: str) -> Iterator[ForeignModel]:
    """Each registered model."""
    with Store(source) as store:
        for row in store.rows("registered_models", order=("name",)):
            same: dict[str, Any] = {name: row[name] for name in ("name", "workspace") if name in row}
            yield ForeignModel(
                origin=f"mlflow-model:{_in_workspace(row)}",
                name=_in_workspace(row),
                description=row.get("description") or "",
                tags={one["key"]: one["value"] or "" for one in store.rows("registered_model_tags", same)},
                aliases={one["alias"]: one["version"] for one in store.rows("registered_model_aliases", same)},
                versions=[
                    _version(store, one)
                    for one in store.rows("model_versions", same, order=("version",))
                    if one.get("current_stage") != shared.DELETED_VERSION
                ],
            )


class Store:
    """A database of MLflow while it is read: its tables as far as it has them."""

    def __init__(self, source: str) -> None:
        self._engine, self.folder = _engine(source)
        url = self._engine.url
        self.shown = url.render_as_string(hide_password=True) if source.startswith("postgres") else source
        self._tables: dict[str, sa.TableClause] = {}
        self._connection: sa.Connection | None = None

    def __enter__(self) -> Store:
        try:
            self._connection = self._engine.connect()
            if self._engine.dialect.name == "postgresql":
                self._connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            inspector = sa.inspect(self._connection)
            for name in set(inspector.get_table_names()) & set(_TABLES):
                there = {column["name"] for column in inspector.get_columns(name)}
                self._tables[name] = sa.table(name, *(sa.column(one) for one in _TABLES[name] if one in there))
        except sa.exc.OperationalError as error:
            self.__exit__()
            raise Unavailable(f"{self.shown} does not answer: {error.orig}", hint="is the address right?") from error
        except sa.exc.DatabaseError as error:
            self.__exit__()
            raise Unreadable(self.shown, None, f"is damaged: {error.orig}") from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    @property
    def is_mlflow(self) -> bool:
        """Whether the tables that make it a tracking store are there."""
        return all(name in self._tables for name in _NEEDED)

    def rows(
        self, table: str, where: dict[str, Any] | None = None, order: Sequence[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """Rows as dictionaries; none when the database has no such table. Raises Unreadable when it is damaged."""
        if table not in self._tables or self._connection is None:
            return
        found = self._tables[table]
        query = sa.select(found).where(
            *(found.c[name] == value for name, value in (where or {}).items() if name in found.c)
        )
        query = query.order_by(*(found.c[name] for name in order if name in found.c))
        try:
            reading = self._connection.execution_options(yield_per=2000, stream_results=bool(order))
            for row in reading.execute(query):
                yield row._asdict()
        except sa.exc.DBAPIError as error:
            raise Unreadable(self.shown, None, f"{table} cannot be read: {error.orig}") from error


def _engine(source: str) -> tuple[sa.Engine, Path]:
    """An engine that only reads, and the folder that a SQLite file lies in."""
    if source.startswith("postgres"):
        _, _, rest = source.partition("://")
        return sa.create_engine(f"postgresql+psycopg://{rest}"), Path()
    path = Path(source.removeprefix("sqlite:///"))
    if not path.is_file():
        raise Unreadable(path, None, "is no file")
    url = sa.URL.create("sqlite", database=f"file:{path.resolve()}", query={"mode": "ro", "uri": "true"})
    return sa.create_engine(url), path.resolve().parent


def _in_workspace(row: dict[str, Any]) -> str:
    """A name, led by its workspace when that is not the default one: names are unique only within one."""
    workspace = row.get("workspace") or "default"
    return str(row["name"]) if workspace == "default" else f"{workspace}.{row['name']}"


def _run(store: Store, row: dict[str, Any], experiment: dict[str, Any]) -> ForeignRun:
    run_id = row["run_uuid"]
    mine = {"run_uuid": run_id}
    tags = {one["key"]: one["value"] or "" for one in store.rows("tags", mine)}
    parent = tags.get(shared.PARENT)
    notes: list[str] = []
    return ForeignRun(
        origin=shared.origin(run_id),
        experiment=_in_workspace(experiment),
        name=row.get("name") or tags.get("mlflow.runName") or "",
        state=shared.state(row.get("status")),
        started=shared.micros(row.get("start_time")),
        ended=shared.micros(row.get("end_time")),
        user=row.get("user_id") or "",
        params={one["key"]: one["value"] for one in store.rows("params", mine)},
        tags=tags,
        series=_series(store, run_id, notes),
        artifacts=_files(store, row.get("artifact_uri") or "", run_id, notes),
        parent=shared.origin(parent) if parent else None,
        id=shared.own_id(run_id),
        datasets=list(_datasets(store, run_id)),
        models=_logged_models(store, run_id, notes),
        models_in=[
            ModelLink(one["source_id"], one.get("step") or 0)
            for one in store.rows("inputs", {"destination_id": run_id})
            if one["source_type"].startswith("MODEL")
        ],
        models_out=[
            ModelLink(one["destination_id"], one.get("step") or 0)
            for one in store.rows("inputs", {"source_id": run_id, "source_type": "RUN_OUTPUT"})
        ],
        experiment_tags={
            one["key"]: one["value"] or ""
            for one in store.rows("experiment_tags", {"experiment_id": experiment["experiment_id"]})
        },
        notes=notes,
    )


def _files(store: Store, uri: str, owner: str, notes: list[str]) -> Iterator[ForeignFile]:
    yield from shared.local_files(
        uri, owner, notes, store.folder / "mlruns", store.folder / "mlartifacts", store.folder
    )


def _series(store: Store, run_id: str, notes: list[str]) -> Iterator[Series]:
    gathered = Gathered()
    for row in store.rows("metrics", {"run_uuid": run_id}, order=("key", "timestamp", "step")):
        value = float("nan") if row.get("is_nan") else row["value"]
        try:
            gathered.add(row["key"], row.get("step") or 0, row["timestamp"], value)
        except (TypeError, ValueError) as error:  # SQLite keeps any type in any column
            notes.append(f"{store.shown}: a point of {row['key']} was left out: {error}")
        yield from gathered.full()
    yield from gathered.rest()


def _datasets(store: Store, run_id: str) -> Iterator[DatasetInput]:
    for link in store.rows("inputs", {"destination_id": run_id, "source_type": "DATASET"}):
        for one in store.rows("datasets", {"dataset_uuid": link["source_id"]}):
            dataset = Dataset(
                one["name"], one["digest"], one.get("dataset_source_type") or "", one.get("dataset_source") or "",
                one.get("dataset_schema"), one.get("dataset_profile"),
            )  # fmt: skip
            tags = {tag["name"]: tag["value"] for tag in store.rows("input_tags", {"input_uuid": link["input_uuid"]})}
            yield DatasetInput(dataset, tags)


def _logged_models(store: Store, run_id: str, notes: list[str]) -> Iterator[ForeignLoggedModel]:
    for row in store.rows("logged_models", {"source_run_id": run_id}):
        if row.get("lifecycle_stage") == "deleted":
            continue
        mine = {"model_id": row["model_id"]}
        yield ForeignLoggedModel(
            id=row["model_id"],
            name=row["name"],
            kind=row.get("model_type") or "",
            state=shared.MODEL_STATES.get(row.get("status") or 0, "READY"),
            params={one["param_key"]: one["param_value"] for one in store.rows("logged_model_params", mine)},
            tags={one["tag_key"]: one["tag_value"] for one in store.rows("logged_model_tags", mine)},
            files=_files(store, row.get("artifact_location") or "", row["model_id"], notes),
        )


def _version(store: Store, row: dict[str, Any]) -> ForeignVersion:
    same: dict[str, Any] = {name: row[name] for name in ("name", "version", "workspace") if name in row}
    stage = row.get("current_stage") or ""
    return ForeignVersion(
        number=row["version"],
        source=row.get("source") or "",
        run=shared.origin(row["run_id"]) if row.get("run_id") else None,
        stage="" if stage == "None" else stage,
        description=row.get("description") or "",
        tags={one["key"]: one["value"] or "" for one in store.rows("model_version_tags", same)},
        created=shared.micros(row.get("creation_time")),
        user=row.get("user_id") or "",
    )


IMPORTER = Importer("mlflow-database", "MLflow database", recognises, read, read_models)
