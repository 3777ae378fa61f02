"""What batch prediction speaks of: what is asked, what is pinned at the start, what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from noria.core.clock import Micros
from noria.core.errors import BadInput, Conflict
from noria.data.model import Part

Lookup = Literal["given", "history", "online"]
"""Where features come from: the table itself, the sources' history, or the online store."""

Where = Literal["here", "ray"]
"""Who answers the chunks: this process, or a Ray cluster."""

PREDICTION, VERSION, ERROR = "prediction", "version", "error"
ROWS = 100_000


@dataclass(frozen=True)
class Asked:
    """What a caller asks for. A job goes on only when the same is asked again.

    `at` is a moment for every row in place of its own. `lookup` None: given where the table has every looked-up
    feature, history otherwise. `columns` are carried through beside the key and the moment; `*` is every one.
    """

    model: str
    source: str
    target: str
    alias: str = "production"
    database: str | None = None
    lookup: Lookup | None = None
    at: Micros | Literal["row", "now"] | None = None
    columns: tuple[str, ...] = ()
    rows: int = ROWS


@dataclass(frozen=True)
class Piece:
    """One file of the input. `stamp` is its size and time of change, or the digest of its content."""

    path: str
    stamp: str
    kind: str = "parquet"


@dataclass(frozen=True)
class Pinned:
    """What is settled once, when a job begins, so that a resumed one answers as it would have: nothing moves.

    `parts` are those of each source's history, empty unless `lookup` is `history`. `own_moment`: each row is
    asked at the moment it names itself; otherwise at `moment` (None: when its chunk is answered).
    """

    version: int
    package: str
    pieces: tuple[Piece, ...]
    lookup: Lookup
    own_moment: bool
    moment: Micros | None
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Answered:
    """What came of a job: rows in the output, how many of them were refused, chunks that an earlier run had made."""

    model: str
    version: int
    output: str
    rows: int
    refused: int
    chunks: int
    resumed: int
    lookup: Lookup
    moment: Micros | None
    own_moment: bool
    reasons: tuple[str, ...] = ()


class BadTable(BadInput):
    """A table to be answered lacks columns, holds other types, or cannot be read."""

    code = "N6120"


class OtherJob(Conflict):
    """An unfinished job of other questions, or of another input, lies where this one would."""

    code = "N6121"


class OutputThere(Conflict):
    """There is something at the place of the output already."""

    code = "N6122"


class BadOutput(BadInput):
    """An output that cannot be written to: its name says no format, or its folder is missing."""

    code = "N6123"
