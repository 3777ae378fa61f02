"""Noria's own runs in the neutral currency, for an exporter to write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from noria.core.errors import NotFound
from noria.tracking import artifacts, history, logged_models, runs
from noria.tracking.experiments import experiments_by_key
from noria.tracking.intake import ORIGIN, PARENT, PARENT_ORIGIN
from noria.tracking.model import Artifact, Run
from noria.tracking.transfer import ForeignFile, ForeignLoggedModel, ForeignRun, Series
from noria.workspace.workspace import Workspace

_PAGE = 50_000


def give_out(ws: Workspace, found: Sequence[Run]) -> Iterator[ForeignRun]:
    """Each run as a foreign one, parents before their children. A run that came from elsewhere keeps its origin."""
    by_id = {run.id: run for run in found}
    names = {one.key: one for one in experiments_by_key(ws, sorted({run.experiment for run in found}))}
    for run in sorted(found, key=lambda run: (_depth(run, by_id), run.started or 0, run.key)):
        experiment = names[run.experiment]
        parent = run.tags.get(PARENT)
        yield ForeignRun(
            origin=origin_of(run),
            experiment=experiment.name,
            name=run.name,
            state=run.state,
            started=run.started,
            ended=run.ended,
            user=run.actor,
            params=run.params,
            tags={name: value for name, value in run.tags.items() if name not in (ORIGIN, PARENT_ORIGIN)},
            series=_series(ws, run),
            artifacts=files(ws, run.artifact_root),
            parent=run.tags.get(PARENT_ORIGIN) or (_origin(ws, parent) if parent else None),
            id=run.id,
            datasets=run.datasets,
            models=_models(ws, run),
            models_in=run.models_in,
            models_out=run.models_out,
            experiment_tags=experiment.tags,
        )


def origin_of(run: Run) -> str:
    """Where a run came from: here, when nothing else is said."""
    return run.tags.get(ORIGIN) or f"noria:{run.id}"


def files(ws: Workspace, root: str) -> Iterator[ForeignFile]:
    """Every file below an artifact root; none when it lies outside of Noria's own tree."""
    place = root.removeprefix("mlflow-artifacts:/")
    if place == root:
        return
    for one in _below(ws, place, ""):
        yield ForeignFile(one.path, Path(ws.blobs.path(one.digest or "")))


def _below(ws: Workspace, root: str, folder: str) -> Iterator[Artifact]:
    for one in artifacts.list_artifacts(ws, root, folder):
        if one.digest is None:
            yield from _below(ws, root, one.path)
        else:
            yield one


def _depth(run: Run, by_id: dict[str, Run], most: int = 50) -> int:
    parent = by_id.get(run.tags.get(PARENT, ""))
    return 0 if parent is None or most == 0 else 1 + _depth(parent, by_id, most - 1)


def _origin(ws: Workspace, run: str) -> str:
    try:
        return origin_of(runs.get_run(ws, run))
    except NotFound:
        return f"noria:{run}"


def _series(ws: Workspace, run: Run) -> Iterator[Series]:
    for name in history.names(ws, run.id):
        after: str | None = None
        while True:
            points, after = history.page(ws, run.id, name, limit=_PAGE, after=after)
            yield Series(name, points.step.tolist(), points.at.tolist(), points.value.tolist())
            if after is None:
                break


def _models(ws: Workspace, run: Run) -> Iterator[ForeignLoggedModel]:
    for link in run.models_out:
        try:
            model = logged_models.get_logged_model(ws, link.model)
        except NotFound:
            continue
        yield ForeignLoggedModel(
            id=model.id,
            name=model.name,
            kind=model.kind or "",
            state=model.state.upper(),
            params=model.params,
            tags=model.tags,
            files=files(ws, model.artifact_root),
        )
