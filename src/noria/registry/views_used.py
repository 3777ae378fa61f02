"""Which versions of models read which versions of feature views, and back.

What a version reads is written in its package and never changes; it is noted when the version is registered. Of
versions that came otherwise (a bundle, an older release) it is read from the package the first time somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from noria.core.errors import NoriaError
from noria.features.model import ViewSpec
from noria.features.registry.meaning import definition, meaning
from noria.optimization.operations import load_package
from noria.registry import reading
from noria.registry.model import Version
from noria.registry.tables import package_views, versions
from noria.workspace.workspace import Workspace

_AT_ONCE = 400
SERVED = ("production", "rollout")
"""The stages in which a version answers requests."""


@dataclass(frozen=True)
class ViewUse:
    """One version of a model reads one definition of a view, of which `digest` is the meaning's.

    `snapshot` is that of the view's source which the version was trained on.
    """

    model: str
    version: int
    stage: str
    view: str
    source: str
    digest: str
    snapshot: str | None

    @property
    def served(self) -> bool:
        """Whether that version answers requests now."""
        return self.stage in SERVED


def note_views(ws: Workspace, connection: sa.Connection, package: str, views: Iterable[ViewSpec]) -> None:
    """Write down what a package reads, inside the caller's transaction."""
    found = [(view.name, view.source, meaning(definition(view))) for view in views] or [("", "", "")]
    rows = [{"package": package, "view": name, "source": source, "digest": named} for name, source, named in found]
    ws.database.upsert(connection, package_views, rows, ["package", "view"])


def view_uses(ws: Workspace, *, view: str = "", model: str = "") -> list[ViewUse]:
    """Every use, of one view or by one model where that is said, by model, version and view.

    A version without a package (an MLflow client's) reads no view. One whose package is gone is left out.
    """
    with ws.database.reading() as connection:
        condition = [versions.c.model == model] if model else []
        found = [one for one in reading.versions_where(connection, *condition) if one.package]
        known = _noted(connection, found)
    known |= _learn(ws, {one.package for one in found} - known.keys())
    return [
        ViewUse(one.model, one.number, one.stage, name, source, named, one.lineage.snapshots.get(source))
        for one in found
        for name, source, named in sorted(known.get(one.package, ()))
        if name and (not view or name == view)
    ]


_Read = dict[str, list[tuple[str, str, str]]]


def _noted(connection: sa.Connection, found: Sequence[Version]) -> _Read:
    packages = sorted({one.package for one in found})
    noted: _Read = {}
    for start in range(0, len(packages), _AT_ONCE):
        query = sa.select(package_views).where(package_views.c.package.in_(packages[start : start + _AT_ONCE]))
        for row in connection.execute(query):
            noted.setdefault(row.package, []).append((row.view, row.source, row.digest))
    return noted


def _learn(ws: Workspace, packages: Iterable[str]) -> _Read:
    """Read packages that nobody looked into yet, and note what they read."""
    learnt: _Read = {}
    read: dict[str, tuple[ViewSpec, ...]] = {}
    for package in sorted(packages):
        try:
            read[package] = load_package(ws, package).inputs.views
        except (NoriaError, ValueError):
            continue  # gone, damaged, or of a release that wrote packages otherwise
        learnt[package] = [(view.name, view.source, meaning(definition(view))) for view in read[package]]
    if read:
        with ws.database.transaction() as connection:
            for package, views in read.items():
                note_views(ws, connection, package, views)
    return learnt
