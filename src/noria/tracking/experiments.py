"""Experiments: make, look up, rename, tag, delete, restore. Nothing deleted is gone until it is collected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from noria.core.clock import Clock, SystemClock
from noria.core.errors import BadInput, Conflict, NotFound
from noria.stores.journal import Fact
from noria.tracking.model import DEFAULT_EXPERIMENT, Experiment
from noria.tracking.names import check_experiment_name, check_key, experiment_tags_of, storable
from noria.tracking.places import check_root, default_root
from noria.tracking.tables import experiment_tags, experiments, runs
from noria.tracking.writing import insert_new, numbers
from noria.workspace.workspace import Workspace

NO_TAGS: Mapping[str, str] = MappingProxyType({})
_DEFAULT_NAME = "Default"
_LARGEST_KEY = 2**63 - 1


class ExperimentExists(Conflict):
    """The name is taken, perhaps by a deleted experiment: `stage` says."""

    code = "N2206"

    def __init__(self, name: str, stage: str = "active") -> None:
        deleted = stage == "deleted"
        hint = "restore it, or choose another name" if deleted else "use it, or choose another name"
        super().__init__(f"there is {'a deleted' if deleted else 'an'} experiment {name!r} already", hint=hint)
        self.name, self.stage = name, stage


class ExperimentMissing(NotFound):
    """There is no experiment with that number, or none in the stage that is needed."""

    code = "N2207"

    def __init__(self, key: int | str, known: Sequence[str] | None = None) -> None:
        super().__init__("experiment", str(key), known)
        self.key = key


class NotActive(BadInput):
    """Something that is deleted, or in a deleted experiment, cannot be changed. `what` is `experiment` or `run`."""

    code = "N2208"

    def __init__(self, what: str, id: str, stage: str) -> None:
        super().__init__(f"{what} {id} is {stage}", hint="restore it first")
        self.what, self.id, self.stage = what, id, stage


class TagMissing(NotFound):
    """There is no tag of that name. `what` and `id` say on which thing."""

    code = "N2209"

    def __init__(self, what: str, id: str, name: str) -> None:
        super().__init__(f"tag of {what} {id}", name)
        self.what, self.id, self.name = what, id, name


def create_experiment(
    ws: Workspace, name: str, *, artifact_root: str | None = None, tags: Mapping[str, str] = NO_TAGS
) -> Experiment:
    """Make an experiment. Raises ExperimentExists, also when the one of that name is deleted; BadName, BadRoot."""
    check_experiment_name(name)
    kept = experiment_tags_of(tags)
    root = check_root(artifact_root) if artifact_root else ""
    with ws.database.transaction() as connection:
        if name == _DEFAULT_NAME:
            ensure_default(connection, ws.clock)
        key = _insert(connection, name, root, ws.clock)
        if kept:
            rows = [{"experiment": key, "name": tag, "value": kept[tag]} for tag in sorted(kept)]
            connection.execute(sa.insert(experiment_tags), rows)
        ws.journal.append(connection, Fact("ExperimentCreated", _subject(key), {"name": name}))
        return _read(connection, experiments.c.key == key)[0]


def get_experiment(ws: Workspace, key: int) -> Experiment:
    """An experiment in any stage. Raises ExperimentMissing."""
    found = experiments_by_key(ws, [key])
    if not found and key == DEFAULT_EXPERIMENT:
        with ws.database.transaction() as connection:
            ensure_default(connection, ws.clock)
        found = experiments_by_key(ws, [key])
    if not found:
        raise ExperimentMissing(key)
    return found[0]


def find_experiment(ws: Workspace, name: str) -> Experiment | None:
    """The experiment of that name, in any stage."""
    if not storable(name):
        return None
    with ws.database.reading() as connection:
        found = _read(connection, experiments.c.name == name)
    if not found and name == _DEFAULT_NAME:
        return get_experiment(ws, DEFAULT_EXPERIMENT)
    return found[0] if found else None


def experiments_by_key(ws: Workspace, keys: Sequence[int]) -> list[Experiment]:
    """Experiments in the order of their keys as given; one that does not exist is left out."""
    asked = [key for key in keys if abs(key) <= _LARGEST_KEY]
    with ws.database.reading() as connection:
        found = {one.key: one for one in _read(connection, experiments.c.key.in_(asked))} if asked else {}
    return [found[key] for key in keys if key in found]


def list_experiments(ws: Workspace, names: Sequence[str] | None = None) -> list[Experiment]:
    """The active experiments, or those of some names, by key. Raises ExperimentMissing for a name unknown."""
    with ws.database.reading() as connection:
        found = _read(connection, experiments.c.stage == "active")
    if names is None:
        return found
    by_name = {one.name: one for one in found}
    for name in names:
        if name not in by_name:
            raise ExperimentMissing(name, list(by_name))
    return [one for one in found if one.name in names]


def update_experiment(ws: Workspace, key: int, name: str) -> Experiment:
    """Give an experiment another name. Raises ExperimentMissing, NotActive, ExperimentExists, BadName."""
    check_experiment_name(name)
    with ws.database.transaction() as connection:
        before = _locked(ws, connection, key)
        if before.stage != "active":
            raise NotActive("experiment", str(key), before.stage)
        if taken := connection.execute(_named(name).where(experiments.c.key != key)).first():
            raise ExperimentExists(name, taken.stage)
        _change(connection, key, name=name, updated=ws.clock.now())
        if name != before.name:
            told = {"before": before.name, "after": name}
            ws.journal.append(connection, Fact("ExperimentRenamed", _subject(key), told))
        return _read(connection, experiments.c.key == key)[0]


def delete_experiment(ws: Workspace, key: int) -> None:
    """Set an experiment aside with every run of it. Raises ExperimentMissing, also when that was done before."""
    _turn(ws, key, "active", "deleted", "ExperimentDeleted")


def restore_experiment(ws: Workspace, key: int) -> None:
    """Bring a deleted experiment back with every run of it, as MLflow does. Raises ExperimentMissing."""
    _turn(ws, key, "deleted", "active", "ExperimentRestored")


def set_experiment_tag(ws: Workspace, key: int, name: str, value: str) -> None:
    """Raises ExperimentMissing, NotActive, BadName, BadValue."""
    kept = experiment_tags_of([(name, value)])
    with ws.database.transaction() as connection:
        _must_be_active(_locked(ws, connection, key, alone=False))
        rows = [{"experiment": key, "name": name, "value": kept[name]}]
        ws.database.upsert(connection, experiment_tags, rows, ["experiment", "name"])


def delete_experiment_tag(ws: Workspace, key: int, name: str) -> None:
    """Raises ExperimentMissing, NotActive, TagMissing."""
    check_key("tag", name)
    with ws.database.transaction() as connection:
        _must_be_active(_locked(ws, connection, key, alone=False))
        chosen = sa.delete(experiment_tags).where(experiment_tags.c.experiment == key, experiment_tags.c.name == name)
        if not connection.execute(chosen).rowcount:
            raise TagMissing("experiment", str(key), name)


def ensure_default(connection: sa.Connection, clock: Clock | None = None) -> None:
    """See to it that there is the experiment 0; it is called `Default`, unless another one already is."""
    now = (clock or SystemClock()).now()
    row = {"key": DEFAULT_EXPERIMENT, "artifact_root": default_root(DEFAULT_EXPERIMENT), "stage": "active"}
    for name in (_DEFAULT_NAME, f"{_DEFAULT_NAME} ({DEFAULT_EXPERIMENT})"):
        insert_new(connection, experiments, {**row, "name": name, "created": now, "updated": now})


def active_root(ws: Workspace, connection: sa.Connection, key: int) -> str:
    """The artifact root of an experiment that is active, and stays so until the transaction ends.

    Raises ExperimentMissing, NotActive.
    """
    found = _locked(ws, connection, key, alone=False)
    _must_be_active(found)
    return str(found.artifact_root)


def _insert(connection: sa.Connection, name: str, root: str, clock: Clock) -> int:
    if taken := connection.execute(_named(name)).scalar_one_or_none():  # a refused insert would use up a number
        raise ExperimentExists(name, taken)
    now = clock.now()
    row = {"name": name, "artifact_root": root, "stage": "active", "created": now, "updated": now}
    key = insert_new(connection, experiments, row)
    if key is None:
        raise ExperimentExists(name, connection.execute(_named(name)).scalar_one())
    if not root:
        _change(connection, key, artifact_root=default_root(key))
    return key


def _turn(ws: Workspace, key: int, before: str, after: str, kind: str) -> None:
    """Move an experiment and its runs to another stage."""
    with ws.database.transaction() as connection:
        if _locked(ws, connection, key).stage != before:
            raise ExperimentMissing(key)
        now = ws.clock.now()
        _change(connection, key, stage=after, updated=now)
        moved = sa.update(runs).where(runs.c.experiment == key)
        connection.execute(moved.values(stage=after, deleted=now if after == "deleted" else None))
        ws.journal.append(connection, Fact(kind, _subject(key)))


def _locked(ws: Workspace, connection: sa.Connection, key: int, *, alone: bool = True) -> Any:
    """The row, which nobody else changes until the transaction ends; with `alone` nobody else holds it either."""
    query = sa.select(experiments).where(experiments.c.key == key).with_for_update(read=not alone)
    found = connection.execute(query).one_or_none() if abs(key) <= _LARGEST_KEY else None
    if found is None and key == DEFAULT_EXPERIMENT:
        ensure_default(connection, ws.clock)
        found = connection.execute(query).one_or_none()
    if found is None:
        raise ExperimentMissing(key)
    return found


def _must_be_active(row: Any) -> None:
    if row.stage != "active":
        raise NotActive("experiment", str(row.key), row.stage)


def _change(connection: sa.Connection, key: int, **values: Any) -> None:
    connection.execute(sa.update(experiments).where(experiments.c.key == key).values(**values))


def _read(connection: sa.Connection, chosen: sa.ColumnElement[bool]) -> list[Experiment]:
    rows = connection.execute(sa.select(experiments).where(chosen).order_by(experiments.c.key)).all()
    tags: defaultdict[int, dict[str, str]] = defaultdict(dict)
    if rows:
        of_them = sa.text(f"experiment IN ({numbers(row.key for row in rows)})")
        for row in connection.execute(sa.select(experiment_tags).where(of_them)):
            tags[row.experiment][row.name] = row.value
    return [Experiment(**row._mapping, tags=tags[row.key]) for row in rows]


def _named(name: str) -> sa.Select[Any]:
    return sa.select(experiments.c.stage).where(experiments.c.name == name)


def _subject(key: int) -> str:
    return f"experiment:{key}"
