"""One version of a model, asked for by its number or its role, whatever the routing says."""

from __future__ import annotations

from noria.serving.contracts.model import UnknownVersion
from noria.serving.lineup import Board, Lineup
from noria.serving.model import Routing

ROLES = ("champion", "challenger")


def lineup_of(board: Board, model: str, version: str | None = None) -> Lineup:
    """The lineup of a model; of one version alone when `version` is the number or the role of one in memory.

    A version that is asked for by name answers outside the rollout: nothing is compared and nothing counted for it.
    Raises UnknownModel, NotReady, UnknownVersion.
    """
    lineup = board.lineup(model)
    if version is None:
        return lineup
    for role, loaded in zip(ROLES, lineup.versions, strict=False):
        if version in (str(loaded.number), role):
            routing = Routing(model, loaded.number, revision=lineup.routing.revision)
            return Lineup(routing, loaded, trouble=lineup.trouble)
    known = [str(one.number) for one in lineup.versions]
    raise UnknownVersion(
        f"version of {model!r} in memory", version[:80], known, hint="a version is loaded when the routing names it"
    )
