"""Three-way merges: by path, and tables by their rows; all of it fits, or nothing is written."""

from collections.abc import Mapping

import duckdb
import pytest

from noria.data.versions import operations
from noria.data.versions.merging import MergeConflict
from noria.data.versions.model import TableSpec, shown
from noria.data.versions.places import object_store

from .conftest import commit_in, read, write, write_table


def diverge(ws, tmp_path, base, ours, theirs):
    """A dataset `d` whose branches main and other come from one snapshot."""
    mine, yours = tmp_path / "mine", tmp_path / "yours"
    commit_in(ws, write(mine, base), dataset="d")
    operations.branch(ws, "d", "other")
    operations.checkout(ws, "d", "other", yours)
    return commit_in(ws, write(mine, ours)), commit_in(ws, write(yours, theirs))


def held(ws, tmp_path, reference="main"):
    operations.checkout(ws, "d", reference, tmp_path / "held", force=True)
    return read(tmp_path / "held")


def test_changes_of_different_paths_fit(ws, tmp_path):
    ours, theirs = diverge(
        ws, tmp_path,
        {"a": "1", "b": "1", "c": "1", "d": "1"},
        {"a": "2", "c": None, "mine": "m", "both": "same"},
        {"b": "2", "d": None, "yours": "y", "both": "same"},
    )  # fmt: skip
    merged = operations.merge(ws, "d", "other", message="together")
    assert (merged.how, merged.snapshot.parents) == ("merged", (ours.id, theirs.id))
    assert held(ws, tmp_path) == {"a": "2", "b": "2", "mine": "m", "yours": "y", "both": "same"}
    assert operations.merge(ws, "d", "other").how == "already"
    assert [one.origin.message for one in operations.log(ws, "d", limit=1)] == ["together"]


def test_a_branch_that_did_not_move_goes_forward(ws, tmp_path):
    folder = write(tmp_path / "d", {"a": "1"})
    commit_in(ws, folder)
    operations.branch(ws, "d", "other")
    ahead = commit_in(ws, write(folder, {"a": "2"}))
    done = operations.merge(ws, "d", "main", "other")
    assert (done.how, done.snapshot) == ("forward", ahead)
    assert operations.resolve(ws, "d", "other") == ahead


def test_conflicts_are_listed_and_nothing_is_written(ws, tmp_path):
    ours, theirs = diverge(
        ws, tmp_path,
        {"a": "1", "b": "1", "c": "1"},
        {"a": "2", "b": None, "new": "x", "fine": "f"},
        {"a": "3", "b": "2", "new": "y"},
    )  # fmt: skip
    objects, entries = set(object_store(ws).all()), ws.journal.read()
    with pytest.raises(MergeConflict, match="conflict in 3 places") as refused:
        operations.merge(ws, "d", "other")
    assert {shown(one.path): one.why for one in refused.value.paths} == {
        "a": "changed on both sides",
        "b": "removed on one side, changed on the other",
        "new": "added on both sides with different content",
    }
    assert operations.resolve(ws, "d") == ours
    assert operations.resolve(ws, "d", "other") == theirs
    assert (set(object_store(ws).all()), ws.journal.read()) == (objects, entries)


@pytest.mark.parametrize(("side", "left"), [("ours", {"a": "2"}), ("theirs", {"a": "3", "b": "2"})])
def test_one_side_may_be_taken(ws, tmp_path, side, left):
    diverge(ws, tmp_path, {"a": "1", "b": "1"}, {"a": "2", "b": None}, {"a": "3", "b": "2"})
    operations.merge(ws, "d", "other", take=side)
    assert held(ws, tmp_path) == left


def test_a_file_on_one_side_and_a_folder_on_the_other(ws, tmp_path):
    diverge(ws, tmp_path, {"x": "1"}, {"a": "file"}, {"a/b": "inner"})
    with pytest.raises(MergeConflict, match="a file on one side, a folder on the other"):
        operations.merge(ws, "d", "other")


def test_an_empty_folder_gives_way_to_what_is_in_it(ws, tmp_path):
    (write(tmp_path / "mine", {}) / "a").mkdir()
    diverge(ws, tmp_path, {"x": "1"}, {"y": "1"}, {"a/b": "inner"})
    operations.merge(ws, "d", "other")
    assert held(ws, tmp_path) == {"x": "1", "y": "1", "a/b": "inner"}


PEOPLE = [{"id": n, "name": f"n{n}", "age": n} for n in range(1, 7)]


class TestTables:
    """Where both sides changed the file of a keyed table, its rows are merged, cell by cell."""

    def tables(self, ws, tmp_path, base, ours, theirs, suffix="parquet", key=("id",)):
        spec = [TableSpec("people", f"people*.{suffix}", key)]
        mine, yours = tmp_path / "mine", tmp_path / "yours"
        write_table(mine / f"people.{suffix}", base)
        commit_in(ws, mine, dataset="d", tables=spec)
        operations.branch(ws, "d", "other")
        operations.checkout(ws, "d", "other", yours)
        write_table(mine / f"people.{suffix}", ours)
        write_table(yours / f"people.{suffix}", theirs)
        return commit_in(ws, mine), commit_in(ws, yours)

    def rows(self, ws, tmp_path, suffix="parquet"):
        operations.checkout(ws, "d", "", tmp_path / "held", force=True)
        found = duckdb.sql(f"SELECT * FROM '{tmp_path}/held/people.{suffix}' ORDER BY id")
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]

    def changed(self, *changes: Mapping[str, object], without=()):
        by_id = {row["id"]: dict(row) for row in PEOPLE if row["id"] not in without}
        for change in changes:
            by_id[change["id"]] = {**by_id.get(change["id"], {}), **change}
        return list(by_id.values())

    @pytest.mark.parametrize("suffix", ["parquet", "csv"])
    def test_rows_and_cells_of_both_sides(self, ws, tmp_path, suffix):
        self.tables(
            ws, tmp_path, PEOPLE,
            self.changed({"id": 1, "name": "me"}, {"id": 2, "age": 22}, {"id": 8, "name": "m", "age": 8}, without=[5]),
            self.changed({"id": 1, "age": 11}, {"id": 3, "age": 33}, {"id": 9, "name": "y9", "age": 9}, without=[6]),
            suffix,
        )  # fmt: skip
        merged = operations.merge(ws, "d", "other")
        assert merged.tables == ("people",)
        assert self.rows(ws, tmp_path, suffix) == [
            {"id": 1, "name": "me", "age": 11}, {"id": 2, "name": "n2", "age": 22},
            {"id": 3, "name": "n3", "age": 33}, {"id": 4, "name": "n4", "age": 4},
            {"id": 8, "name": "m", "age": 8}, {"id": 9, "name": "y9", "age": 9},
        ]  # fmt: skip
        manifest, _ = operations.manifest_of(ws, merged.snapshot)
        assert manifest.tables[0].rows == 6

    def test_rows_in_conflict_are_listed_and_nothing_is_written(self, ws, tmp_path):
        ours, _ = self.tables(
            ws, tmp_path, PEOPLE,
            self.changed({"id": 1, "age": 100}, {"id": 7, "name": "x", "age": 7}, without=(2,)),
            self.changed({"id": 1, "age": 200}, {"id": 2, "age": 2000}, {"id": 7, "name": "y", "age": 7}),
        )  # fmt: skip
        with pytest.raises(MergeConflict, match="row id=1: age is 100 here, 200 there") as refused:
            operations.merge(ws, "d", "other")
        assert [row.key for row in refused.value.rows] == [{"id": 1}, {"id": 2}, {"id": 7}]
        assert refused.value.rows[1].ours is None
        assert operations.resolve(ws, "d") == ours
        assert list(object_store(ws).left_over()) == []

    def test_without_a_key_a_table_is_a_file(self, ws, tmp_path):
        self.tables(ws, tmp_path, PEOPLE, PEOPLE[1:], PEOPLE[:-1], key=())
        with pytest.raises(MergeConflict, match=r"people.parquet: changed on both sides"):
            operations.merge(ws, "d", "other")

    def test_other_columns_on_one_side_make_it_a_file(self, ws, tmp_path):
        self.tables(ws, tmp_path, PEOPLE, self.changed({"id": 1, "age": 5}), [{**row, "x": 1} for row in PEOPLE])
        with pytest.raises(MergeConflict, match=r"people.parquet: changed on both sides"):
            operations.merge(ws, "d", "other")

    def test_columns_named_like_our_own(self, ws, tmp_path):
        def rows(m0, b):
            return [{"id": 1, "m0": m0, "b": b, "stays": True, "noria_base": 1, "k0": 2}]

        self.tables(ws, tmp_path, rows(0, 0), rows(1, 0), rows(0, 1))
        operations.merge(ws, "d", "other")
        assert self.rows(ws, tmp_path) == rows(1, 1)
