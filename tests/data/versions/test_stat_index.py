"""When the index believes that a file is what it was, and when it would rather read it again."""

import os

import pytest

from noria.data.versions.model import Entry
from noria.data.versions.stat_index import Row, load_index, matches, save_index

SECOND = 1_000_000_000
BEGAN = 1_700_000_000 * SECOND + 123_456_789


def row(modified, path=b"a", changed=5):
    return Row(Entry(path, "file", 4, bytes(32)), modified, changed, 7)


@pytest.mark.parametrize(
    ("modified", "kept"),
    [
        (BEGAN, False),
        (BEGAN - 1, False),
        (BEGAN - 49_000_000, False),  # a clock may tick every 10 ms, and a coarse one is behind by as much
        (BEGAN - 51_000_000, True),
        (BEGAN // SECOND * SECOND - SECOND, False),  # whole seconds: perhaps a disk that keeps no more
        (BEGAN // SECOND * SECOND - 3 * SECOND, True),
        (BEGAN + 3600 * SECOND, False),  # from the future
    ],
)
def test_a_file_that_could_change_again_in_the_same_tick_is_not_remembered(tmp_path, modified, kept):
    save_index(tmp_path / "index", [row(modified)], BEGAN)
    assert bool(load_index(tmp_path / "index")) is kept


def test_rows_come_back_as_they_were(tmp_path):
    rows = [row(1, b"caf\xe9\n"), Row(Entry(b"b", "program", 9, b"x" * 32, b"m" * 16), 3, 0, 2**63)]
    save_index(tmp_path / "index", rows, BEGAN)
    assert load_index(tmp_path / "index") == {one.entry.path: one for one in rows}


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-1], lambda data: data[:60] + b"?" + data[61:]]
)
def test_a_damaged_index_is_none(tmp_path, damage):
    save_index(tmp_path / "index", [row(3)], BEGAN)
    (tmp_path / "index").write_bytes(damage((tmp_path / "index").read_bytes()))
    assert load_index(tmp_path / "index") == {}


def test_each_property_of_a_file_counts(tmp_path):
    file = tmp_path / "file"
    file.write_text("meow")
    stat = file.stat()

    def believed(**other):
        kept = {"size": 4, "modified": stat.st_mtime_ns, "changed": stat.st_ctime_ns, "inode": stat.st_ino,
                "kind": "file"} | other  # fmt: skip
        entry = Entry(b"file", kept["kind"], kept["size"], bytes(32))
        return matches(Row(entry, kept["modified"], kept["changed"], kept["inode"]), os.lstat(file))

    assert believed()
    assert believed(changed=0)  # a hard link of an object: another link changes the time
    for other in ({"size": 5}, {"modified": 1}, {"changed": 1}, {"inode": 1}):
        assert not believed(**other), other
    assert not believed(changed=0, kind="program")
