"""What ought to be served, by the database; and the last answer to that, on file for when the database is away."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from noria.core.digest import canonical
from noria.registry.model import PRODUCTION
from noria.registry.operations import numbers_of
from noria.serving.model import Routing, ServedModel
from noria.serving.operations import get_routings
from noria.workspace.workspace import Workspace

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LastKnown:
    """Routings by model, and the package digests of the versions they name (`MODEL/NUMBER`)."""

    routings: dict[str, Routing] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)


def wanted(ws: Workspace, models: Mapping[str, ServedModel]) -> dict[str, Routing]:
    """The routing of every model that has a version to serve, in two queries or three. Raises Unavailable."""
    routings = get_routings(ws)
    pointed = {name: numbers_of(ws, name) for name in {served.alias for served in models.values()}}
    found = {
        model: _wanted(model, routings.get(model) if served.alias == PRODUCTION else None, pointed[served.alias])
        for model, served in models.items()
    }
    return {model: routing for model, routing in found.items() if routing is not None}


def _wanted(model: str, routing: Routing | None, pointed: Mapping[str, int]) -> Routing | None:
    """During a rollout its stage; otherwise whatever the alias points at, also when it was moved by hand."""
    if routing is not None and routing.mode != "single":
        return routing
    number = pointed.get(model)
    if number is None or (routing is not None and routing.champion == number):
        return routing
    return Routing(model, champion=number, revision=routing.revision if routing else 0)


def read_last(path: Path) -> LastKnown:
    """What was last kept; nothing when there is no file, or when it is damaged."""
    try:
        return msgspec.convert(json.loads(path.read_bytes()), LastKnown)
    except FileNotFoundError:
        return LastKnown()
    except (ValueError, OSError, msgspec.ValidationError) as error:
        _log.warning("%s cannot be read and is left aside: %s", path, error)
        return LastKnown()


def keep_last(path: Path, last: LastKnown) -> None:
    """Keep it, atomically. A full disk is only logged: answering goes on without."""
    temporary = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w") as file:
            file.write(canonical(last))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        _log.warning("%s was not kept: %s", path, error)
