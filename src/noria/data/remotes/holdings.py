"""What a remote holds, by its indexes; and objects brought from it, each held against its digest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
from blake3 import blake3

from noria.core.digest import digest_bytes
from noria.core.errors import NotFound
from noria.data.remotes.model import ALONE, Block, Index, Part, RemoteDamaged, damaged, decode_index
from noria.data.remotes.opening import Remote
from noria.data.remotes.packing import object_path
from noria.data.versions.disk import write_whole
from noria.workspace.workspace import Workspace

_AT_ONCE = 32 << 20
"""Bytes of blocks that are asked for together."""


class Holdings:
    """Every object and snapshot that the indexes of a remote name."""

    def __init__(self, remote: Remote, indexes: Iterable[tuple[str, Index]]) -> None:
        self._remote = remote
        self._codec = pa.Codec("zstd")
        self._where: dict[bytes, tuple[Index, Part]] = {}
        self.snapshots: dict[str, bytes] = {}
        for _, index in indexes:
            self._where.update((part.digest, (index, part)) for part in index.parts)
            self.snapshots.update(index.snapshots)

    @classmethod
    def read(cls, ws: Workspace, remote: Remote) -> Holdings:
        """All indexes; those that were read before come from this machine, for an index never changes.

        Raises RemoteAway, RemoteDamaged, BadRemote.
        """
        kept = ws.settings.home / "data" / "remotes" / digest_bytes(remote.shown.encode())[:16]
        found = []
        for path in remote.names("packs"):
            name = path.rpartition("/")[2]
            if not name.endswith(".idx"):
                continue
            here = kept / name
            data = here.read_bytes() if here.exists() else remote.get(path)
            if data is None:
                continue  # removed while we looked
            try:
                found.append((name, decode_index(data, path)))
            except RemoteDamaged:
                here.unlink(missing_ok=True)
                raise
            if not here.exists():
                write_whole(here, data, durable=False)
        return cls(remote, found)

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._where

    def size(self, digest: bytes) -> int:
        """An object's bytes."""
        return self._find(digest)[1].size

    def alone(self, digest: bytes) -> bool:
        """Whether an object lies by itself, for it is large."""
        return self._find(digest)[1].block == ALONE

    def get(self, digest: bytes) -> bytes:
        """One object, packed or alone. Raises NotFound, RemoteDamaged."""
        if self.alone(digest):
            return _checked(digest, b"".join(self.pieces(digest)))
        return next(data for _, data in self.packed([digest]))

    def pieces(self, digest: bytes) -> Iterator[bytes]:
        """A large object in pieces; who takes them compares the digest."""
        return self._remote.stream(object_path(digest))

    def packed(self, digests: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Small objects with their digests, pack after pack, block after block. Raises NotFound, RemoteDamaged."""
        wanted: dict[str, dict[int, list[Part]]] = defaultdict(lambda: defaultdict(list))
        indexes: dict[str, Index] = {}
        for digest in dict.fromkeys(digests):
            index, part = self._find(digest)
            if part.block == ALONE:
                raise damaged(f"object {digest.hex()[:12]}", "lies alone, where only small ones are asked for")
            indexes[index.pack] = index
            wanted[index.pack][part.block].append(part)
        for pack, blocks in wanted.items():
            for some in _batches(sorted(blocks), indexes[pack].blocks):
                yield from self._read(pack, [(indexes[pack].blocks[one], blocks[one]) for one in some])

    def _read(self, pack: str, blocks: Sequence[tuple[Block, list[Part]]]) -> Iterator[tuple[bytes, bytes]]:
        path = f"packs/{pack}.pack"
        found = self._remote.ranges(path, [(block.offset, block.length) for block, _ in blocks])
        if len(found) != len(blocks):
            raise damaged(path, "is gone or shorter than its index says")
        for (block, parts), packed in zip(blocks, found, strict=True):
            try:
                data = self._codec.decompress(packed, decompressed_size=block.size, asbytes=True)
            except (OSError, ValueError, pa.ArrowException) as error:
                raise damaged(path, f"cannot be unpacked: {error}") from error
            for part in parts:
                yield part.digest, _checked(part.digest, data[part.start : part.start + part.size])

    def _find(self, digest: bytes) -> tuple[Index, Part]:
        if digest not in self._where:
            raise NotFound("object on the remote", digest.hex(), hint="push it from where the data is")
        return self._where[digest]


def _batches(numbers: Sequence[int], blocks: Sequence[Block]) -> Iterator[list[int]]:
    some: list[int] = []
    size = 0
    for number in numbers:
        some.append(number)
        size += blocks[number].length
        if size >= _AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


def _checked(digest: bytes, data: bytes) -> bytes:
    if blake3(data).digest() != digest:
        raise damaged(f"object {digest.hex()[:12]}", "is not what its digest says")
    return data
