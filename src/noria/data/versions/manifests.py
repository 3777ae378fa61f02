"""Manifests as objects: pages of entries and a root, written and read.

Where one page ends is decided by the hash of a path alone, as in content-defined chunking: an entry put in or taken
out changes the page it falls into and no other. Two manifests are compared by their lists of pages, and only pages
that differ are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol
from zlib import crc32

import msgspec

from noria.core.errors import Corrupt
from noria.data.versions.model import FORMAT, Entry, Manifest, Page, TableEntry

_ENDS = 0x3FF
"""A path whose checksum has these bits clear ends its page: 1,024 entries on the average."""
_LONGEST = 16_384

_encoder = msgspec.msgpack.Encoder()
_pages = msgspec.msgpack.Decoder(list[Entry])
_roots = msgspec.msgpack.Decoder(Manifest)


class Objects(Protocol):
    """Bytes by their BLAKE3, as far as manifests need it."""

    def put(self, data: bytes) -> bytes:
        """Keep bytes; gives their digest."""
        ...

    def get(self, digest: bytes) -> bytes:
        """The bytes, checked. Raises NotFound, Corrupt."""
        ...


def write_manifest(
    objects: Objects, entries: Sequence[Entry], tables: Iterable[TableEntry] = ()
) -> tuple[str, Manifest]:
    """Keep a manifest of entries that are sorted by path; gives its digest, in hexadecimal, and itself."""
    pages = [_keep(objects, part) for part in _cut(entries)]
    manifest = Manifest(
        tuple(pages),
        tuple(sorted(tables, key=lambda table: table.name)),
        files=sum(entry.kind != "folder" for entry in entries),
        size=sum(entry.size for entry in entries),
    )
    return objects.put(_encoder.encode(manifest)).hex(), manifest


def read_manifest(objects: Objects, root: str) -> Manifest:
    """The manifest of that digest. Raises NotFound, Corrupt when it is damaged or of a later format."""
    manifest: Manifest = _decoded(_roots, objects.get(bytes.fromhex(root)), root)
    if manifest.format > FORMAT:
        said = f"the manifest {root[:12]} is of format {manifest.format}; this release reads up to {FORMAT}"
        raise Corrupt(said, hint="use the release that wrote it, or a later one")
    return manifest


def read_page(objects: Objects, page: Page) -> list[Entry]:
    """The entries of a page."""
    entries: list[Entry] = _decoded(_pages, objects.get(page.digest), page.digest.hex())
    return entries


def read_entries(objects: Objects, manifest: Manifest) -> Iterator[Entry]:
    """Every entry, in the order of paths."""
    return chain.from_iterable(read_page(objects, page) for page in manifest.pages)


def differing(objects: Objects, old: Manifest, new: Manifest) -> tuple[dict[bytes, Entry], dict[bytes, Entry]]:
    """The entries of the pages that the two do not share, by path; costs what these pages cost."""
    shared = {page.digest for page in old.pages} & {page.digest for page in new.pages}
    return _unshared(objects, old, shared), _unshared(objects, new, shared)


def object_digests(root: str, manifest: Manifest) -> Iterator[bytes]:
    """The digests of the objects that the manifest itself consists of: its root and its pages."""
    yield bytes.fromhex(root)
    for page in manifest.pages:
        yield page.digest


def as_mapping(entries: Iterable[Entry]) -> Mapping[bytes, Entry]:
    """Entries by their paths."""
    return {entry.path: entry for entry in entries}


def _unshared(objects: Objects, manifest: Manifest, shared: set[bytes]) -> dict[bytes, Entry]:
    pages = (read_page(objects, page) for page in manifest.pages if page.digest not in shared)
    return {entry.path: entry for entry in chain.from_iterable(pages)}


def _cut(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    start = 0
    for position, entry in enumerate(entries, 1):
        if not crc32(entry.path) & _ENDS or position - start >= _LONGEST:
            yield entries[start:position]
            start = position
    if start < len(entries):
        yield entries[start:]


def _keep(objects: Objects, entries: Sequence[Entry]) -> Page:
    data = _encoder.encode(entries)
    return Page(entries[0].path, objects.put(data), len(entries), sum(entry.size for entry in entries))


def _decoded(decoder: Any, data: bytes, name: str) -> Any:
    try:
        return decoder.decode(data)
    except msgspec.DecodeError as error:
        raise Corrupt(f"the manifest {name[:12]} cannot be read: {error}", hint="restore it from a backup") from error
