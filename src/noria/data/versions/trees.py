"""Working trees: a folder on this machine, the dataset that it is a checkout of, and where it stands.

What is known of a tree is kept beside the project and not in the folder itself, so the folder holds the user's files
and nothing else. It is of this machine alone and therefore not in the database.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from noria.core.digest import digest_bytes
from noria.core.errors import BadInput, Conflict, Corrupt, NotFound
from noria.data.versions.disk import told, write_whole
from noria.data.versions.places import trees_folder, used_folder
from noria.workspace.workspace import Workspace


class NoTree(NotFound):
    """The folder is no checkout of any dataset."""

    code = "N3024"


class OtherDataset(BadInput):
    """The folder is a checkout of another dataset, or in the middle of becoming one."""

    code = "N3031"


class TreeBusy(Conflict):
    """Somebody else commits or checks out the same folder right now."""

    code = "N3035"


@dataclass(frozen=True)
class Tree:
    """A folder, its dataset, the branch it follows (empty: none), and the snapshot it was last equal to (empty: none).

    `going` is the snapshot of a checkout that was begun and not finished.
    """

    path: str
    dataset: str
    branch: str
    snapshot: str
    going: str = ""

    @property
    def root(self) -> bytes:
        """The folder as the file system names it."""
        return os.fsencode(self.path)


def find_tree(ws: Workspace, path: Path) -> Tree | None:
    """What is known of the folder, or None. Raises Corrupt."""
    kept = _folder(ws, path) / "tree.json"
    try:
        return msgspec.json.decode(kept.read_bytes(), type=Tree)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        said = f"what is known of the folder {path} cannot be read: {kept}"
        raise Corrupt(said, hint="remove that file; then the folder counts as never checked out") from error


def get_tree(ws: Workspace, path: Path) -> Tree:
    """What is known of the folder. Raises NoTree."""
    tree = find_tree(ws, path)
    if tree is None:
        known = [one.path for one in all_trees(ws)]
        raise NoTree("checkout in the folder", str(path), known, hint=f"make it one with `noria data commit {path}`")
    return tree


def save_tree(ws: Workspace, tree: Tree) -> None:
    """Remember where a tree stands."""
    write_whole(_folder(ws, Path(tree.path)) / "tree.json", msgspec.json.encode(tree))


def all_trees(ws: Workspace) -> Iterator[Tree]:
    """Every tree of this workspace on this machine."""
    for kept in sorted(trees_folder(ws).glob("*/tree.json")):
        yield msgspec.json.decode(kept.read_bytes(), type=Tree)


@contextmanager
def alone(ws: Workspace, path: Path) -> Iterator[None]:
    """While a folder is committed or checked out, by one at a time. Raises TreeBusy at once for the second.

    The lock is the process's: the system lets go of it however the process ends.
    """
    folder = _folder(ws, path)
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        said = f"{path} is being committed or checked out by somebody else"
        raise TreeBusy(said, hint="run it again when that is done") from error
    finally:
        os.close(file)


def index_path(ws: Workspace, path: Path) -> Path:
    """Where the tree's index is."""
    return _folder(ws, path) / "index"


def located(ws: Workspace, path: Path) -> Path:
    """The folder in full, links on the way to it resolved. Raises BadInput when it is the workspace's own home."""
    full = Path(os.path.realpath(ws.root / path))
    if full.is_relative_to(ws.settings.home) and not full.is_relative_to(used_folder(ws)):
        raise BadInput(f"{full} belongs to Noria itself", hint="choose a folder of your own")
    return full


def _folder(ws: Workspace, path: Path) -> Path:
    return trees_folder(ws) / digest_bytes(os.fsencode(path))[:24]
