"""What can be asked of a whole project: how it stands, and the changes people make by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from noria.core.errors import BadInput, NotFound
from noria.monitoring import operations as monitoring
from noria.monitoring.model import Measurement, MonitorState
from noria.registry import operations as registry
from noria.registry import resolving
from noria.registry.model import Version
from noria.rollout import operations as rollouts
from noria.serving import operations as serving
from noria.serving.model import Routing
from noria.workspace.workspace import Workspace


@dataclass(frozen=True)
class ModelStatus:
    """One model in one line."""

    model: str
    production: str
    rollout: str
    monitors: str
    last: str


def status(ws: Workspace) -> list[ModelStatus]:
    """How every registered model stands."""
    return [_status(ws, model) for model in registry.models(ws)]


def resolve(ws: Workspace, name: str) -> Version:
    """The version meant by `MODEL`, `MODEL@ALIAS`, `MODEL@NUMBER` or `models:/...`, perhaps `?at=` a moment.

    Raises NotFound, BadReference.
    """
    return resolving.resolve(ws, name)


def lineage_of_prediction(ws: Workspace, prediction: str) -> dict[str, Any]:
    """The walk from a served answer back to rows of data: what was asked, which version answered, what made that.

    Raises NotFound for an answer that this workspace's data plane did not log, VersionMissing for a version that was
    deleted since.
    """
    from noria.serving.log import LogReader, log_path

    record = LogReader(log_path(ws)).find(prediction)
    if record is None:
        raise NotFound("prediction", prediction, hint="the log of this workspace's data plane does not have it")
    walk = registry.lineage(ws, record.model, record.version)
    shown: dict[str, Any] = msgspec.to_builtins(record)
    return {"prediction": shown, "lineage": walk}


def promote(ws: Workspace, model: str, number: int, *, reason: str, force: bool = False) -> Version:
    """Put a version into production and route every request to it; a running rollout ends.

    Raises NotFound, NotPromotable.
    """
    if running := rollouts.current(ws, model):
        rollouts.abort(ws, running, f"version {number} was promoted by hand")
    with ws.database.transaction() as connection:
        version = registry.promote(ws, model, number, reason=reason, force=force, connection=connection)
        serving.set_routing(ws, connection, Routing(model, champion=number))
    return version


def rollback(ws: Workspace, model: str, *, reason: str) -> Version:
    """End a running rollout, or return to the version that was in production before. Raises NotFound."""
    if running := rollouts.current(ws, model):
        rollouts.abort(ws, running, reason)
        return registry.get_version(ws, model, running.champion)
    before = registry.alias(ws, model)
    if before is None:
        raise BadInput(f"{model} has nothing in production", hint="promote a version first")
    with ws.database.transaction() as connection:
        version = registry.rollback(ws, model, reason=reason, connection=connection)
        serving.set_routing(ws, connection, Routing(model, champion=version.number))
    return version


def newest_measurements(ws: Workspace, model: str) -> list[Measurement]:
    """The newest measurement of each monitor and feature of a model, the largest against its threshold first."""
    newest = {(one.kind, one.subject): one for one in monitoring.measurements(ws, model)}
    return sorted(newest.values(), key=lambda one: -(one.value or 0) / (one.threshold or 1))


def _status(ws: Workspace, model: str) -> ModelStatus:
    version = registry.alias(ws, model)
    running = rollouts.current(ws, model)
    alarms = [one.subject for one in newest_measurements(ws, model) if one.state is MonitorState.ALARM]
    last = ws.journal.read(subject=f"model:{model}", newest_first=True, limit=1)
    return ModelStatus(
        model,
        f"version {version.number}" if version else "none",
        f"version {running.challenger}, stage {running.stage + 1}" if running else "none",
        f"{len(alarms)} alarms: {', '.join(alarms[:3])}" if alarms else "quiet",
        last[0].kind if last else "",
    )
