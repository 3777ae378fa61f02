"""The journal: what happened, in the past tense, in order, and provably unaltered.

Every change of state appends a `Fact` in the very transaction that makes the change, so the two can never
disagree. Each entry carries the hash of the one before it; `verify` recomputes the chain. Audit log,
timeline, alias history and notifications are views of this table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from noria.core.clock import Clock, Micros
from noria.core.digest import canonical, digest_bytes
from noria.core.errors import Corrupt
from noria.stores.database import Database, metadata

GENESIS = "0" * 64
"""What the first entry names as the hash before it."""

_LOCK = 0x6E6F726961  # "noria": one writer of the chain at a time on PostgreSQL; SQLite has only one anyway

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(64), nullable=False, index=True),
    sa.Column("subject", sa.String(255), nullable=False, index=True),
    sa.Column("actor", sa.String(255), nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

_NEWEST = sa.select(journal.c.seq, journal.c.hash).order_by(journal.c.seq.desc()).limit(1)


@dataclass(frozen=True)
class Fact:
    """Something that happened: `kind` in the past tense (`VersionPromoted`), about `subject`."""

    kind: str
    subject: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Anchor:
    """Where the chain stood: the number of its newest entry, and that one's hash."""

    seq: int
    hash: str


@dataclass(frozen=True)
class Entry:
    """A fact as the journal keeps it: numbered, dated, signed by an actor, chained to the one before."""

    seq: int
    at: Micros
    kind: str
    subject: str
    actor: str
    data: Mapping[str, Any]
    previous: str
    hash: str


class Journal:
    """Two verbs, `append` and `read`, and the proof, `verify`.

    What the proof can say by itself: no entry was edited, reordered, put in or taken out before the newest one.
    What it cannot: whether newest entries were cut off, or the whole chain was written anew by somebody with
    access to the database. For that, keep an `anchor` somewhere else and hand it to `verify` later.
    """

    def __init__(self, database: Database, clock: Clock, actor: str) -> None:
        self._database = database
        self._clock = clock
        self._actor = actor

    def append(self, connection: sa.Connection, *facts: Fact) -> int:
        """Write facts inside the caller's transaction; gives the last one's number."""
        if not self._database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        row = connection.execute(_NEWEST).one_or_none()
        seq, previous = (row.seq, row.hash) if row else (0, GENESIS)
        for fact in facts:
            seq += 1
            entry = {
                "seq": seq, "at": self._clock.now(), "kind": fact.kind, "subject": fact.subject,
                "actor": self._actor, "data": canonical(fact.data), "previous": previous,
            }  # fmt: skip
            previous = chain_hash(entry)
            connection.execute(sa.insert(journal).values(**entry, hash=previous))
        return seq

    def read(
        self,
        after: int = 0,
        *,
        kinds: Sequence[str] = (),
        subject: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Entry]:
        """Entries numbered above `after`, oldest first unless asked otherwise."""
        query = sa.select(journal).where(journal.c.seq > after)
        if kinds:
            query = query.where(journal.c.kind.in_(kinds))
        if subject is not None:
            query = query.where(journal.c.subject == subject)
        query = query.order_by(journal.c.seq.desc() if newest_first else journal.c.seq).limit(limit)
        with self._database.reading() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def anchor(self) -> Anchor:
        """The newest entry's number and hash: kept elsewhere, they prove later that nothing up to it has changed."""
        with self._database.reading() as connection:
            row = connection.execute(_NEWEST).one_or_none()
        return Anchor(row.seq, row.hash) if row else Anchor(0, GENESIS)

    def verify(self, anchor: Anchor | None = None) -> int:
        """Recompute the whole chain; gives the number of entries.

        Raises Corrupt, naming the first entry that was altered, removed or put in, or when the journal does
        not hold the entry that `anchor` was taken from.
        """
        anchor = anchor or Anchor(0, GENESIS)
        previous, count = GENESIS, 0
        for row in self._rows():
            count += 1
            stored = {name: row[name] for name in ("seq", "at", "kind", "subject", "actor", "data", "previous")}
            if row["seq"] != count or row["previous"] != previous or chain_hash(stored) != row["hash"]:
                raise Corrupt(
                    f"the journal was altered at entry {row['seq']} ({row['kind']} of {row['subject']})",
                    hint="compare with a backup; entries before this one are intact",
                )
            previous = row["hash"]
            if count == anchor.seq and previous != anchor.hash:
                said = f"the journal was written anew: entry {count} is not the one the anchor was taken from"
                raise Corrupt(said, hint="compare with a backup")
        if count < anchor.seq:
            said = f"the journal was cut off after entry {count}; it had {anchor.seq} when the anchor was taken"
            raise Corrupt(said, hint="compare with a backup")
        return count

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        with self._database.reading() as connection:
            reading = connection.execution_options(yield_per=1000)  # a journal may be longer than memory
            for row in reading.execute(sa.select(journal).order_by(journal.c.seq)):
                yield row._asdict()


def chain_hash(entry: Mapping[str, Any]) -> str:
    """The hash of an entry without its own `hash`, the previous one's included."""
    return digest_bytes(canonical(dict(entry)).encode())


def _entry(row: sa.Row[Any]) -> Entry:
    values = dict(row._mapping)
    return Entry(**{**values, "data": json.loads(values["data"])})
