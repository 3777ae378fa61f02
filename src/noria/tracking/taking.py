"""What each kind of a client's record does to the store; see `ingest` for when, and how often (once)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa

from noria.core.errors import BadInput, Conflict, NotFound
from noria.tracking import artifacts, experiments, history, runs
from noria.tracking.located import Located, locate
from noria.tracking.model import DEFAULT_EXPERIMENT
from noria.tracking.names import check_keys
from noria.tracking.params import log_params
from noria.tracking.records import AnyRecord, Begun, Ended, Kept, Params, Row, Tags
from noria.tracking.tags import set_tags
from noria.workspace.workspace import Workspace

ALONE = (Begun, Kept, Ended)
"""Kinds of records that are taken in one at a time: what they do can be done again, and changes nothing then."""

SESSION = "noria.session"
"""The tag that names the spool of whoever owns the run now: a late word about an earlier one ends nothing."""

REFUSED = "noria.refused"
"""The tag that counts records which could not be taken in, with the first reason."""

_LARGEST = sys.float_info.max


def take_alone(ws: Workspace, record: AnyRecord) -> str:
    """Do what a record of the kinds `ALONE` says; gives what of it could not be done, or nothing."""
    if isinstance(record, Begun):
        return _begin(ws, record)
    if isinstance(record, Kept):
        return _keep(ws, record)
    return _end(ws, record) if isinstance(record, Ended) else ""


def take_together(ws: Workspace, connection: sa.Connection, records: Sequence[AnyRecord]) -> None:
    """Write rows, params and tags. Raises BadInput and NotFound when one of them cannot be written."""
    located: dict[str, Located] = {}
    for record in records:
        if record.run not in located:
            located[record.run] = locate(connection, record.run)
    for run, where in sorted(located.items(), key=lambda one: one[1].key):  # all in one order, or two could block
        of_run = [record for record in records if record.run == run]
        _write_rows(ws, connection, where, [one for one in of_run if isinstance(one, Row)])
        for record in of_run:
            if isinstance(record, Params):
                log_params(connection, where, record.values)
            elif isinstance(record, Tags):
                set_tags(connection, where, record.values)


def parts(record: AnyRecord) -> Iterator[AnyRecord]:
    """A record as records of one value each, so that a bad one stands alone."""
    if isinstance(record, Row):
        for metric, number in record.values.items():
            yield Row(record.run, record.at, record.step, {metric: number})
    elif isinstance(record, Params | Tags):
        for name, text in record.values.items():
            yield type(record)(record.run, {name: text})
    else:
        yield record


def note_refused(connection: sa.Connection, run: str, said: str) -> None:
    """Say in the run that records of it were refused. Raises NotFound."""
    set_tags(connection, locate(connection, run), {REFUSED: said[:1000]})


def _write_rows(ws: Workspace, connection: sa.Connection, where: Located, rows: Iterable[Row]) -> None:
    names: list[str] = []
    values: list[float] = []
    ats: list[int] = []
    steps: list[int] = []
    for row in rows:
        for name, value in row.values.items():
            names.append(name)
            values.append(value if value != value else max(min(value, _LARGEST), -_LARGEST))
            ats.append(row.at)
            steps.append(row.step)
    if names:
        check_keys("metric", list(dict.fromkeys(names)))
        history.append_raw(ws, connection, where.key, where.experiment, names, values, ats, steps)


def _begin(ws: Workspace, begun: Begun) -> str:
    """Make the run unless it is there, in its experiment or, when that cannot be, in the default one."""
    try:
        known = runs.get_run(ws, begun.run)
    except NotFound:
        return _create(ws, begun)
    if begun.owner and known.tags.get(SESSION, "") < begun.session:  # the ids of spools are in the order of time
        runs.update_run(ws, begun.run, state="running")
        with ws.database.transaction() as connection:
            set_tags(connection, locate(connection, begun.run), {SESSION: begun.session})
    return ""


def _create(ws: Workspace, begun: Begun) -> str:
    key, why = _experiment(ws, begun.experiment)
    tags = {SESSION: begun.session} if begun.owner else {}
    for name in (begun.name, ""):
        try:
            runs.create_run(ws, key, id=begun.run, name=name, actor=begun.actor, started=begun.at, tags=tags)
            return why
        except Conflict:  # another process of the same run was faster
            return why
        except BadInput as error:
            why = f"{why}; {error.message}".lstrip("; ")
    return why


def _experiment(ws: Workspace, name: str) -> tuple[int, str]:
    """The key of an experiment, made when there is none, and why it is not the one asked for."""
    if not name:
        return DEFAULT_EXPERIMENT, ""
    try:
        found = experiments.find_experiment(ws, name)
        if found is None:
            found = experiments.create_experiment(ws, name)
        if found.stage == "active":
            return found.key, ""
        return DEFAULT_EXPERIMENT, f"the experiment {name!r} was deleted; the run is in the default one"
    except Conflict:
        again = experiments.find_experiment(ws, name)
        return (again.key, "") if again is not None else (DEFAULT_EXPERIMENT, f"there is no experiment {name!r}")
    except BadInput as error:
        return DEFAULT_EXPERIMENT, f"{error.message}; the run is in the default experiment"


def _keep(ws: Workspace, kept: Kept) -> str:
    if not ws.blobs.exists(kept.digest):
        return f"the bytes of {kept.path} ({kept.digest[:12]}) never came"
    root = runs.get_run(ws, kept.run).artifact_root.removeprefix("mlflow-artifacts:/")
    artifacts.put_artifact(ws, f"{root}/{artifacts.checked(kept.path)}", kept.digest, kept.size)
    return ""


def _end(ws: Workspace, ended: Ended) -> str:
    """End the run, unless another process owns it by now, or, when this is only inferred, it has ended itself."""
    run = runs.get_run(ws, ended.run)
    if run.tags.get(SESSION, ended.session) != ended.session or (ended.inferred and run.state != "running"):
        return ""
    runs.update_run(ws, ended.run, state=ended.state, ended=max(ended.at, run.started or ended.at))
    return ""
