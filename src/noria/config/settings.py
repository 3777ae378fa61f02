"""Where a workspace keeps its things: the `[workspace]` table of the TOML file, overridden by the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOME = ".noria"
"""The folder beside the project file that holds everything by default."""


@dataclass(frozen=True)
class Settings:
    """Places and names, as typed values.

    `database` is a URL of SQLite or PostgreSQL, `artifacts` and `online` are folders, `actor` is who acts
    (written into every journal entry).
    """

    home: Path
    database: str
    artifacts: Path
    online: Path
    actor: str = "local"


def settings_for(root: Path, table: Mapping[str, str], environment: Mapping[str, str]) -> Settings:
    """Settings of the project in folder `root`.

    `table` is `[workspace]` of its TOML file; `NORIA_DATABASE`, `NORIA_ARTIFACTS`, `NORIA_ONLINE` and
    `NORIA_ACTOR` in `environment` win over it.
    """
    home = root.resolve() / HOME

    def choose(name: str, default: str) -> str:
        return environment.get(f"NORIA_{name.upper()}") or table.get(name) or default

    return Settings(
        home=home,
        database=choose("database", f"sqlite:///{home / 'noria.db'}"),
        artifacts=Path(choose("artifacts", str(home / "blobs"))),
        online=Path(choose("online", str(home / "online"))),
        actor=choose("actor", environment.get("USER") or "local"),
    )
