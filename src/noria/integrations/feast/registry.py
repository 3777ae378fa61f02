"""Finding and reading a Feast registry: what `feast apply` wrote, and not the Python files it was told.

The files are a program: what they declare is known only by running them, with Feast and whatever else they
import. The registry is what Feast itself understood, types inferred, defaults filled in; reading it runs
nobody's code and needs no Feast. It is one protobuf message (`registry_type: file`), or rows of such messages
in a database (`registry_type: sql`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from noria.config.environment import environment
from noria.core.errors import BadInput, NotFound
from noria.integrations.feast import messages
from noria.integrations.feast.model import Repository
from noria.integrations.wire import Torn

CONFIGURATION = "feature_store.yaml"
_DEFAULT = "data/registry.db"
_LARGEST = 256 << 20
_VARIABLE = re.compile(r"\$\{(\w+)(?::([^}]*))?\}|\$(\w+)")
_ENTITIES, _PLAIN, _SERVICES, _STREAMS = "entities", "feature_views", "feature_services", "stream_feature_views"
_FILE_FIELDS = {_ENTITIES: 1, _PLAIN: 6, _SERVICES: 7, _STREAMS: 14}
_OTHERS = {
    "on_demand_feature_views": (8, "on-demand feature view"), "label_views": (19, "label view"),
    "saved_datasets": (11, "saved dataset"), "validation_references": (13, "validation reference"),
    "permissions": (16, "permission"),
}  # fmt: skip
_TABLES = {
    _ENTITIES: ("entities", "entity_proto"), _PLAIN: ("feature_views", "feature_view_proto"),
    _SERVICES: ("feature_services", "feature_service_proto"),
    _STREAMS: ("stream_feature_views", "feature_view_proto"),
    "on_demand_feature_views": ("on_demand_feature_views", "feature_view_proto"),
    "label_views": ("label_views", "feature_view_proto"), "saved_datasets": ("saved_datasets", "saved_dataset_proto"),
    "validation_references": ("validation_references", "validation_reference_proto"),
    "permissions": ("permissions", "permission_proto"),
}  # fmt: skip

Kept = dict[str, list[bytes]]
"""The messages of a registry by kind."""


class NoRegistry(NotFound):
    """A Feast repository without a registry that can be read from here."""

    code = "N9021"


class BrokenRegistry(BadInput):
    """A Feast configuration or registry that is not what Feast writes."""

    code = "N9022"


@dataclass(frozen=True)
class Place:
    """A Feast repository: its folder, its project's name (empty: whichever the registry has), its registry."""

    root: Path
    project: str
    registry: str
    is_sql: bool = False


def recognises(source: str) -> bool:
    """A folder with a `feature_store.yaml`, or that file itself."""
    path = Path(source)
    return path.name == CONFIGURATION or (path / CONFIGURATION).is_file()


def locate(source: str | Path, registry: str = "") -> Place:
    """Where a repository keeps its registry; `registry` says so instead of its configuration.

    Raises NotFound for a folder that is none, BrokenRegistry for a configuration that cannot be read.
    """
    path = Path(source)
    file = path if path.is_file() else path / CONFIGURATION
    if not file.is_file():
        raise NotFound(
            "Feast repository", str(path), hint=f"name the folder that {CONFIGURATION} lies in (often feature_repo)"
        )
    told = _configuration(file)
    said = told.get("registry", _DEFAULT)
    options = said if isinstance(said, dict) else {"path": said}
    kind, place = str(options.get("registry_type", "file")), registry or str(options.get("path") or _DEFAULT)
    if kind not in ("file", "sql") and not registry:
        raise NoRegistry(
            "registry that can be read", kind, hint="write it to a file with Feast, and name that with --registry"
        )
    is_sql = "://" in place and not place.startswith(("s3://", "gs://", "file://", "http"))
    return Place(file.parent.resolve(), str(told.get("project", "")), place, is_sql)


def read(place: Place) -> Repository:
    """Everything the registry says of the project. Raises NoRegistry, BrokenRegistry."""
    kept = _from_database(place) if place.is_sql else _from_file(place)
    try:
        mine = {kind: [one for one in found if _is_of(place, kind, one)] for kind, found in kept.items()}
        others = [(name, messages.name_of(one)) for kind, (_, name) in _OTHERS.items() for one in mine[kind]]
        views = [messages.feature_view(one) for one in mine[_PLAIN]]
        views += [messages.stream_view(one) for one in mine[_STREAMS]]
        return Repository(
            project=place.project or _only_project(kept),
            entities=tuple(messages.entity(one) for one in mine[_ENTITIES]),
            views=tuple(sorted(views, key=lambda one: one.name)),
            services=tuple(messages.service(one) for one in mine[_SERVICES]),
            others=tuple(others),
        )
    except Torn as error:
        raise _broken(place, str(error)) from error


def _configuration(file: Path) -> dict[str, Any]:
    """The YAML with `${VARIABLE}` and `${VARIABLE:default}` filled in from the environment, as Feast does."""
    known = environment()
    try:
        written = _VARIABLE.sub(lambda one: _filled(one, known), file.read_text(encoding="utf-8"))
        told = yaml.safe_load(written)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BrokenRegistry(f"{file} is no YAML: {error}") from error
    if not isinstance(told, dict):
        raise BrokenRegistry(f"{file} does not say what a Feast configuration says", hint="is it the right file?")
    return told


def _filled(found: re.Match[str], known: Mapping[str, str]) -> str:
    name = found[1] or found[3]
    value = known.get(name, found[2])
    return found[0] if value is None else value


def _from_file(place: Place) -> Kept:
    if "://" in place.registry and not place.registry.startswith("file://"):
        raise NoRegistry(
            "registry on this machine", place.registry, hint="fetch that file, and name it with --registry FILE"
        )
    path = place.root / place.registry.removeprefix("file://")
    if not path.is_file():
        raise NoRegistry(
            "registry", str(path), hint=f"`feast apply` in {place.root} writes it; or name one with --registry"
        )
    if path.stat().st_size > _LARGEST:
        raise BrokenRegistry(f"{path} has {path.stat().st_size:,} bytes; no registry is that large")
    try:
        whole = messages.message(path.read_bytes())
        numbers = {**_FILE_FIELDS, **{kind: number for kind, (number, _) in _OTHERS.items()}}
        return {
            kind: [one for one in whole.get(number, []) if isinstance(one, bytes)] for kind, number in numbers.items()
        }
    except Torn as error:
        raise _broken(place, str(error)) from error


def _from_database(place: Place) -> Kept:
    """Rows of Feast's SQL registry. A relative SQLite path is relative to the repository."""
    url = sa.make_url(place.registry)
    if url.get_backend_name() == "sqlite" and url.database:
        path = place.root / url.database
        if not path.is_file():
            raise NoRegistry("registry", str(path), hint=f"`feast apply` in {place.root} writes it")
        url = sa.make_url(f"sqlite:///file:{path}?mode=ro&uri=true")
    elif url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    try:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            return {kind: list(_rows(connection, *table)) for kind, table in _TABLES.items()}
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise _broken(place, str(error)) from error


def _rows(connection: sa.Connection, name: str, column: str) -> Iterator[bytes]:
    if sa.inspect(connection).has_table(name):
        table = sa.table(name, sa.column(column, sa.LargeBinary))
        yield from (bytes(one) for one in connection.execute(sa.select(table.c[column])).scalars())


def _is_of(place: Place, kind: str, one: bytes) -> bool:
    project = messages.project_of(one, 9 if kind == _ENTITIES else 2)
    return not place.project or not project or project == place.project


def _only_project(kept: Kept) -> str:
    """The one project of a registry whose configuration does not say which is meant."""
    found = {messages.project_of(one, 2) for one in kept[_PLAIN]} - {""}
    if len(found) > 1:
        raise BrokenRegistry(f"the registry has several projects: {', '.join(sorted(found))}", hint="say `project:`")
    return next(iter(found), "feast")


def _broken(place: Place, why: str) -> BrokenRegistry:
    shown = re.sub(r"//[^@/]*@", "//***@", place.registry)
    return BrokenRegistry(f"{shown} is no registry that Feast wrote: {why}", hint="write it again with `feast apply`")
