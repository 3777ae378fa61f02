"""`kill -9` at every step of a commit, a checkout and a collection: nothing breaks, and running it again completes it.

A child process kills itself at the n-th call that changes the disk, for every n until it comes through.
"""

import os
import signal
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from noria.core.clock import ManualClock
from noria.data.versions import operations
from noria.data.versions.places import object_store
from noria.testing.workspace import NOON, make_workspace

from .conftest import commit_in, read, write

CALLS = ("open", "write", "link", "symlink", "utime", "replace", "rename", "unlink", "mkdir", "rmdir", "fsync")
FILES = {"a": "one", "b/c": "two", "b/d": "three", "e": ""}
OTHERS = {"a": "one", "b": None, "b/c/d": "four", "f/g": "five", "e": "six"}


def killed_at(step: int, action: Callable[[], object]) -> bool:
    """Do it in a child that kills itself at the step-th change of the disk; False when it came through."""
    child = os.fork()
    if child == 0:
        try:
            _count_down(step)
            action()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    _, ended = os.waitpid(child, 0)
    if os.WIFSIGNALED(ended):
        assert os.WTERMSIG(ended) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(ended) == 0
    return False


def _count_down(step: int) -> None:
    left = [step]

    def deadly(call):
        def counted(*given, **named):
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return call(*given, **named)

        return counted

    for name in CALLS:
        setattr(os, name, deadly(getattr(os, name)))


def until_through(action: Callable[[], object], after: Callable[[], None], every: int = 1) -> int:
    """Kill it at every step, look at what is left `after` each; gives how often it was killed."""
    step = 0
    while killed_at(step * every, action):
        after()
        step += 1
    return step


def opened(root: Path, micros: int = 0):
    return make_workspace(root, ManualClock(NOON + micros))


def test_a_commit(tmp_path):
    folder = write(tmp_path / "d", FILES)
    root = tmp_path / "project"
    opened(root).close()

    def action():
        commit_in(opened(root), folder)

    def after():
        ws = opened(root)
        assert operations.dataset_names(ws) in ([], ["d"])  # whole, or not at all
        if operations.dataset_names(ws):
            operations.checkout(ws, "d", "", tmp_path / "there")
            assert read(tmp_path / "there") == FILES
        ws.journal.verify()
        ws.close()

    assert until_through(action, after) > 20
    ws = opened(root)
    assert len(operations.log(ws, "d")) == 1
    operations.checkout(ws, "d", "", tmp_path / "there")
    assert read(tmp_path / "there") == FILES
    ws.close()


@pytest.mark.parametrize("link", ["hardlink", "copy"])
def test_a_checkout(tmp_path, link):
    root, folder = tmp_path / "project", tmp_path / "d"
    ws = opened(root)
    old = commit_in(ws, write(folder, FILES))
    (folder / "b/c").unlink()
    (folder / "b/d").unlink()
    (folder / "b").rmdir()
    new = commit_in(ws, write(folder, {name: text for name, text in OTHERS.items() if text is not None}))
    expected = read(folder)
    ws.close()
    there = tmp_path / "there"
    turn = [old, new]

    def checkout(snapshot):
        ws = opened(root)
        operations.checkout(ws, "d", snapshot.id, there, link=link)
        ws.close()

    checkout(old)

    def after():
        """Run again it completes, and the next one goes the other way."""
        write(there, {"mine": "never touched"})
        checkout(turn[1])
        ws = opened(root)
        assert read(there) == {**(expected if turn[1] is new else FILES), "mine": "never touched"}
        assert [change.path for change in operations.status(ws, there).changes] == [b"mine"]
        (there / "mine").unlink()
        ws.close()
        turn.reverse()

    assert until_through(lambda: checkout(turn[1]), after) > 20


def test_a_checkout_to_another_snapshot_after_a_broken_one(tmp_path):
    root, folder = tmp_path / "project", tmp_path / "d"
    ws = opened(root)
    old = commit_in(ws, write(folder, FILES))
    new = commit_in(ws, write(folder, {"a": "uno", "x": "y"}))
    ws.close()
    there = tmp_path / "there"

    def checkout(snapshot):
        ws = opened(root)
        operations.checkout(ws, "d", snapshot.id, there)
        ws.close()

    checkout(old)

    def after():
        checkout(old)
        assert read(there) == FILES

    assert until_through(lambda: checkout(new), after) > 10


def test_a_collection(tmp_path):
    root, folder = tmp_path / "project", tmp_path / "d"
    ws = opened(root)
    for number in range(4):
        commit_in(ws, write(folder, {"a": str(number)}), branch="main")
    ws.close()

    def action():
        operations.collect(opened(root), history=1)

    def after():
        ws = opened(root)
        operations.checkout(ws, "d", "", tmp_path / "there")
        assert read(tmp_path / "there") == {"a": "3"}
        ws.close()

    assert until_through(action, after) > 5
    ws = opened(root)
    assert len(list(object_store(ws).all())) == 3
    assert not list(object_store(ws).left_over())
    ws.close()
