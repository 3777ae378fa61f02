"""What differs between two snapshots: paths, and the rows of tables that have a key."""

import math

import pytest

from noria.data.versions import manifests, operations
from noria.data.versions.describing import BadTable
from noria.data.versions.model import TableSpec, shown
from noria.data.versions.rows import NoKey

from .conftest import commit_in, write, write_table


def told(ws, old, new):
    found = operations.diff(ws, old, new)
    return [(change.kind, shown(change.path)) for change in found.changes]


def test_files_added_removed_changed_and_renamed(ws, tmp_path, commit):
    folder = write(tmp_path / "d", {"same": "same", "changes": "1", "goes": "gone", "moves": "a long way"})
    old = commit(folder)
    write(folder, {"changes": "2", "goes": None, "moves": None, "there/moved": "a long way", "comes": "new"})
    new = commit(folder)
    assert told(ws, old, new) == [
        ("changed", "changes"), ("added", "comes"), ("removed", "goes"), ("renamed", "there/moved"),
    ]  # fmt: skip
    assert {kind for kind, _ in told(ws, new, old)} == {"changed", "added", "removed", "renamed"}
    assert told(ws, old, old) == []


def test_the_executable_bit_is_a_change(ws, tmp_path, commit):
    folder = write(tmp_path / "d", {"run.sh": "#!/bin/sh\n"})
    old = commit(folder)
    (folder / "run.sh").chmod(0o755)
    assert told(ws, old, commit(folder)) == [("changed", "run.sh")]


def test_one_changed_file_among_many_reads_one_page_of_each_side(ws, tmp_path, monkeypatch):
    folder = write(tmp_path / "d", {f"{number:05d}": str(number) for number in range(6000)})
    old = commit_in(ws, folder)
    write(folder, {"03000": "changed", "03000a": "added"})
    new = commit_in(ws, folder)
    pages = []
    plain = manifests.read_page
    monkeypatch.setattr(manifests, "read_page", lambda store, page: (pages.append(page), plain(store, page))[1])
    assert told(ws, old, new) == [("changed", "03000"), ("added", "03000a")]
    assert len(pages) <= 3  # the added path may end a page
    manifest, _ = operations.manifest_of(ws, new)
    assert len(manifest.pages) > 4


class TestRows:
    """Tables with a key are compared row by row."""

    TABLE = TableSpec("people", "people*.parquet", ("id",))

    def people(self, ws, folder, rows, name="people.parquet"):
        write_table(folder / name, rows)
        return commit_in(ws, folder, tables=[TableSpec("people", "people*", ("id",))])

    def test_rows_added_removed_and_changed(self, ws, tmp_path):
        old = self.people(ws, tmp_path / "d", [
            {"id": 1, "name": "Ann", "age": 30.0}, {"id": 2, "name": "Bob", "age": None},
            {"id": 3, "name": "Cid", "age": math.nan}, {"id": 4, "name": "Dee", "age": 1.5},
        ])  # fmt: skip
        new = self.people(ws, tmp_path / "d", [
            {"id": 2, "name": "Bob", "age": 41.0}, {"id": 3, "name": "Cid", "age": math.nan},
            {"id": 4, "name": "Di", "age": 2.5}, {"id": 5, "name": "Eve", "age": 9.0},
        ])  # fmt: skip
        (table,) = operations.diff(ws, old, new).tables
        assert (table.added, table.removed, table.changed) == (1, 1, 2)
        assert table.by_column == {"name": 1, "age": 2}
        assert [(row.kind, row.key, row.old, row.new) for row in table.rows] == [
            ("removed", {"id": 1}, {"name": "Ann", "age": 30.0}, {}),
            ("changed", {"id": 2}, {"age": None}, {"age": 41.0}),
            ("changed", {"id": 4}, {"name": "Dee", "age": 1.5}, {"name": "Di", "age": 2.5}),
            ("added", {"id": 5}, {}, {"name": "Eve", "age": 9.0}),
        ]

    @pytest.mark.parametrize("name", ["people.parquet", "people.csv"])
    def test_columns_come_and_go(self, ws, tmp_path, name):
        old = self.people(ws, tmp_path / "d", [{"id": 1, "a": 1, "old": 2, "x;--\"'": 1}], name)
        new = self.people(ws, tmp_path / "d", [{"id": 1, "a": 1, "new": 3, "x;--\"'": 2}], name)
        (table,) = operations.diff(ws, old, new).tables
        assert (table.columns_added, table.columns_removed) == (("new",), ("old",))
        assert table.by_column == {"x;--\"'": 1}

    def test_a_key_of_two_columns_that_look_alike_when_joined(self, ws, tmp_path):
        def rows(value):
            return [{"a": "1", "b": "23", "v": value}, {"a": "12", "b": "3", "v": 0}]

        for value in (0, 1):
            write_table(tmp_path / "d/t.parquet", rows(value))
            commit_in(ws, tmp_path / "d", tables=[TableSpec("t", "t.parquet", ("a", "b"))])
        (table,) = operations.diff(ws, *reversed(operations.log(ws, "d"))).tables
        assert [(row.kind, row.key) for row in table.rows] == [("changed", {"a": "1", "b": "23"})]

    def test_columns_named_like_our_own(self, ws, tmp_path):
        rows = [{"id": 1, "kind": "a", "o": 1, "n": 2, "k0": 3, "d0": 4, "noria_old": 5, "conflict": True}]
        old = self.people(ws, tmp_path / "d", rows)
        new = self.people(ws, tmp_path / "d", [{**rows[0], "kind": "b"}])
        (table,) = operations.diff(ws, old, new).tables
        assert [(row.old, row.new) for row in table.rows] == [({"kind": "a"}, {"kind": "b"})]

    def test_a_table_of_several_files_without_its_key_once(self, ws, tmp_path):
        folder = tmp_path / "d"
        write_table(folder / "people-1.parquet", [{"id": 1, "v": 1}])
        old = self.people(ws, folder, [{"id": 2, "v": 2}], "people-2.parquet")
        manifest, _ = operations.manifest_of(ws, old)
        assert (manifest.tables[0].rows, manifest.tables[0].files) == (2, (b"people-1.parquet", b"people-2.parquet"))
        new = self.people(ws, folder, [{"id": 1, "v": 2}], "people-2.parquet")
        with pytest.raises(NoKey, match="id=1 is null or there twice"):
            operations.diff(ws, old, new)
        assert len(operations.diff(ws, old, new, rows=False).changes) == 1

    def test_what_a_snapshot_says_of_a_table(self, ws, tmp_path):
        snapshot = self.people(ws, tmp_path / "d", [{"id": 1, "name": None}, {"id": 7, "name": "Ann"}])
        (table,) = operations.manifest_of(ws, snapshot)[0].tables
        assert table.schema == (("id", "int64"), ("name", "string"))
        assert table.statistics["id"] == {"nulls": 0, "min": "1", "max": "7"}
        assert table.statistics["name"] == {"nulls": 1, "min": "Ann", "max": "Ann"}

    def test_the_declaration_is_kept(self, ws, tmp_path):
        self.people(ws, tmp_path / "d", [{"id": 1, "v": 1}])
        write_table(tmp_path / "d/people.parquet", [{"id": 1, "v": 2}])
        new = commit_in(ws, tmp_path / "d")
        assert operations.manifest_of(ws, new)[0].tables[0].key == ("id",)

    def test_a_table_that_cannot_be_one(self, ws, tmp_path):
        write_table(tmp_path / "d/people.parquet", [{"a": 1}])
        with pytest.raises(BadTable, match="has no column 'id' to be its key; it has: a"):
            commit_in(ws, tmp_path / "d", tables=[self.TABLE])
        write(tmp_path / "d", {"people.txt": "?"})
        with pytest.raises(BadTable, match="needs files that are all"):
            commit_in(ws, tmp_path / "d", tables=[TableSpec("people", "people.*")])
        assert operations.dataset_names(ws) == []
