"""Branches and tags on SQLite and PostgreSQL: compare-and-set, one winner, names that say what they are."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from noria.core.errors import BadInput
from noria.data.versions import operations
from noria.data.versions.model import EMPTY
from noria.data.versions.refs import RefMoved, move_branch
from noria.data.versions.snapshots import NoDataset, NoSnapshot
from noria.stores.journal import Fact

from .conftest import commit_in, write


def three(ws, tmp_path):
    """A dataset with three snapshots, oldest first."""
    folder = tmp_path / "d"
    return [commit_in(ws, write(folder, {"a": str(number)}), str(number)) for number in range(3)]


def test_a_snapshot_is_addressed_by_branch_tag_or_id(either_ws, tmp_path):
    ws, (first, second, third) = either_ws, three(either_ws, tmp_path)
    operations.tag(ws, "d", "v1", "main~2")
    operations.branch(ws, "d", "try/it", "v1")
    for text, snapshot in {
        "d": third, "d@main": third, "d@main~": second, "d@main~2": first, "d@main~~": first, "d@v1": first,
        "d@try/it": first, f"d@{second.id[:8]}": second, f"d@{third.id}~1": second,
    }.items():  # fmt: skip
        assert operations.address(ws, text) == snapshot, text


def test_names_that_mean_nothing(either_ws, tmp_path):
    ws, (first, *_) = either_ws, three(either_ws, tmp_path)
    with pytest.raises(NoDataset, match="there is no dataset 'e'; there are: d"):
        operations.address(ws, "e")
    with pytest.raises(NoSnapshot, match="there is no branch, tag or snapshot 'mein'; there are: main"):
        operations.address(ws, "d@mein")
    with pytest.raises(NoSnapshot, match="is the first one"):
        operations.address(ws, "d@main~3")
    with pytest.raises(BadInput, match="looks like the id of a snapshot"):
        operations.tag(ws, "d", first.id[:10])


def test_a_tag_stays_and_a_branch_moves_only_from_where_it_is(either_ws, tmp_path):
    ws, (first, second, third) = either_ws, three(either_ws, tmp_path)
    operations.tag(ws, "d", "v1", first.id)
    assert operations.tag(ws, "d", "v1", first.id).snapshot == first.id  # again: nothing changes
    with pytest.raises(RefMoved, match="is a tag, which stays at"):
        operations.tag(ws, "d", "v1", second.id)
    with pytest.raises(RefMoved, match=f"is at {third.id[:12]} now"), ws.database.transaction() as connection:
        move_branch(ws, connection, "d", "main", first.id, second.id)
    with pytest.raises(RefMoved, match="there is a branch 'main' already"), ws.database.transaction() as connection:
        move_branch(ws, connection, "d", "main", EMPTY, second.id)
    assert operations.resolve(ws, "d") == third


def test_a_refused_move_leaves_no_fact_behind(either_ws, tmp_path):
    ws, (first, second, _) = either_ws, three(either_ws, tmp_path)
    before = len(ws.journal.read())
    with pytest.raises(RefMoved), ws.database.transaction() as connection:
        ws.journal.append(connection, Fact("DataCommitted", "dataset:d"))
        move_branch(ws, connection, "d", "main", first.id, second.id)
    assert len(ws.journal.read()) == before


def test_of_many_writers_one_wins(either_ws, tmp_path):
    ws, (first, second, third) = either_ws, three(either_ws, tmp_path)
    start = Barrier(6)

    def move(number: int) -> bool:
        start.wait()
        try:
            with ws.database.transaction() as connection:
                move_branch(ws, connection, "d", "main", third.id, (first, second)[number % 2].id)
        except RefMoved as refused:
            assert refused.head in (first.id, second.id)
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(move, range(6))) == 1


def test_of_many_writers_of_a_new_branch_one_wins(either_ws, tmp_path):
    ws, snapshots = either_ws, three(either_ws, tmp_path)
    start = Barrier(3)

    def make(number: int) -> bool:
        start.wait()
        try:
            with ws.database.transaction() as connection:
                move_branch(ws, connection, "d", "new", EMPTY, snapshots[number].id)
        except RefMoved:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(make, range(3))) == 1


def test_a_removed_name_is_gone_and_its_snapshot_is_not(either_ws, tmp_path):
    ws, (first, *_) = either_ws, three(either_ws, tmp_path)
    operations.tag(ws, "d", "v1", first.id)
    operations.delete_ref(ws, "d", "v1")
    with pytest.raises(NoSnapshot):
        operations.delete_ref(ws, "d", "v1")
    assert operations.address(ws, f"d@{first.id[:12]}") == first
    assert [entry.kind for entry in ws.journal.read(subject="dataset:d", newest_first=True, limit=1)] == [
        "ReferenceDeleted"
    ]


def test_the_journal_tells_every_move_and_is_whole(either_ws, tmp_path):
    three(either_ws, tmp_path)
    kinds = [entry.kind for entry in either_ws.journal.read(subject="dataset:d")]
    assert kinds == ["DataCommitted", "BranchMoved"] * 3
    assert either_ws.journal.verify() >= 6
