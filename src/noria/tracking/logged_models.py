"""Logged models: what a run wrote as a model, before or without its being registered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from noria.core.errors import BadInput
from noria.stores.journal import Fact
from noria.tracking.experiments import NO_TAGS, TagMissing, active_root
from noria.tracking.model import LoggedModel, ModelMetric, Point
from noria.tracking.model_metrics import LoggedModelMissing, ModelPoints, model_key, record_model_metrics
from noria.tracking.names import (
    LONGEST_PARAM,
    LONGEST_TAG,
    Pairs,
    check_model_name,
    check_text,
    loose_of,
    storable,
)
from noria.tracking.params import ParamChanged
from noria.tracking.places import below
from noria.tracking.run_names import run_name
from noria.tracking.tables import logged_model_metrics, logged_model_params, logged_model_tags, logged_models, runs
from noria.tracking.writing import insert_missing, insert_new, numbers
from noria.workspace.workspace import Workspace

__all__ = [
    "BadModelState", "LoggedModelMissing", "ModelPoints", "create_logged_model", "delete_logged_model",
    "delete_logged_model_tag", "finalize", "get_logged_model", "log_logged_model_params", "logged_models_by_key",
    "record_model_metrics", "set_logged_model_tags",
]  # fmt: skip

STATES = ("pending", "ready", "failed")
"""A logged model is pending until its files are there."""
_LONGEST_KIND = 500
_LONGEST_MESSAGE = 65_535
_AT_ONCE = 500
_Value = TypeVar("_Value")


class BadModelState(BadInput):
    """No state of a logged model."""

    code = "N2218"

    def __init__(self, state: object) -> None:
        super().__init__(f"a logged model is {', '.join(STATES)}, not {str(state)[:80]!r}")
        self.state = state


def create_logged_model(
    ws: Workspace,
    experiment: int,
    name: str | None = None,
    *,
    kind: str | None = None,
    source_run: str | None = None,
    params: Mapping[str, str] = NO_TAGS,
    tags: Mapping[str, str] = NO_TAGS,
    id: str | None = None,
) -> LoggedModel:
    """Make a logged model, pending. Raises ExperimentMissing, NotActive, BadName, BadValue."""
    name = run_name(ws.ids.hex()) if name is None else check_model_name(name)
    for what, text, limit in (("kind", kind, _LONGEST_KIND), ("source run", source_run, 256)):
        check_text("logged model", what, text or "", limit)
    model = id or f"m-{ws.ids.hex()}"
    now = ws.clock.now()
    with ws.database.transaction() as connection:
        root = below(active_root(ws, connection, experiment), "models", model, "artifacts")
        row = {
            "id": model, "experiment": experiment, "name": name, "kind": kind, "state": "pending",
            "state_message": None, "source_run": source_run, "artifact_root": root, "stage": "active",
            "created": now, "updated": now,
        }  # fmt: skip
        key = insert_new(connection, logged_models, row)
        if key is None:
            raise BadInput(f"there is a logged model {model!r} already")
        _write_params(connection, model, key, params)
        _write_tags(ws, connection, key, tags)
        ws.journal.append(connection, Fact("ModelLogged", f"logged_model:{model}", {"name": name, "run": source_run}))
        return _read(connection, [key])[0]


def get_logged_model(ws: Workspace, id: str, *, deleted: bool = False) -> LoggedModel:
    """A logged model, a deleted one only where asked for. Raises LoggedModelMissing."""
    with ws.database.reading() as connection:
        return _read(connection, [model_key(connection, id, deleted=deleted)])[0]


def logged_models_by_key(ws: Workspace, keys: Sequence[int]) -> list[LoggedModel]:
    """Logged models in the order of their keys as given; one that does not exist is left out."""
    with ws.database.reading() as connection:
        return _read(connection, keys)


def finalize(ws: Workspace, id: str, state: str, message: str | None = None) -> LoggedModel:
    """Say that a model's files are there, or that they never will be. Raises LoggedModelMissing, BadModelState."""
    said = str(state).lower()
    if said not in STATES:
        raise BadModelState(state)
    check_text("state of logged model", id, message or "", _LONGEST_MESSAGE)
    with ws.database.transaction() as connection:
        key = model_key(connection, id)
        _change(ws, connection, key, state=said, state_message=message)
        return _read(connection, [key])[0]


def delete_logged_model(ws: Workspace, id: str) -> None:
    """Set a logged model aside. Raises LoggedModelMissing."""
    with ws.database.transaction() as connection:
        key = model_key(connection, id)
        _change(ws, connection, key, stage="deleted")
        ws.journal.append(connection, Fact("LoggedModelDeleted", f"logged_model:{id}"))


def set_logged_model_tags(ws: Workspace, id: str, tags: Pairs) -> None:
    """Write tags; the last value stands. Raises LoggedModelMissing, BadName, BadValue."""
    with ws.database.transaction() as connection:
        _write_tags(ws, connection, model_key(connection, id), tags)


def delete_logged_model_tag(ws: Workspace, id: str, name: str) -> None:
    """Raises LoggedModelMissing, TagMissing."""
    table = logged_model_tags
    with ws.database.transaction() as connection:
        key = model_key(connection, id)
        chosen = sa.delete(table).where(table.c.model == key, table.c.name == name)
        if not storable(name) or not connection.execute(chosen).rowcount:
            raise TagMissing("logged model", id, name)


def log_logged_model_params(ws: Workspace, id: str, params: Pairs) -> None:
    """Write params, which are written once. Raises LoggedModelMissing, ParamChanged, BadName, BadValue."""
    with ws.database.transaction() as connection:
        _write_params(connection, id, model_key(connection, id), params)


def _write_params(connection: sa.Connection, id: str, key: int, params: Pairs) -> None:
    values, table = loose_of("param", params, LONGEST_PARAM), logged_model_params
    rows = [{"model": key, "name": name, "value": values[name]} for name in sorted(values)]
    insert_missing(connection, table, rows)
    standing = dict(_pairs(connection, table, [key])[key]) if values else {}
    if changes := [(name, standing[name], values[name]) for name in values if standing[name] != values[name]]:
        raise ParamChanged(id, changes)


def _write_tags(ws: Workspace, connection: sa.Connection, key: int, tags: Pairs) -> None:
    values = loose_of("tag", tags, LONGEST_TAG)
    rows = [{"model": key, "name": name, "value": values[name]} for name in sorted(values)]
    ws.database.upsert(connection, logged_model_tags, rows, ["model", "name"])


def _change(ws: Workspace, connection: sa.Connection, key: int, **values: Any) -> None:
    changed = sa.update(logged_models).where(logged_models.c.key == key)
    connection.execute(changed.values(updated=ws.clock.now(), **values))


def _read(connection: sa.Connection, keys: Sequence[int]) -> list[LoggedModel]:
    found: dict[int, LoggedModel] = {}
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        params, tags = (_pairs(connection, table, some) for table in (logged_model_params, logged_model_tags))
        metrics = _metrics(connection, some)
        for row in connection.execute(sa.select(logged_models).where(logged_models.c.key.in_(some))):
            found[row.key] = LoggedModel(
                **row._mapping, params=dict(params[row.key]), tags=dict(tags[row.key]), metrics=metrics[row.key]
            )
    return [found[key] for key in keys if key in found]


def _pairs(connection: sa.Connection, table: sa.Table, keys: Sequence[int]) -> defaultdict[int, list[tuple[str, str]]]:
    found: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    of_them = sa.text(f"model IN ({numbers(keys)})")
    for row in connection.execute(sa.select(table).where(of_them).order_by(table.c.name)):
        found[row.model].append((row.name, row.value))
    return found


def _metrics(connection: sa.Connection, keys: Sequence[int]) -> defaultdict[int, list[ModelMetric]]:
    found: defaultdict[int, list[ModelMetric]] = defaultdict(list)
    table = logged_model_metrics
    query = sa.select(table, runs.c.id.label("run_id")).join(runs, runs.c.key == table.c.run)
    order = (table.c.model, table.c.name, table.c.at, table.c.step, runs.c.id)
    for row in connection.execute(query.where(table.c.model.in_(keys)).order_by(*order)):
        point = Point(row.name, float("nan") if row.is_nan else row.value, row.at, row.step)
        found[row.model].append(ModelMetric(point, row.run_id, row.dataset_name, row.dataset_digest))
    return found
