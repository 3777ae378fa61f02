"""The workspace: the one value that every operation takes first.

It carries what an operation may not fetch for itself: the clock, new ids, the settings, the stores, and who
is asking. A test builds one on a temporary folder with a `ManualClock`; nothing in Noria is global.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from noria.config.settings import Settings
from noria.core.clock import Clock, SystemClock
from noria.core.ids import Ids, TimeOrderedIds
from noria.stores.blobs import BlobStore, FileBlobStore
from noria.stores.database import Database
from noria.stores.journal import Journal
from noria.stores.online import OnlineStore
from noria.stores.online_lmdb import LmdbOnlineStore
from noria.stores.online_redis import RedisOnlineStore


@dataclass(frozen=True)
class Workspace:
    """Clock, ids, settings and stores of one project."""

    root: Path
    settings: Settings
    clock: Clock
    ids: Ids
    database: Database
    journal: Journal
    blobs: BlobStore

    @property
    def actor(self) -> str:
        """Who is asking."""
        return self.settings.actor

    def folder(self, name: str) -> Path:
        """A folder of the workspace's home, made when it is not there."""
        path = self.settings.home / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def online_store(self, name: str) -> OnlineStore:
        """The online store of that name, in a folder or at a URL; one process writes it at a time."""
        place = self.settings.online
        return LmdbOnlineStore(place / name) if isinstance(place, Path) else RedisOnlineStore(place, name)

    def close(self) -> None:
        """Return every connection."""
        self.database.close()


def open_workspace(root: Path, settings: Settings, clock: Clock | None = None) -> Workspace:
    """Open the workspace of the project in `root`, making its database when there is none.

    Raises Unavailable when the database does not answer.
    """
    clock = clock or SystemClock()
    database = Database(settings.database)
    database.migrate()
    return Workspace(
        root=root.resolve(),
        settings=settings,
        clock=clock,
        ids=TimeOrderedIds(clock),
        database=database,
        journal=Journal(database, clock, settings.actor),
        blobs=FileBlobStore(settings.artifacts),
    )
