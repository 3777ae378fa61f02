"""Feature views seen whole: what each version means, who reads it, what it held, and from which data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from noria.core.clock import Micros
from noria.data import snapshot
from noria.features.registry.model import ViewFigures, ViewVersion
from noria.features.registry.reading import view_figures_of, view_history
from noria.registry.views_used import ViewUse, view_uses
from noria.workspace.workspace import Workspace


@dataclass(frozen=True)
class ViewStanding:
    """One version of a view and everything known of it.

    `state` is served (a version of a model that answers requests reads it), kept (only others read it, which
    may be returned to), declared (the current definition, which no model reads yet) or unused. `figures` are the
    newest of each model's turn. `age` is how long ago, in microseconds, the newest event of its source happened
    that any turn saw.
    """

    version: ViewVersion
    state: str
    uses: tuple[ViewUse, ...]
    figures: tuple[ViewFigures, ...]
    newest_event: Micros | None
    age: Micros | None


def view_standings(ws: Workspace, name: str = "") -> list[ViewStanding]:
    """Every version of one view or of all, by name and number. Raises NotFound for a view never recorded."""
    history = view_history(ws, name)
    if not history:
        return []
    uses, figures, now = view_uses(ws, view=name), view_figures_of(ws, name), ws.clock.now()
    return [
        _standing(
            one,
            [use for use in uses if (use.view, use.digest) == (one.view, one.digest)],
            [seen for seen in figures if (seen.view, seen.number) == (one.view, one.number)],
            now,
        )
        for one in history
    ]


def view_lineage(ws: Workspace, name: str) -> dict[str, Any]:
    """From a view down to files and up to models, as JSON. Raises NotFound.

    For each version: its source, each snapshot of that source which a model's version was trained on (with the
    files, where the snapshot is still known) or a turn looked at, and the models' versions themselves.
    """
    return {"view": name, "versions": [_walk(ws, one) for one in view_standings(ws, name)]}


def _standing(
    version: ViewVersion, uses: Sequence[ViewUse], figures: Sequence[ViewFigures], now: Micros
) -> ViewStanding:
    newest = max((one.newest_event for one in figures if one.newest_event is not None), default=None)
    age = None if newest is None else max(0, now - newest)
    return ViewStanding(version, _state(version, uses), tuple(uses), tuple(figures), newest, age)


def _state(version: ViewVersion, uses: Sequence[ViewUse]) -> str:
    if any(use.served for use in uses):
        return "served"
    if uses:
        return "kept"
    return "declared" if version.current else "unused"


def _walk(ws: Workspace, standing: ViewStanding) -> dict[str, Any]:
    trained = [use.snapshot for use in standing.uses if use.snapshot]
    digests = dict.fromkeys([*trained, *(one.snapshot for one in standing.figures)])
    return {
        "version": standing.version.number,
        "digest": standing.version.digest,
        "current": standing.version.current,
        "state": standing.state,
        "models": [
            {"model": use.model, "version": use.version, "stage": use.stage, "snapshot": use.snapshot}
            for use in standing.uses
        ],
        "source": standing.version.source,
        "snapshots": {name: _files(ws, name) for name in digests},
    }


def _files(ws: Workspace, name: str) -> dict[str, Any]:
    taken = snapshot.get(ws, name)
    if taken is None:
        return {"known": False}
    files = {file.name: file.digest for file in taken.files}
    return {"known": True, "as_of": taken.as_of, "rows": taken.rows, "files": files}
