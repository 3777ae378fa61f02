"""What remotes speak of: what lies there and how, and what a transfer did.

A remote has `packs/*.pack` (small objects, in compressed blocks), `objects/*` (large ones, as they are), `packs/*.idx`
(what is in a pack, which objects lie alone, which snapshots there are), and `datasets/NAME/branch|tag/*` (where each
name points). An index is put after everything it names, and a name after every index, so what a reader finds is whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from blake3 import blake3

from noria.core.clock import Micros
from noria.core.errors import BadInput, Conflict, Corrupt, Unavailable
from noria.data.versions.model import TableSpec

FORMAT = 1
"""The version of the layout; a reader refuses a later one."""
ALONE = -1
"""In place of a block: the object is a file of its own."""
MOST_BLOCK = 2 << 20
"""Bytes that a block may claim to hold; ours hold at most 1.25 MiB."""
_MAGIC = b"noria-index-1\n"
_DIGEST = 32


class BadRemote(BadInput):
    """The address of a remote cannot be understood, or what it needs is not installed."""

    code = "N3040"


class RemoteAway(Unavailable):
    """A remote does not answer, or refuses."""

    code = "N3041"


class RemoteMoved(Conflict):
    """A branch or tag on the remote is not where it may be moved from."""

    code = "N3042"


class RemoteDamaged(Corrupt):
    """Something on a remote is not what its name says."""

    code = "N3043"


class Diverged(Conflict):
    """Here and on the remote a branch went different ways."""

    code = "N3044"


class Block(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Objects compressed together (Zstandard): where they lie in the pack, and how many bytes they are before."""

    offset: int
    length: int
    size: int


class Part(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One object: its BLAKE3, the block that it is in (or ALONE), where it begins there, and its bytes."""

    digest: bytes
    block: int
    start: int
    size: int


class Index(msgspec.Struct, frozen=True):
    """What one pack brought: `pack` is its BLAKE3, empty for none; `snapshots` are (id, digest of its JSON)."""

    pack: str
    blocks: tuple[Block, ...]
    parts: tuple[Part, ...]
    snapshots: tuple[tuple[str, bytes], ...] = ()
    format: int = FORMAT


class Pointer(msgspec.Struct, frozen=True):
    """What a branch or tag is on a remote: the snapshot, who moved it there and when, and the dataset's tables."""

    snapshot: str
    moved: Micros
    actor: str
    tables: tuple[TableSpec, ...] = ()


@dataclass(frozen=True)
class Pushed:
    """What a push did: names with their snapshots, new snapshots, objects sent, and bytes on the wire.

    `missing` are old snapshots whose content is not here any more: they were sent without it.
    """

    moved: tuple[tuple[str, str], ...]
    snapshots: int
    objects: int
    bytes: int
    missing: int = 0


@dataclass(frozen=True)
class Pulled:
    """What a pull did. `how`: the branch was `new` here, went `forward`, had it `already`, or is `ahead` of it."""

    name: str
    snapshot: str
    how: str
    snapshots: int
    objects: int
    bytes: int


def encode_index(index: Index) -> bytes:
    """An index as it is stored, with the BLAKE3 of what follows."""
    body = msgspec.msgpack.encode(index)
    return _MAGIC + blake3(body).digest() + body


def decode_index(data: bytes, name: str) -> Index:
    """The index in `data`. Raises RemoteDamaged when it is not whole, of a later layout, or contradicts itself."""
    body = data[len(_MAGIC) + _DIGEST :]
    if not data.startswith(_MAGIC) or blake3(body).digest() != data[len(_MAGIC) : len(_MAGIC) + _DIGEST]:
        raise damaged(name, "is not whole")
    try:
        index = msgspec.msgpack.decode(body, type=Index)
    except msgspec.DecodeError as error:
        raise damaged(name, f"cannot be read: {error}") from error
    if index.format > FORMAT:
        raise damaged(name, f"is of layout {index.format}; this release reads up to {FORMAT}")
    if not _consistent(index):
        raise damaged(name, "names places that are not there")
    return index


def damaged(name: str, how: str) -> RemoteDamaged:
    """The error of something on a remote that cannot be used."""
    return RemoteDamaged(f"{name} on the remote {how}", hint="remove it there, and push again from where the data is")


def _consistent(index: Index) -> bool:
    if any(min(one.offset, one.length) < 0 or not 0 <= one.size <= MOST_BLOCK for one in index.blocks):
        return False
    return all(len(part.digest) == _DIGEST and part.size >= 0 and _inside(part, index.blocks) for part in index.parts)


def _inside(part: Part, blocks: tuple[Block, ...]) -> bool:
    if part.block == ALONE:
        return True
    return 0 <= part.block < len(blocks) and 0 <= part.start <= blocks[part.block].size - part.size
