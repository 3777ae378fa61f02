"""Where a workspace keeps its things: the `[workspace]` table of the TOML file, overridden by the environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from noria.core.errors import Fault, FaultyInput
from noria.core.suggest import did_you_mean

HOME = ".noria"
"""The folder beside the project file that holds everything by default."""

NAMES = ("database", "artifacts", "online", "actor", "tracking_uri")
"""What may be set."""


@dataclass(frozen=True)
class Settings:
    """Places and names, as typed values.

    `database` is a URL of SQLite or PostgreSQL, `artifacts` is a folder, `online` a folder or the URL of a Redis
    server (`redis://user:password@host:6379/0`), `actor` is who acts (written into every journal entry).
    `tracking_uri` is the server that logged runs are sent to; empty: they go into `database`.
    """

    home: Path
    database: str
    artifacts: Path
    online: Path | str
    actor: str = "local"
    tracking_uri: str = ""


def settings_for(
    root: Path, table: Mapping[str, str], environment: Mapping[str, str], home: Path | None = None
) -> Settings:
    """Settings of the project in folder `root`, whose home is `.noria` there unless another one is given.

    `table` is `[workspace]` of its TOML file; `NORIA_DATABASE`, `NORIA_ARTIFACTS`, `NORIA_ONLINE`,
    `NORIA_ACTOR` and `NORIA_TRACKING_URI` in `environment` win over it; one that is empty counts as not given. A
    relative folder is taken from `root`. Raises FaultyInput with every setting that is unknown or no text.
    """
    if faults := list(_faults(table)):
        raise FaultyInput("the table [workspace]", faults)
    root = root.resolve()
    home = root / HOME if home is None else home.resolve()

    def choose(name: str, default: str) -> str:
        return environment.get(f"NORIA_{name.upper()}") or table.get(name) or default

    online = choose("online", str(home / "online"))
    return Settings(
        home=home,
        database=choose("database", f"sqlite:///{home / 'noria.db'}"),
        artifacts=root / choose("artifacts", str(home / "blobs")),
        online=online if "://" in online else root / online,
        actor=choose("actor", environment.get("USER") or "local"),
        tracking_uri=choose("tracking_uri", ""),
    )


def _faults(table: Mapping[str, object]) -> Iterator[Fault]:
    for name, value in table.items():
        if name not in NAMES:
            known = f"there are: {', '.join(NAMES)}"
            yield Fault(f"workspace.{name}", "there is no such setting", did_you_mean(name, NAMES) or known)
        elif not isinstance(value, str):
            yield Fault(f"workspace.{name}", f"{value!r} is no text", "write it in quotes")
