"""Branches and tags on a remote: small files, moved by compare-and-set."""

from __future__ import annotations

import msgspec

from noria.data.remotes.model import Pointer, RemoteMoved, damaged
from noria.data.remotes.opening import Remote
from noria.data.versions.model import RefKind
from noria.data.versions.names import check_name

_SLASH = "/", "="  # no name has an equals sign


def list_pointers(remote: Remote, dataset: str) -> dict[tuple[str, str], str]:
    """The paths of a dataset's branches and tags on a remote, by kind and name."""
    found: dict[tuple[str, str], str] = {}
    for kind in ("branch", "tag"):
        folder = f"datasets/{_quoted(dataset)}/{kind}"
        for path in remote.names(folder):
            found[kind, path.rpartition("/")[2].replace(_SLASH[1], _SLASH[0])] = path
    return found


def read_pointer(remote: Remote, dataset: str, kind: RefKind, name: str) -> tuple[Pointer, str] | None:
    """Where a branch or tag points, with the tag of this state of it, or None. Raises RemoteDamaged."""
    path = _path(dataset, kind, name)
    found = remote.versioned(path)
    if found is None:
        return None
    try:
        return msgspec.json.decode(found[0], type=Pointer), found[1]
    except msgspec.DecodeError as error:
        raise damaged(path, f"cannot be read: {error}") from error


def move_pointer(remote: Remote, dataset: str, kind: RefKind, name: str, to: Pointer, tag: str | None) -> None:
    """Move a branch, or make one, from the state with that `tag`. Raises RemoteMoved when somebody else was quicker."""
    if not remote.swap(_path(dataset, kind, name), msgspec.json.encode(to), tag):
        raise RemoteMoved(
            f"{kind} {name!r} of {dataset} was moved on the remote while this push ran",
            hint=f"what was sent stays there: run `noria data pull REMOTE {dataset}@{name}`, then push again",
        )


def _path(dataset: str, kind: RefKind, name: str) -> str:
    return f"datasets/{_quoted(check_name('dataset', dataset))}/{kind}/{_quoted(check_name(kind, name))}"


def _quoted(name: str) -> str:
    """A name as one part of a path, so that `a` and `a/b` may both be there."""
    return name.replace(*_SLASH)
