"""Where data versions keep things: `.noria/data/objects`, and for each working tree `.noria/data/trees/...`."""

from __future__ import annotations

from pathlib import Path

from noria.data.versions.objects import ObjectStore
from noria.workspace.workspace import Workspace


def object_store(ws: Workspace) -> ObjectStore:
    """The workspace's objects."""
    return ObjectStore(ws.settings.home / "data" / "objects")


def trees_folder(ws: Workspace) -> Path:
    """A folder with one folder for each working tree."""
    return ws.settings.home / "data" / "trees"


def used_folder(ws: Workspace) -> Path:
    """Where checkouts are made for runs that name no folder."""
    return ws.settings.home / "data" / "used"
