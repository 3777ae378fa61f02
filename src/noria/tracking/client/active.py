"""`noria.run`, and the log functions that belong to whichever run is going on. None of them raises.

Without a run, the first log call starts one, which ends with the program. Inside a training function of a project
they log to the run of the turn.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noria.config.environment import environment
from noria.config.settings import HOME
from noria.core.clock import Clock, SystemClock
from noria.core.ids import TimeOrderedIds
from noria.tracking.client.captures import Captures, wanted
from noria.tracking.client.place import OWN, Place, find_place
from noria.tracking.client.process import PROCESS
from noria.tracking.client.recorder import Recorder
from noria.tracking.client.run import FLUSH_SECONDS, ActiveRun
from noria.tracking.client.shipper import Shipper
from noria.tracking.client.values import named, text
from noria.tracking.records import Begun

if TYPE_CHECKING:
    from noria.tracking.answers import Destination
    from noria.workspace.workspace import Workspace

_PARENT = "mlflow.parentRunId"
_USER = "mlflow.user"
_EVERY = 10.0


def run(
    name: str = "",
    *,
    experiment: str = "",
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    id: str = "",
    to: str = "",
    code: bool | None = None,
    environment: bool | None = None,
    console: bool | None = None,
    system: bool | None = None,
) -> ActiveRun:
    """Begin a run, or go on with the one that has this `id`. Used in a `with`, it ends with the block.

    `experiment` is made when there is none of that name (empty: `NORIA_EXPERIMENT`, else `Default`); inside another
    run it is that one's, and the run becomes its child. `to` is the server's address, `workspace` for the project's
    own database, `offline` to keep everything for `noria sync`; empty: `NORIA_TRACKING_URI`, else the project's
    setting, else the project's own database. The last four switch captures off; so does `NORIA_CAPTURE_CODE=0`.
    """
    asked = {"code": code, "environment": environment, "console": console, "system": system}
    return _begin(name, experiment, params, tags, id, to, asked)


def log_metric(name: str, value: Any, step: int | None = None) -> None:
    """Log one value of a series. Without a step it is the one after the series' last."""
    _going().log_metric(name, value, step)


def log_metrics(
    values: Mapping[str, Any], step: int | None = None, axes: Mapping[str, Any] | None = None, **more: Any
) -> None:
    """Log a row: values of several series at one step, and where the row lies on other x-axes (`epoch=2`)."""
    _going().log_metrics(values, step, axes, **more)


def log_params(params: Mapping[str, Any]) -> None:
    """Log what the run was given. A param keeps its first value."""
    _going().log_params(params)


def log_artifact(source: Any, name: str | None = None) -> None:
    """Keep a file or folder (its path), bytes, or a text under `name`, such as `plots/roc.png`."""
    _going().log_artifact(source, name)


def set_tags(tags: Mapping[str, Any]) -> None:
    """Say things about the run; a tag's newest value counts."""
    _going().set_tags(tags)


@contextmanager
def attached(ws: Workspace, run: str, experiment: str) -> Iterator[ActiveRun]:
    """Let log calls inside belong to a run that exists in the workspace, and which somebody else ends.

    Costs nothing when nothing is logged. At the end, what was logged is sent, or left for `noria sync`.
    """
    from noria.tracking.client.destination import OwnWorkspace

    begun = Begun(run, "", ws.clock.now(), experiment, owner=False)
    place = Place(ws.settings.home, ws.root, OWN)
    active = _made(place, begun, ws.clock, lambda: OwnWorkspace(ws.root, ws))
    PROCESS.begun(active, listen=False)
    try:
        yield active
    finally:
        active.end()


def _going() -> ActiveRun:
    found = PROCESS.current()
    if found is not None:
        return found
    with PROCESS.starting:  # of several threads that log first, one starts the run
        return PROCESS.current() or run()


def _begin(
    name: str, experiment: str, params: Mapping[str, Any] | None, tags: Mapping[str, Any] | None, id: str, to: str,
    asked: Mapping[str, bool | None],
) -> ActiveRun:  # fmt: skip
    given, clock = environment(), SystemClock()
    parent = PROCESS.enclosing()
    experiment = experiment or (parent.experiment if parent else "") or given.get("NORIA_EXPERIMENT", "")
    actor = given.get("NORIA_ACTOR") or given.get("USER") or "local"
    troubles: list[Exception] = []
    begun = Begun(
        _given(id, troubles) or TimeOrderedIds(clock).new("run"), "", clock.now(),
        _given(experiment, troubles), _given(name, troubles), text(actor),
    )  # fmt: skip
    place = _place(to)
    active = _made(place, begun, clock, lambda: _connected(place), _seconds(given))
    for trouble in troubles:
        active.trouble(trouble)
    PROCESS.begun(active)
    active.set_tags({_USER: actor} | ({_PARENT: parent.id} if parent else {}))
    if tags is not None:
        active.set_tags(tags)
    if params is not None:
        active.log_params(params)
    active.capture(Captures(active, wanted(given, asked), given, _every(given)))
    return active


def _made(
    place: Place, begun: Begun, clock: Clock, connect: Callable[[], Destination | None], seconds: float = FLUSH_SECONDS
) -> ActiveRun:
    recorder = Recorder(place.home, begun, clock, place.to)
    shipper = Shipper(recorder, connect)
    return ActiveRun(recorder, shipper, experiment=begun.experiment, seconds=seconds)


def _connected(place: Place) -> Destination | None:
    from noria.tracking.client.destination import connect

    return connect(place)


def _given(name: Any, troubles: list[Exception]) -> str:
    """A name that was given, or none when it cannot be one."""
    try:
        return named(name) if name else ""
    except Exception as error:
        troubles.append(error)
        return ""


def _place(to: str) -> Place:
    """Where this program's spools lie. In a folder that was deleted, under the temporary one."""
    with suppress(Exception):
        return find_place(Path.cwd(), str(to))
    return Place(Path(tempfile.gettempdir()) / HOME, None, str(to))


def _seconds(given: Mapping[str, str]) -> float:
    with suppress(ValueError):
        return float(given.get("NORIA_FLUSH_SECONDS", FLUSH_SECONDS))
    return FLUSH_SECONDS


def _every(given: Mapping[str, str]) -> float:
    with suppress(ValueError):
        return max(float(given.get("NORIA_SYSTEM_SECONDS", _EVERY)), 0.1)
    return _EVERY
