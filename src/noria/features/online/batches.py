"""What is written to the spool of the online store: rows of one source, typed, that came together."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from noria.core.clock import Micros

Known = tuple[dict[str, Any], Micros]
"""A typed row and the moment it became known."""


class Batch(msgspec.Struct, array_like=True):
    """Rows that came `now` (None when nobody said), and the position behind them in their stream.

    `ids` name the rows of a stream that has no positions.
    """

    source: str
    stream: str
    after: int
    rows: list[Known]
    now: Micros | None = None
    ids: list[str] = msgspec.field(default_factory=list)

    def encode(self) -> bytes:
        """The record."""
        return msgspec.msgpack.encode(self)

    def filled(self, blank: Mapping[str, Any]) -> Batch:
        """The same with nulls for columns that came later."""
        rows = [({**blank, **row}, known) for row, known in self.rows]
        return Batch(self.source, self.stream, self.after, rows, self.now, self.ids)


decode_batch = msgspec.msgpack.Decoder(Batch).decode
"""The batch of a record."""


def identity(spool: Path) -> str:
    """The name of the spool in a folder, given to it once: numbers of records mean something in it alone."""
    file = spool / "identity"
    if not file.exists() or not file.read_text():
        file.write_text(secrets.token_hex(8))
    return file.read_text()
