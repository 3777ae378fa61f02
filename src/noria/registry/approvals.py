"""Who approves of a version and who rejects it: facts of the journal, of which each person's newest counts."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from noria.core.clock import Micros
from noria.core.errors import BadInput
from noria.registry import history, reading
from noria.registry.changes import changing, tell
from noria.registry.model import Version
from noria.registry.names import Number, check_model_name, check_number, check_text
from noria.workspace.workspace import Workspace

_KINDS = ("VersionApproved", "VersionRejected")
_LONGEST = 5000


@dataclass(frozen=True)
class Voice:
    """What one person last said of a version."""

    actor: str
    approves: bool
    reason: str
    at: Micros


def approve(ws: Workspace, model: str, number: Number, reason: str) -> list[Voice]:
    """Approve of a version as `ws.actor`; gives what everybody says of it. Raises VersionMissing, BadInput."""
    return _speak(ws, "VersionApproved", model, number, reason)


def reject(ws: Workspace, model: str, number: Number, reason: str) -> list[Voice]:
    """Reject a version as `ws.actor`; a policy that needs approvals refuses it until the same person approves."""
    return _speak(ws, "VersionRejected", model, number, reason)


def voices(ws: Workspace, model: str, number: Number) -> list[Voice]:
    """What everybody last said of a version. Raises VersionMissing."""
    check_model_name(model)
    with ws.database.reading() as connection:
        return standing(connection, reading.get_version(connection, model, check_number(number)))


def standing(connection: sa.Connection, version: Version) -> list[Voice]:
    """Each person's newest word on a version, the earliest first; what a bundle tells of elsewhere does not count."""
    said: dict[str, Voice] = {}
    for told in history.facts_of(connection, version.model, _KINDS):
        if told.data["version"] == version.number and not told.imported:
            said.pop(told.actor, None)
            said[told.actor] = Voice(told.actor, told.kind == "VersionApproved", told.data["reason"], told.at)
    return list(said.values())


def _speak(ws: Workspace, kind: str, model: str, number: Number, reason: str) -> list[Voice]:
    check_model_name(model)
    place = check_number(number)
    check_text("reason", reason, _LONGEST)
    if not reason.strip():
        raise BadInput("say why: an approval or rejection without a reason helps nobody")
    with changing(ws) as connection:
        version = reading.get_version(connection, model, place)
        facts = {"version": place, "reason": reason, "digest": version.model_digest}
        tell(ws, connection, kind, model, facts)
        return standing(connection, version)
