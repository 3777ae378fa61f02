"""A throw-away workspace: a temporary folder, a clock that stands still, every table there is."""

from __future__ import annotations

from pathlib import Path

from noria.config.settings import settings_for
from noria.core.clock import Clock, ManualClock, Micros
from noria.workspace.workspace import Workspace, open_workspace

NOON: Micros = 1_718_020_800_000_000
"""Noon of 10 June 2024, UTC: where the clock stands unless a test says otherwise."""


def make_workspace(path: Path, clock: Clock | None = None, database: str | None = None) -> Workspace:
    """A workspace on the folder `path`; on SQLite there unless `database` is the URL of another one."""
    table = {"database": database} if database else {}
    return open_workspace(path, settings_for(path, table, {}), clock or ManualClock(NOON))
