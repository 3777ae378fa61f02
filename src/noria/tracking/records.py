"""What a client writes to its spool and sends: records, each a msgpack array that begins with its kind.

Every record names its run, so it can be understood by itself. A server takes a batch of them as a msgpack array
of byte strings, one for each record, so that one that cannot be read does not spoil those behind it.
"""

from __future__ import annotations

import msgspec

from noria.core.clock import Micros
from noria.core.errors import BadInput
from noria.tracking.model import Millis, RunState

Record = bytes
"""One record as it is spooled and sent."""


class Begun(msgspec.Struct, frozen=True, array_like=True, tag="begun"):
    """A process logs to a run from now on. `session` is the spool's id; only an owner ends the run."""

    run: str
    session: str
    at: Micros
    experiment: str = ""
    name: str = ""
    actor: str = ""
    owner: bool = True


class Row(msgspec.Struct, frozen=True, array_like=True, tag="row"):
    """Values of several series, its axes among them, at one step and moment."""

    run: str
    at: Millis
    step: int
    values: dict[str, float]


class Params(msgspec.Struct, frozen=True, array_like=True, tag="params"):
    """What the run was given."""

    run: str
    values: dict[str, str]


class Tags(msgspec.Struct, frozen=True, array_like=True, tag="tags"):
    """What is said about the run."""

    run: str
    values: dict[str, str]


class Kept(msgspec.Struct, frozen=True, array_like=True, tag="kept"):
    """A file of the run: its path among the run's artifacts, and the digest and size of its bytes."""

    run: str
    path: str
    digest: str
    size: int


class Ended(msgspec.Struct, frozen=True, array_like=True, tag="ended"):
    """The run is over. `inferred`: said by another process, which found that this one had died."""

    run: str
    session: str
    at: Micros
    state: RunState
    inferred: bool = False


AnyRecord = Begun | Row | Params | Tags | Kept | Ended

encode = msgspec.msgpack.Encoder().encode
_DECODER = msgspec.msgpack.Decoder(AnyRecord)
_BATCH = msgspec.msgpack.Decoder(list[bytes])
_KEPT = b"\x95\xa4kept"


class UnknownRecord(BadInput):
    """Bytes that are no record of any kind known here."""

    code = "N2240"


def decode(record: Record) -> AnyRecord:
    """The record in its own type. Raises UnknownRecord."""
    try:
        found: AnyRecord = _DECODER.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnknownRecord(f"this is no record of a run: {error}") from error
    return found


def decode_batch(body: bytes) -> list[Record]:
    """The records of a batch. Raises UnknownRecord when it is no batch at all."""
    try:
        return _BATCH.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnknownRecord(f"this is no batch of records: {error}", hint="a msgpack array of byte strings") from error


def as_kept(record: Record) -> Kept | None:
    """The record, when it is a file's; told by its first bytes, since nearly all are not."""
    if not record.startswith(_KEPT):
        return None
    try:
        found = decode(record)
    except UnknownRecord:
        return None
    return found if isinstance(found, Kept) else None
