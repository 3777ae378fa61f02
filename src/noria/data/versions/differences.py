"""What differs between two lists of entries: added, removed, changed, and renamed where the content only moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from noria.data.versions.manifests import differing
from noria.data.versions.model import Change, Entry, Manifest
from noria.data.versions.objects import ObjectStore


def compare_manifests(store: ObjectStore, old: Manifest, new: Manifest) -> list[Change]:
    """What differs between two snapshots, by path; reads only the pages they do not share."""
    return compare(*differing(store, old, new))


def compare(old: Mapping[bytes, Entry], new: Mapping[bytes, Entry], *, renames: bool = True) -> list[Change]:
    """What differs, by path. A file of equal content that went from one path to another counts as renamed."""
    changes = list(_plain(old, new))
    if renames:
        changes = _paired(changes)
    return sorted(changes, key=lambda change: change.path)


def same(old: Entry | None, new: Entry | None) -> bool:
    """Whether two entries stand for the same thing."""
    if old is None or new is None:
        return old is new
    return old.content == new.content


def _plain(old: Mapping[bytes, Entry], new: Mapping[bytes, Entry]) -> Iterator[Change]:
    for path, entry in new.items():
        before = old.get(path)
        if before is None:
            yield Change("added", None, entry)
        elif before.content != entry.content:
            yield Change("changed", before, entry)
    for path, entry in old.items():
        if path not in new:
            yield Change("removed", entry, None)


def _paired(changes: list[Change]) -> list[Change]:
    """Join what went and what came with equal content, in the order of paths; empty files are nobody's renamed ones."""
    gone: defaultdict[tuple[str, bytes], list[Entry]] = defaultdict(list)
    for change in sorted(changes, key=lambda change: change.path, reverse=True):
        if change.kind == "removed" and change.old is not None and change.old.size:
            gone[change.old.content].append(change.old)
    renamed, found = set(), []
    for change in sorted(changes, key=lambda change: change.path):
        if change.kind == "added" and change.new is not None and gone.get(change.new.content):
            before = gone[change.new.content].pop()
            renamed.add(before.path)
            found.append(Change("renamed", before, change.new))
        elif change.kind != "removed":
            found.append(change)
    return found + [one for one in changes if one.kind == "removed" and one.path not in renamed]
