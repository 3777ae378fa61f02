"""What Noria's own turns do with runs: start, log, finish, look up.

A turn's run lives in the experiment named like the model, which is made when it is missing. Unlike a client's, it
may be begun, told and ended again after a crash, so everything here can be done twice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

import sqlalchemy as sa

from noria.core.digest import canonical
from noria.core.errors import BadInput, Conflict
from noria.stores.journal import Fact
from noria.tracking import history, runs
from noria.tracking.experiments import ExperimentExists, create_experiment, find_experiment
from noria.tracking.located import locate
from noria.tracking.model import Experiment, Point, Run
from noria.tracking.names import storable
from noria.tracking.run_reading import read_runs
from noria.tracking.tables import run_params
from noria.tracking.tables import runs as rows
from noria.workspace.workspace import Workspace

_LONGEST = 255


class BadMetric(BadInput):
    """A metric that is no finite number."""

    code = "N2201"


def start_run(ws: Workspace, model: str, kind: str, inputs: Mapping[str, Any], *, run: str | None = None) -> str:
    """Begin a run of a model; gives its id. Beginning one again under the same id changes nothing.

    Raises Conflict when the id belongs to a run of another model or kind, NotActive when somebody has deleted the
    model's experiment.
    """
    if run and _begun_before(ws, run, model, kind):
        return run
    key, id, now = _experiment(ws, model).key, run or ws.ids.new("run"), ws.clock.now()
    told: dict[str, Any] = {"model": model, "kind": kind, "inputs": inputs}
    try:
        return runs.create_run(ws, key, id=id, name=kind, actor=ws.actor, started=now, **told).id
    except runs.RunExists as error:  # another process of the same turn was faster
        _begun_before(ws, error.id, model, kind)
        return error.id


def log_params(ws: Workspace, run: str, params: Mapping[str, Any]) -> None:
    """Write values the run was made with, text as it is and anything else as JSON; a name written again is
    overwritten. Raises RunMissing, NotActive.
    """
    values = {_name(name): value if isinstance(value, str) else canonical(value) for name, value in params.items()}
    if bad := [name for name, value in values.items() if not storable(value)]:
        raise BadInput(f"the value of {', '.join(bad)} holds what no database can hold")
    with ws.database.transaction() as connection:
        key = locate(connection, run).key
        written = [{"run": key, "name": name, "value": values[name]} for name in sorted(values)]
        ws.database.upsert(connection, run_params, written, ["run", "name"])


def log_metrics(ws: Workspace, run: str, metrics: Mapping[str, float]) -> None:
    """Write what the run measured; a value that stands already is not written again.

    Raises BadMetric for what is no finite number, RunMissing, NotActive.
    """
    if bad := [name for name, value in metrics.items() if not _finite(value)]:
        raise BadMetric(f"{', '.join(bad)} of {run} is no finite number", hint="leave out what could not be measured")
    at = ws.clock.now() // 1000
    points = [Point(_name(name), float(value), at) for name, value in metrics.items()]
    with ws.database.transaction() as connection:
        located = locate(connection, run)
        standing = read_runs(connection, [located.key])[0].metrics
        new = [one for one in points if one.metric not in standing or standing[one.metric].value != one.value]
        history.append(ws, connection, located, new)


def finish_run(ws: Workspace, run: str, state: Literal["finished", "failed"], note: str = "") -> None:
    """End a run. Ending it again changes nothing. Raises RunMissing, NotActive, BadInput for another state."""
    if state not in ("finished", "failed"):
        raise BadInput(f"a run ends finished or failed, not {state!r}")
    with ws.database.transaction() as connection:
        key = locate(connection, run).key
        changes = sa.update(rows).where(rows.c.key == key, rows.c.state == "running")
        if connection.execute(changes.values(state=state, ended=ws.clock.now(), note=note)).rowcount:
            kind = "RunFinished" if state == "finished" else "RunFailed"
            ws.journal.append(connection, Fact(kind, f"run:{run}", {"state": state, "note": note}))


def get_run(ws: Workspace, run: str) -> Run:
    """One run with its params and metrics. Raises RunMissing."""
    return runs.get_run(ws, run)


def list_runs(ws: Workspace, model: str | None = None, limit: int = 50) -> list[Run]:
    """The newest runs that are not deleted, newest first; of one model when it is named."""
    query = sa.select(rows.c.key).where(rows.c.stage == "active").order_by(rows.c.started.desc(), rows.c.id.desc())
    if model is not None:
        query = query.where(rows.c.model == model)
    with ws.database.reading() as connection:
        return read_runs(connection, list(connection.execute(query.limit(max(limit, 0))).scalars()))


def _begun_before(ws: Workspace, run: str, model: str, kind: str) -> bool:
    with ws.database.reading() as connection:
        query = sa.select(rows.c.model, rows.c.kind).where(rows.c.id == run)
        found = connection.execute(query).one_or_none()
    if found is not None and tuple(found) != (model, kind):
        raise Conflict(f"{run} is a {found.kind} of {found.model}, not a {kind} of {model}")
    return found is not None


def _experiment(ws: Workspace, model: str) -> Experiment:
    with suppress(ExperimentExists):
        return find_experiment(ws, model) or create_experiment(ws, model)
    found = find_experiment(ws, model)  # another process was faster
    assert found is not None
    return found


def _name(name: str) -> str:
    if not 0 < len(name) <= _LONGEST:
        raise BadInput(f"a name has 1 to {_LONGEST} characters, not {len(name)}: {name[:40]!r}")
    return name


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, OverflowError):
        return False
