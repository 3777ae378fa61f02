"""Rows of the registry as values: a handful of queries for any number of models or versions."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import sqlalchemy as sa

from noria.core.digest import canonical
from noria.registry.model import NO_LINEAGE, RegisteredModel, Version
from noria.registry.names import ModelMissing, VersionMissing
from noria.registry.stages import DELETED, shown
from noria.registry.tables import aliases, registered_model_tags, registered_models, version_tags, versions

_PACKAGED = ("package", "model_digest", "profile", "metrics", "evaluation", "gates", "lineage", "notes")
"""What of a version only Noria knows: the part of a row that is JSON."""
_AT_ONCE = 400
"""Keys in one query: SQLite and PostgreSQL both take that many in an IN."""
VISIBLE = versions.c.stage != DELETED


def get_version(connection: sa.Connection, model: str, number: int) -> Version:
    """One version that was not deleted. Raises VersionMissing."""
    found = versions_where(connection, versions.c.model == model, versions.c.number == number)
    if not found:
        raise VersionMissing(model, number, [str(one) for one in numbers(connection, model)])
    return found[0]


def versions_where(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[Version]:
    """The versions that meet conditions on `versions`, by model and number; never a deleted one."""
    query = sa.select(versions).where(VISIBLE, *conditions).order_by(versions.c.model, versions.c.number)
    return hydrated(connection, connection.execute(query).all())


def versions_by_key(connection: sa.Connection, keys: Sequence[tuple[str, int]]) -> list[Version]:
    """Versions in the order of their keys (model, number); one that is gone meanwhile is left out."""
    pair = sa.tuple_(versions.c.model, versions.c.number)
    rows = [
        row
        for part in _parts(keys)
        for row in connection.execute(sa.select(versions).where(VISIBLE, pair.in_(part)))
    ]  # fmt: skip
    found = {(one.model, one.number): one for one in hydrated(connection, rows)}
    return [found[key] for key in keys if key in found]


def hydrated(connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> list[Version]:
    """Rows of `versions` with their tags and aliases."""
    keys = [(row.model, row.number) for row in rows]
    tags = _version_tags(connection, keys)
    pointing = _pointing(connection, {model for model, _ in keys})
    return [_version(row, tags[key], pointing[key]) for row, key in zip(rows, keys, strict=True)]


def numbers(connection: sa.Connection, model: str) -> list[int]:
    """The numbers of a model's versions that were not deleted, ascending."""
    query = sa.select(versions.c.number).where(versions.c.model == model, VISIBLE).order_by(versions.c.number)
    return list(connection.execute(query).scalars())


def get_model(connection: sa.Connection, name: str) -> RegisteredModel:
    """One registered model. Raises ModelMissing."""
    found = models_by_name(connection, [name])
    if not found:
        raise ModelMissing(name)
    return found[0]


def all_names(connection: sa.Connection) -> list[str]:
    """Every registered model's name."""
    return list(connection.execute(sa.select(registered_models.c.name).order_by(registered_models.c.name)).scalars())


def must_exist(connection: sa.Connection, name: str) -> None:
    """Raises ModelMissing when there is no registered model of that name."""
    if connection.execute(sa.select(registered_models.c.name).where(registered_models.c.name == name)).first() is None:
        raise ModelMissing(name)


def models_by_name(connection: sa.Connection, names: Sequence[str]) -> list[RegisteredModel]:
    """Registered models in the order of their names as given; an unknown one is left out."""
    found: dict[str, RegisteredModel] = {}
    for part in _parts(names):
        rows = connection.execute(sa.select(registered_models).where(registered_models.c.name.in_(part))).all()
        tags, pointing, newest = _tags(connection, part), _aliases(connection, part), _latest(connection, part)
        for row in rows:
            found[row.name] = RegisteredModel(
                row.name, row.created, row.updated, row.description,
                tags[row.name], pointing[row.name], newest[row.name],
            )  # fmt: skip
    return [found[name] for name in names if name in found]


def packaged(version: Version) -> str:
    """What only Noria knows of a version, as the JSON that its row keeps."""
    return canonical({name: getattr(version, name) for name in _PACKAGED})


def _latest(connection: sa.Connection, names: Sequence[str]) -> defaultdict[str, list[Version]]:
    """Of each model the highest version of each of MLflow's stages, by the first version in that stage."""
    query = sa.select(versions.c.model, versions.c.number, versions.c.stage).where(versions.c.model.in_(names), VISIBLE)
    highest: dict[tuple[str, str], int] = {}
    for model, number, stage in connection.execute(query.order_by(versions.c.model, versions.c.number)):
        highest[model, shown(stage)] = number  # a key keeps the place of its first writing
    chosen = versions_by_key(connection, [(model, number) for (model, _), number in highest.items()])
    latest: defaultdict[str, list[Version]] = defaultdict(list)
    for one in chosen:
        latest[one.model].append(one)
    return latest


def _version(row: sa.Row[Any], tags: Mapping[str, str], pointing: Sequence[str]) -> Version:
    known = json.loads(row.value) if row.value else {}
    made = msgspec.convert(
        {"model": row.model, "number": row.number, "created": row.created, "stage": row.stage}
        | {name: known[name] for name in _PACKAGED if name in known},
        Version,
    )
    return replace(
        made, updated=row.updated, source=row.source, storage=row.storage, run=row.run, run_link=row.run_link,
        description=row.description, actor=row.actor, status=row.status, status_message=row.status_message,
        logged_model=row.logged_model, tags=tags, aliases=tuple(pointing),
        lineage=made.lineage if known else replace(NO_LINEAGE, run=row.run or ""),
    )  # fmt: skip


def _version_tags(connection: sa.Connection, keys: Sequence[tuple[str, int]]) -> defaultdict[Any, dict[str, str]]:
    tags: defaultdict[Any, dict[str, str]] = defaultdict(dict)
    pair = sa.tuple_(version_tags.c.model, version_tags.c.number)
    for part in _parts(keys):
        query = sa.select(version_tags).where(pair.in_(part)).order_by(version_tags.c.name)
        for row in connection.execute(query):
            tags[row.model, row.number][row.name] = row.value
    return tags


def _pointing(connection: sa.Connection, models: set[str]) -> defaultdict[Any, list[str]]:
    pointing: defaultdict[Any, list[str]] = defaultdict(list)
    for model, known in _aliases(connection, sorted(models)).items():
        for alias, number in known.items():
            pointing[model, number].append(alias)
    return pointing


def _aliases(connection: sa.Connection, models: Sequence[str]) -> defaultdict[str, dict[str, int]]:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for part in _parts(models):
        query = sa.select(aliases).where(aliases.c.model.in_(part)).order_by(aliases.c.model, aliases.c.alias)
        for row in connection.execute(query):
            found[row.model][row.alias] = row.version
    return found


def _tags(connection: sa.Connection, models: Sequence[str]) -> defaultdict[str, dict[str, str]]:
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    table = registered_model_tags
    for row in connection.execute(sa.select(table).where(table.c.model.in_(models)).order_by(table.c.name)):
        found[row.model][row.name] = row.value
    return found


def _parts(keys: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return [keys[place : place + _AT_ONCE] for place in range(0, len(keys), _AT_ONCE)]
