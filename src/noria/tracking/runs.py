"""Runs: begin, look up, change, delete, restore. What they log is written by `batches`, `params` and `tags`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import sqlalchemy as sa

from noria.core.clock import Micros
from noria.core.digest import canonical
from noria.core.errors import BadInput, Conflict
from noria.stores.journal import Fact
from noria.tracking.batches import log_batch, log_columns
from noria.tracking.experiments import NO_TAGS, NotActive, active_root
from noria.tracking.located import Located, RunMissing, locate
from noria.tracking.model import Run, RunState
from noria.tracking.names import LONGEST_ACTOR, LONGEST_TAG, check_run_id, check_title, given_tags_of, storable
from noria.tracking.params import ParamChanged, log_params
from noria.tracking.places import below
from noria.tracking.run_names import run_name
from noria.tracking.run_reading import read_runs
from noria.tracking.tables import runs
from noria.tracking.tags import RUN_NAME, USER, delete_tag, set_tags, write_tags
from noria.tracking.writing import insert_new
from noria.workspace.workspace import Workspace

__all__ = [
    "Located", "NotActive", "ParamChanged", "RunExists", "RunMissing", "TwoNames", "create_run", "delete_run",
    "delete_tag", "find_run", "get_run", "locate", "log_batch", "log_columns", "log_params", "restore_run",
    "runs_by_key", "set_tags", "update_run",
]  # fmt: skip

_ENDS = {"finished": "RunFinished", "failed": "RunFailed", "killed": "RunFailed"}
_LAST = 2**63 - 1


class RunExists(Conflict):
    """The id belongs to a run already."""

    code = "N2212"

    def __init__(self, id: str) -> None:
        super().__init__(f"there is a run {id!r} already")
        self.id = id


class TwoNames(BadInput):
    """A run was given one name as its name and another one as its tag."""

    code = "N2213"

    def __init__(self, name: str, tag: str) -> None:
        super().__init__(f"a run has one name, not {name[:80]!r} and, as the tag {RUN_NAME}, {tag[:80]!r}")
        self.name, self.tag = name, tag


class BadMoment(BadInput):
    """A moment that no 64-bit integer holds. `what` is `started` or `ended`."""

    code = "N2214"

    def __init__(self, what: str, given: object) -> None:
        super().__init__(f"the moment a run {what} is a whole number of 64 bits, not {str(given)[:80]}")
        self.what = what


def create_run(
    ws: Workspace,
    experiment: int,
    *,
    id: str | None = None,
    name: str = "",
    actor: str = "",
    started: Micros | None = None,
    tags: Mapping[str, str] = NO_TAGS,
    model: str = "",
    kind: str = "",
    inputs: Mapping[str, Any] | None = None,
) -> Run:
    """Begin a run. It gets an id and a name where none is given; the name is its tag `mlflow.runName` too.

    Raises ExperimentMissing, NotActive, RunExists, TwoNames, BadName, BadValue, BadMoment.
    """
    kept = given_tags_of(tags)
    id = ws.ids.hex() if id is None else check_run_id(id)
    kept[RUN_NAME] = check_title("run", _one_name(ws, name, kept), LONGEST_TAG)
    run = {
        "id": id, "experiment": experiment, "name": kept[RUN_NAME],
        "actor": (actor or kept.get(USER, ""))[:LONGEST_ACTOR],
        "state": "running", "stage": "active", "started": _moment("started", started), "ended": None,
        "model": model, "kind": kind, "note": "",
    }  # fmt: skip
    with ws.database.transaction() as connection:
        root = below(active_root(ws, connection, experiment), id, "artifacts")
        row = {**run, "artifact_root": root, "deleted": None, "inputs": canonical(inputs or {})}
        key = insert_new(connection, runs, row)
        if key is None:
            raise RunExists(id)
        write_tags(connection, key, kept)
        told = {"experiment": experiment, "name": run["name"]} | ({"model": model, "kind": kind} if model else {})
        ws.journal.append(connection, Fact("RunStarted", _subject(id), told))
    return Run(**run, key=key, artifact_root=root, inputs=dict(inputs or {}), tags=dict(sorted(kept.items())))  # type: ignore[arg-type]


def get_run(ws: Workspace, id: str) -> Run:
    """A run in any stage. Raises RunMissing."""
    with ws.database.reading() as connection:
        return read_runs(connection, [locate(connection, id, active=False).key])[0]


def find_run(ws: Workspace, prefix: str) -> Run:
    """A run by its id or by a beginning of it that no other has. Raises RunMissing, BadInput."""
    with ws.database.reading() as connection:
        query = sa.select(runs.c.key, runs.c.id).where(sa.func.substr(runs.c.id, 1, len(prefix)) == prefix)
        exact_first = query.order_by((runs.c.id != prefix), runs.c.key.desc()).limit(6)
        found = connection.execute(exact_first).all() if prefix and storable(prefix) else []
        if len(found) > 1 and found[0].id != prefix:
            listed = ", ".join(row.id for row in found[:5]) + (", ..." if len(found) > 5 else "")
            raise BadInput(f"{prefix!r} is the beginning of more than one run: {listed}", hint="write more of the id")
        key = found[0].key if found else locate(connection, prefix, active=False).key
        return read_runs(connection, [key])[0]


def runs_by_key(ws: Workspace, keys: Sequence[int]) -> list[Run]:
    """Runs in the order of their keys as given; one that does not exist is left out."""
    with ws.database.reading() as connection:
        return read_runs(connection, keys)


def update_run(
    ws: Workspace, id: str, *, state: RunState | None = None, ended: Micros | None = None, name: str | None = None
) -> Run:
    """Change what is given of a run; an empty name is none. Raises RunMissing, NotActive, BadName, BadMoment."""
    if state is not None and state not in get_args(RunState):
        raise BadInput(f"a run is {', '.join(get_args(RunState))}, not {str(state)[:80]!r}")
    changes: dict[str, Any] = {"state": state, "ended": _moment("ended", ended)}
    changes = {column: value for column, value in changes.items() if value is not None}
    if name:
        check_title("run", name, LONGEST_TAG)
    with ws.database.transaction() as connection:
        run = locate(connection, id)
        before = _locked(connection, run)
        if changes:
            connection.execute(sa.update(runs).where(runs.c.key == run.key).values(**changes))
        if name:
            set_tags(connection, run, {RUN_NAME: name})
        if state is not None and state != before.state:
            _tell_state(ws, connection, id, before.state, state)
        return read_runs(connection, [run.key])[0]


def delete_run(ws: Workspace, id: str) -> None:
    """Set a run aside; doing it again changes nothing. Raises RunMissing."""
    _turn(ws, id, "deleted", "RunDeleted")


def restore_run(ws: Workspace, id: str) -> None:
    """Bring a deleted run back; doing it again changes nothing. Raises RunMissing."""
    _turn(ws, id, "active", "RunRestored")


def _turn(ws: Workspace, id: str, stage: str, kind: str) -> None:
    with ws.database.transaction() as connection:
        run = locate(connection, id, active=False)
        if _locked(connection, run).stage == stage:
            return
        deleted = ws.clock.now() if stage == "deleted" else None
        connection.execute(sa.update(runs).where(runs.c.key == run.key).values(stage=stage, deleted=deleted))
        ws.journal.append(connection, Fact(kind, _subject(id)))


def _locked(connection: sa.Connection, run: Located) -> Any:
    """The run's state and stage, which nobody else changes until the transaction ends."""
    query = sa.select(runs.c.state, runs.c.stage).where(runs.c.key == run.key)
    return connection.execute(query.with_for_update(key_share=True)).one()


def _tell_state(ws: Workspace, connection: sa.Connection, id: str, before: str, after: str) -> None:
    """Runs end, and some are taken up again; that a run is only scheduled is not worth a fact."""
    if after in _ENDS:
        ws.journal.append(connection, Fact(_ENDS[after], _subject(id), {"state": after}))
    elif before in _ENDS:
        ws.journal.append(connection, Fact("RunResumed", _subject(id), {"state": after}))


def _one_name(ws: Workspace, name: str, tags: Mapping[str, str]) -> str:
    tag = tags.get(RUN_NAME, "")
    if name and tag and name != tag:
        raise TwoNames(name, tag)
    return name or tag or run_name(ws.ids.hex())


def _moment(what: str, given: Micros | None) -> Micros | None:
    if given is not None and (not isinstance(given, int) or not -_LAST <= given <= _LAST):
        raise BadMoment(what, given)
    return given


def _subject(id: str) -> str:
    return f"run:{id}"
