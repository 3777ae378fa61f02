"""Small objects gathered into packs, so that a hundred thousand files are a few requests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from blake3 import blake3

from noria.data.remotes.model import ALONE, Block, Index, Part, encode_index
from noria.data.remotes.opening import Remote

SMALL = 256 << 10
"""Objects below this are packed; larger ones lie alone."""
_BLOCK = 1 << 20
_PACK = 32 << 20


class Packer:
    """Sends objects: small ones in packs, large ones by themselves. `close` sends what is left.

    After each pack its index is put, which names also the large objects and the snapshots sent until then: what a
    killed push has sent so far is known to the next one.
    """

    def __init__(self, remote: Remote, told: Callable[[int], None]) -> None:
        self._remote, self._told = remote, told
        self._codec = pa.Codec("zstd", 3)
        self._gathered: list[bytes] = []
        self._size = 0
        self._pack: list[bytes] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._parts: list[Part] = []
        self._snapshots: list[tuple[str, bytes]] = []
        self.objects = self.bytes = 0

    def add(self, digest: bytes, data: bytes) -> None:
        """Send a small object."""
        self._parts.append(Part(digest, len(self._blocks), self._size, len(data)))
        self._gathered.append(data)
        self._size += len(data)
        self._sent()
        if self._size >= _BLOCK:
            self._close_block()

    def add_alone(self, digest: bytes, file: Path, size: int) -> None:
        """Send a large object, unless it is there already."""
        path = object_path(digest)
        if self._remote.size(path) != size:
            self._remote.put(path, file)
            self.bytes += size
        self._parts.append(Part(digest, ALONE, 0, size))
        self._sent()

    def add_snapshot(self, id: str, data: bytes) -> None:
        """Send what a snapshot says of itself; everything it needs was sent before."""
        digest = blake3(data).digest()
        self.add(digest, data)
        self._snapshots.append((id, digest))

    def close(self) -> None:
        """Send what was gathered."""
        self._close_block()
        if not self._parts:
            return
        pack = b"".join(self._pack)
        name = blake3(pack).hexdigest() if pack else ""
        if pack:
            self._put(f"packs/{name}.pack", pack)
        index = encode_index(Index(name, tuple(self._blocks), tuple(self._parts), tuple(self._snapshots)))
        self._put(f"packs/{blake3(index).hexdigest()}.idx", index)
        self._pack, self._blocks, self._parts, self._snapshots, self._length = [], [], [], [], 0

    def _close_block(self) -> None:
        if not self._gathered:
            return
        packed = self._codec.compress(b"".join(self._gathered), asbytes=True)
        self._blocks.append(Block(self._length, len(packed), self._size))
        self._pack.append(packed)
        self._length += len(packed)
        self._gathered, self._size = [], 0
        if self._length >= _PACK:
            self.close()

    def _put(self, path: str, data: bytes) -> None:
        self._remote.put(path, data)
        self.bytes += len(data)

    def _sent(self) -> None:
        self.objects += 1
        self._told(self.objects)


def object_path(digest: bytes) -> str:
    """Where an object that lies alone is."""
    name = digest.hex()
    return f"objects/{name[:2]}/{name[2:]}"
