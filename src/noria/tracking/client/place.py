"""Where a program's spools lie, and where they go: the project it is run in, its settings, the environment."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from noria.config.environment import environment
from noria.config.settings import HOME
from noria.tracking.client.folder import writable

if TYPE_CHECKING:
    from noria.config.settings import Settings

OFFLINE = "offline"
"""Said instead of an address: keep everything in the spool."""

OWN = "workspace"
"""Said instead of an address: the database of the project that the spool lies in."""

_DECLARES = re.compile(rb"^\w+(\s*:[^=\n]+)?\s*=\s*(noria\.)?Project\(", re.MULTILINE)
_MOST_FILES = 100
_LARGEST = 1 << 20


@dataclass(frozen=True)
class Place:
    """`home` holds the spools; `root` is the project around, if there is one; `to` is what the caller asked for."""

    home: Path
    root: Path | None
    to: str = ""


def find_place(start: Path, to: str = "") -> Place:
    """The place for a program run in folder `start`.

    The home is that of the nearest project around it, else the folder's own; when nothing can be written there,
    that of the user.
    """
    root = next((folder for folder in (start, *_parents(start)) if is_project(folder)), None)
    home = (root or start) / HOME
    if not writable(home):
        home = Path.home() / HOME
    return Place(home, root, to)


def _parents(start: Path) -> Iterator[Path]:
    """The folders around one, up to the first that everybody may write to: there, a project could be anybody's."""
    for folder in start.parents:
        if folder.stat().st_mode & stat.S_IWOTH:
            return
        yield folder


def is_project(folder: Path) -> bool:
    """Whether a folder holds a project: its database, or the Python file that declares it."""
    try:
        if (folder / HOME / "noria.db").exists():
            return True
        files = sorted(folder.glob("*.py"))[:_MOST_FILES]
        return any(path.stat().st_size <= _LARGEST and _DECLARES.search(path.read_bytes()) for path in files)
    except OSError:
        return False


def project_settings(root: Path, given: Mapping[str, str] | None = None) -> Settings:
    """The settings of the project in `root`, from its TOML file and the environment, without importing it."""
    from noria.config.settings import settings_for
    from noria.config.toml import read_toml

    tables: list[Mapping[str, str]] = [read_toml(path).get("workspace", {}) for path in sorted(root.glob("*.toml"))]
    table = next((one for one in tables if one), {})
    return settings_for(root, table, environment() if given is None else given)
