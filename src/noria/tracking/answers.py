"""What a client asks of whoever takes its spool, and what it is answered: how far it was taken in, what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from noria.core.errors import BadInput, Conflict

INGEST = "/api/noria/ingest"
"""Where a server takes records: GET tells the position of a spool, POST takes a batch from a position on."""

BLOBS = "/api/noria/blobs"
"""Where a server takes bytes, at `/<digest>`: HEAD asks whether it has them, PUT brings them."""


class Gap(Conflict):
    """Records were offered that do not follow on what was taken before; `position` is the next one expected."""

    code = "N2242"

    def __init__(self, spool: str, position: int, offered: int) -> None:
        super().__init__(f"the next record of {spool} is number {position}, not {offered}", hint="send from there")
        self.position = position


@dataclass(frozen=True)
class Refusal:
    """A record that was set aside, and why."""

    position: int
    reason: str


@dataclass(frozen=True)
class Taken:
    """How far a spool has been taken in: `position` is the number of the next record."""

    position: int
    refused: Sequence[Refusal] = ()


class TooMuch(BadInput):
    """A batch that is larger than the server takes; smaller ones may pass."""

    code = "N2243"


class Declined(BadInput):
    """The server answered, and will not take this."""

    code = "N2244"


class Damaged(BadInput):
    """A file's bytes are no longer those that were logged."""

    code = "N2245"


class Destination(Protocol):
    """Takes records and bytes. Every method raises Unavailable when it cannot be reached."""

    name: str

    def position(self, spool: str) -> int:
        """The number of the next record of that spool."""
        ...

    def take(self, spool: str, first: int, records: Sequence[bytes]) -> Taken:
        """Take records numbered from `first` on; those taken before are passed over. Raises Gap, TooMuch, Declined."""
        ...

    def put_file(self, digest: str, path: Path) -> None:
        """Bring the bytes of a file, unless they are there already. Raises Damaged, Declined."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
