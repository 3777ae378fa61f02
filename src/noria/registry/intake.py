"""Taking a foreign registered model in: its versions, tags, aliases and stages, exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from noria.core.errors import BadInput, NoriaError, NotFound
from noria.registry import aliases, model_versions, registered_models
from noria.registry.model import RegisteredModel
from noria.tracking.fitting import Fitted
from noria.tracking.intake import run_id_of
from noria.tracking.runs import get_run
from noria.tracking.transfer import ForeignModel, ForeignVersion
from noria.workspace.workspace import Workspace

VERSION_ORIGIN = "noria.origin"
"""The tag of a version that says which one it was."""
_GAPS = 1000
_REASON = "imported"


@dataclass
class ModelTaken:
    """What taking in a model did: the numbers of its new versions, and what is not as it was."""

    name: str
    new: bool
    versions: list[int]
    notes: list[str]


def take_in_model(ws: Workspace, model: ForeignModel) -> ModelTaken:
    """Register a model and those of its versions that are not here. Runs it names should be taken in before.

    In a model that is new here versions keep their numbers: one that was deleted there is deleted here. In one that
    is here already they get the next numbers. An alias that points somewhere here stays there.
    """
    notes: list[str] = []
    here, new = _model(ws, model, notes)
    known = {origin: number for number, origin in _origins(ws, here)}
    taken = ModelTaken(model.name, new, [], notes)
    numbers: dict[int, int] = {}
    for version in sorted(model.versions, key=lambda one: one.number):
        origin = f"{model.origin}/{version.number}@{version.created or 0}"
        if origin in known:
            numbers[version.number] = known[origin]
            continue
        try:
            if new:
                _fill(ws, model.name, version.number)
            numbers[version.number] = _version(ws, model.name, version, origin, notes)
            taken.versions.append(numbers[version.number])
        except NoriaError as error:
            notes.append(f"version {version.number} was left out: {error.message}")
    moved = {there: number for there, number in numbers.items() if there != number}
    if moved:
        notes.append("versions have other numbers here: " + ", ".join(f"{a} is {b}" for a, b in moved.items()))
    _point(ws, model, here, numbers, notes)
    return taken


def _model(ws: Workspace, model: ForeignModel, notes: list[str]) -> tuple[RegisteredModel, bool]:
    try:
        return registered_models.get_model(ws, model.name), False
    except NotFound:
        fitted = Fitted()
        tags, text = fitted.tags(model.tags), model.description or None
        made = registered_models.create_model(ws, model.name, tags=tags, description=text)
        notes.extend(fitted.notes())
        return made, True


def _origins(ws: Workspace, model: RegisteredModel) -> list[tuple[int, str]]:
    """(number, origin) of the versions that came from elsewhere."""
    from noria.registry.operations import list_versions

    return [
        (one.number, one.tags[VERSION_ORIGIN]) for one in list_versions(ws, model.name) if VERSION_ORIGIN in one.tags
    ]


def _fill(ws: Workspace, model: str, wanted: int) -> None:
    """Use up the numbers before `wanted` that no version has: they were deleted where the model comes from."""
    with ws.database.reading() as connection:
        following = model_versions.next_number(connection, model)
    if wanted - following > _GAPS:
        raise BadInput(f"{wanted - following} versions before it are missing; the number is not kept")
    for _ in range(following, wanted):
        gone = model_versions.create_version(ws, model, "deleted:", description="deleted where it came from")
        model_versions.delete_version(ws, model, gone.number)


def _version(ws: Workspace, model: str, version: ForeignVersion, origin: str, notes: list[str]) -> int:
    fitted = Fitted()
    run = run_id_of(ws, version.run, version.run.removeprefix("mlflow:")) if version.run else None
    source, logged = _source(ws, version, run)
    made = model_versions.create_version(
        ws, model, source, run=run, tags=fitted.tags(version.tags) | {VERSION_ORIGIN: origin},
        description=version.description or None, logged_model=logged,
    )  # fmt: skip
    notes.extend(fitted.notes())
    if version.stage and version.stage != "None":
        try:
            model_versions.transition_stage(ws, model, made.number, version.stage, reason=_REASON)
        except NoriaError as error:
            notes.append(f"version {made.number} is not {version.stage}: {error.message}")
    return made.number


def _source(ws: Workspace, version: ForeignVersion, run: str | None) -> tuple[str, str | None]:
    """Where a version's files are now, and its logged model, if it has one.

    What lay below its run's artifacts lies below those of the run here; anything else is said as it was.
    """
    parts = urlsplit(version.source)
    if parts.scheme == "models" and parts.path.strip("/").startswith("m-"):
        return version.source, parts.path.strip("/")
    there = (version.run or "").removeprefix("mlflow:")
    _, found, rest = version.source.partition(f"/{there}/artifacts/")
    if run and there and found:
        try:
            return f"{get_run(ws, run).artifact_root}/{rest}", None
        except NotFound:
            return version.source, None
    return version.source, None


def _point(
    ws: Workspace, model: ForeignModel, here: RegisteredModel, numbers: dict[int, int], notes: list[str]
) -> None:
    for alias, there in model.aliases.items():
        standing = here.aliases.get(alias)
        if there not in numbers:
            notes.append(f"alias {alias} points at version {there}, which did not come")
        elif standing is None:
            try:
                aliases.set_alias(ws, model.name, alias, numbers[there], reason=_REASON)
            except NoriaError as error:
                notes.append(f"alias {alias} was not set: {error.message}")
        elif standing != numbers[there]:
            notes.append(f"alias {alias} points at version {standing} here, and stays")
