"""What the data folder speaks of: sources, snapshots, checked parts, and what was found wrong with rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from noria.core.clock import Micros
from noria.core.errors import BadInput, Conflict
from noria.core.schema import Schema
from noria.core.units import Duration

INGESTED_AT = "ingested_at"
"""Optional column of every source: when the row could be known. Where a file lacks it, it is the event time."""


@dataclass(frozen=True)
class Location:
    """Where the rows of a source lie: files of a glob relative to the project, a query, or a Delta table.

    `path` is a glob of Parquet or CSV files. `query` is run by DuckDB (which can read other files) or, when
    `database` is a PostgreSQL URL, by that server. `delta` is a Delta table's folder, relative to the project, or its
    address, such as s3://lake/flights; `version` pins one of its versions (None: the newest one each time).
    """

    path: str | None = None
    query: str | None = None
    database: str | None = None
    delta: str | None = None
    version: int | None = None


@dataclass(frozen=True)
class SourceSpec:
    """A source of rows: its columns, and where they lie.

    `fresh_within`: the newest row must not be older than this when a snapshot is taken (None: not checked).
    `tolerate`: the largest share of bad rows with which a snapshot is still accepted.
    `suite`: where a suite lies that the good rows must satisfy (data/suites), relative to the project.
    """

    name: str
    schema: Schema
    location: Location
    fresh_within: Duration | None = None
    tolerate: float = 0.05
    suite: str | None = None


@dataclass(frozen=True)
class Part:
    """Checked rows of one file: an immutable Parquet blob with typed columns plus `ingested_at`.

    Times are int64 microseconds UTC. Rows are sorted by (event time, ingested_at). `as_of` is set when only
    the rows with `ingested_at <= as_of` count, and the other figures are of these; None means all of them.
    """

    name: str
    digest: str
    rows: int
    first_event: Micros
    last_event: Micros
    last_ingested: Micros
    as_of: Micros | None = None


@dataclass(frozen=True)
class SnapshotFile:
    """One raw file (or query result) of a snapshot, kept as a blob."""

    name: str
    digest: str
    bytes: int


@dataclass(frozen=True)
class DeltaVersion:
    """Which version of which Delta table was read: its place, the id that its log gives it, and the version."""

    place: str
    table: str
    version: int


@dataclass(frozen=True)
class Snapshot:
    """What a source held at a moment: immutable, named by the digest of its content.

    `rows` counts good and bad ones known by `as_of`. `statistics` has, per column of the good rows, the share
    of nulls, minimum, maximum, and mean or most frequent values. `future` counts rows stamped later than
    `as_of` in a snapshot of the present: they are bad. In a snapshot of an explicit moment such rows are not
    there yet, and are counted nowhere: `cut` tells that there are some. `delta` is set when the rows are those
    of a Delta table: reading that version again gives them again, for as long as the table keeps it.
    """

    source: str
    digest: str
    as_of: Micros
    files: tuple[SnapshotFile, ...]
    rows: int
    first_event: Micros | None
    last_event: Micros | None
    schema: Schema
    statistics: dict[str, dict[str, Any]] = field(default_factory=dict)
    future: int = 0
    cut: bool = False
    delta: DeltaVersion | None = None


@dataclass(frozen=True)
class Problem:
    """One thing a check found: which rule, which column, how many rows, and an example."""

    check: str
    column: str
    rows: int
    message: str
    example: str = ""


@dataclass(frozen=True)
class FilePart:
    """What came of one raw file under one schema, whatever the moment it is looked at from; kept and reused.

    `good` and `bad` are digests of Parquet blobs (None: no such rows). `last_bad` is the newest moment at
    which a bad row could be known. `statistics` are counts and sums of the good rows that can be added up
    over files; `warnings` are what was found about the file as a whole.
    """

    good: str | None
    rows: int
    first_event: Micros
    last_event: Micros
    last_ingested: Micros
    bad: str | None
    bad_rows: int
    last_bad: Micros
    warnings: tuple[Problem, ...] = ()
    statistics: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """A snapshot after its checks: the parts that may be used, and what was set aside.

    `quarantine` is the digest of a Parquet blob with the bad rows and a `reason` column, or None.
    """

    source: str
    snapshot: str
    parts: tuple[Part, ...]
    rows: int
    quarantined: int
    problems: tuple[Problem, ...] = ()
    quarantine: str | None = None


class DataRefused(BadInput):
    """Too many rows of a snapshot are bad, or a property of the whole does not hold.

    `checked` holds what was found, the quarantine included; None when the files could not be checked at all.
    """

    code = "N3001"

    def __init__(self, message: str, *, hint: str = "", checked: Checked | None = None) -> None:
        super().__init__(message, hint=hint)
        self.checked = checked


class UnreadableFile(BadInput):
    """A file of a source cannot be read as what its name says, or not at all."""

    code = "N3002"


class NoFiles(BadInput):
    """The path of a source matches no file."""

    code = "N3003"
    status = 404


class QueryFailed(BadInput):
    """The database refused a source's query."""

    code = "N3004"


class FileChanged(Conflict):
    """A file was written, replaced or removed while it was being read; nothing was kept."""

    code = "N3005"
