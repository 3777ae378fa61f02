"""What data versions speak of: entries, manifests, snapshots, references, and the differences between two of them.

A *dataset* is a directory under version control. A *manifest* lists everything in it at a moment: one `Entry` for
each file, symbolic link and empty folder, sorted by path and cut into pages, and one `TableEntry` for each declared
table. A *snapshot* is a manifest plus where it came from, and never changes; a *reference* (branch or tag) is the
name of one. The hash is BLAKE3; the MD5 is taken in the same read, for tools that know files by it.

Paths are bytes with `/` between their parts, as the file system has them, so that a name which is no UTF-8 or holds
a newline survives; `shown` makes text of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from noria.core.clock import Micros

Kind = Literal["file", "program", "link", "folder"]
"""A plain file; one with the executable bit; a symbolic link; a folder with nothing in it."""

FORMAT = 1
"""The version of the manifest's layout; a reader refuses a later one."""

EMPTY = "0" * 64
"""What stands for "no snapshot" where one is expected: a branch that is not there yet."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing in a directory.

    `path` is relative and never empty. `blake3` (32 bytes) and `md5` (16 bytes) are of the content; a link's content
    is its `target`, kept as written and never followed; a folder has none. `md5` is empty where it was never taken.
    """

    path: bytes
    kind: Kind
    size: int
    blake3: bytes
    md5: bytes = b""
    target: bytes = b""

    @property
    def content(self) -> tuple[str, bytes]:
        """What makes two entries at one path the same."""
        return self.kind, self.blake3


class TableEntry(msgspec.Struct, frozen=True):
    """A table among the files: which files hold its rows, and what they hold.

    `schema` is (column, DuckDB type) in order; `key` the columns that name a row, empty when none do. `statistics`
    has, per column, nulls, minimum and maximum as text. `files` are paths of entries, all of one `format`.
    """

    name: str
    format: Literal["parquet", "csv"]
    pattern: str
    key: tuple[str, ...]
    schema: tuple[tuple[str, str], ...]
    rows: int
    statistics: dict[str, dict[str, Any]]
    files: tuple[bytes, ...]


class Page(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Consecutive entries, kept as one object: the first path, the digest, how many they are, and their bytes."""

    first: bytes
    digest: bytes
    entries: int
    size: int


class Manifest(msgspec.Struct, frozen=True):
    """The root: the pages in order, the tables, how many files and links there are, and their bytes.

    Its digest names the content of a directory: equal content, equal digest, whoever made it.
    """

    pages: tuple[Page, ...]
    tables: tuple[TableEntry, ...] = ()
    files: int = 0
    size: int = 0
    format: int = FORMAT


@dataclass(frozen=True)
class TableSpec:
    """A table to be found among the files: a glob over paths, and the columns that name a row."""

    name: str
    pattern: str
    key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Origin:
    """Where a snapshot came from: what was said of it, the run and the code that made it, and the snapshots read.

    `code` is the digest of the producing code, `inputs` are ids of snapshots, of this dataset or others.
    """

    message: str = ""
    run: str = ""
    code: str = ""
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """A state of a dataset, and where it came from. `id` is the BLAKE3 of everything else here, in hexadecimal.

    `root` is the digest of the manifest, in hexadecimal; `parents` the snapshots it grew from, none for the first,
    two for a merge.
    """

    id: str
    dataset: str
    root: str
    parents: tuple[str, ...]
    author: str
    at: Micros
    files: int
    size: int
    origin: Origin = field(default_factory=Origin)


RefKind = Literal["branch", "tag"]
"""A branch moves by compare-and-set; a tag stays where it is."""


@dataclass(frozen=True)
class Ref:
    """A name of a snapshot."""

    dataset: str
    kind: RefKind
    name: str
    snapshot: str
    moved: Micros
    actor: str


ChangeKind = Literal["added", "removed", "changed", "renamed"]


@dataclass(frozen=True)
class Change:
    """One path that differs. `old` is None when it was added, `new` when it was removed; both when it was renamed."""

    kind: ChangeKind
    old: Entry | None
    new: Entry | None

    @property
    def path(self) -> bytes:
        """Where it is now, or was."""
        entry = self.new or self.old
        assert entry is not None
        return entry.path


@dataclass(frozen=True)
class RowChange:
    """One row of a keyed table that differs: the key, and old and new values of the columns that differ."""

    kind: Literal["added", "removed", "changed"]
    key: Mapping[str, Any]
    old: Mapping[str, Any] = field(default_factory=dict)
    new: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TableDiff:
    """How the rows of a keyed table differ: counts, the columns that came and went, and the first rows."""

    name: str
    added: int
    removed: int
    changed: int
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    columns_retyped: tuple[str, ...]
    by_column: Mapping[str, int]
    rows: tuple[RowChange, ...]
    note: str = ""


@dataclass(frozen=True)
class Diff:
    """What differs between two states of a dataset."""

    changes: tuple[Change, ...]
    tables: tuple[TableDiff, ...] = ()


def shown(path: bytes) -> str:
    r"""A path as one line of text: what is no UTF-8, and control characters, as escapes.

    >>> shown(b"a\xff b\n")
    'a\\xff b\\n'
    """
    text = path.decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
