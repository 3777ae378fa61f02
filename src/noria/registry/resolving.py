"""From the name of a version, in any of the forms that `uri` reads, to the version: today's, or the one of a moment."""

from __future__ import annotations

from noria.registry import history, moves, reading
from noria.registry.model import Version
from noria.registry.names import (
    LATEST,
    AliasMissing,
    ModelMissing,
    VersionMissing,
    check_alias,
    check_model_name,
    check_number,
)
from noria.registry.stages import canonical_stage, shown
from noria.registry.uri import BadReference, Reference, parse
from noria.workspace.workspace import Workspace


class NotThen(VersionMissing):
    """Nothing was there at that moment, or what was there has been deleted since."""

    code = "N5042"


def resolve(ws: Workspace, text: str) -> Version:
    """The version that a text names.

    With `?at=` an alias or stage is read as it was then; the version itself is given as it is today. Raises
    BadReference, ModelMissing, AliasMissing, VersionMissing, NotThen, UnknownStage.
    """
    return find(ws, parse(text))


def find(ws: Workspace, named: Reference) -> Version:
    """The version that a reference names. Raises as `resolve` does."""
    if named.logged_model is not None:
        raise BadReference(f"models:/{named.logged_model}", "a logged model was not registered, so it has no version")
    check_model_name(named.model)
    if named.alias is not None:
        check_alias(named.alias)
    number = check_number(named.number) if named.number is not None else None
    if named.at is not None:
        return _then(ws, named, number)
    with ws.database.reading() as connection:
        if not reading.models_by_name(connection, [named.model]):
            raise ModelMissing(named.model, reading.all_names(connection))
        model = named.model
        if number is not None:
            return reading.get_version(connection, model, number)
        if named.alias is not None and named.alias.lower() != LATEST:
            pointed = moves.pointed_at(connection, model, named.alias)
            if pointed is None:
                known = reading.get_model(connection, model).aliases
                raise AliasMissing(model, named.alias, sorted(known))
            return reading.get_version(connection, model, pointed)
        latest = reading.get_model(connection, model).latest
    wanted = None if named.stage is None else canonical_stage(named.stage)
    standing = [one for one in latest if wanted is None or shown(one.stage) == wanted]
    if not standing:
        raise VersionMissing(model, f"in {wanted}" if wanted else LATEST)
    return max(standing, key=lambda one: one.number)


def _then(ws: Workspace, named: Reference, number: int | None) -> Version:
    """What a reference meant at its moment. The model may have another name today."""
    at = named.at or 0
    standing = history.stages_at(ws, named.model, at)
    if named.alias is not None and named.alias.lower() != LATEST:
        found, what = history.alias_at(ws, named.model, named.alias, at), f"@{named.alias}"
    elif named.stage is not None:
        wanted = canonical_stage(named.stage)
        found = max((one for one, stage in standing.items() if shown(stage) == wanted), default=None)
        what = f"in {wanted}"
    elif number is not None:
        found, what = (number if number in standing else None), str(number)
    else:
        found, what = max(standing, default=None), LATEST
    if found is None:
        raise NotThen(named.model, f"{what} at that moment")
    with ws.database.reading() as connection:
        present = history.name_today(connection, named.model, at)
        if present is None or found not in reading.numbers(connection, present):
            raise NotThen(named.model, f"{found} (it was {what}, and was deleted since)")
        return reading.get_version(connection, present, found)
