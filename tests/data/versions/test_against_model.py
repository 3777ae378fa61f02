"""Random trees, edits, branches and merges, against a model that is nothing but dictionaries."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noria.core.clock import ManualClock
from noria.data.versions import operations
from noria.data.versions.checking_out import Uncommitted
from noria.data.versions.merging import MergeConflict
from noria.data.versions.model import TableSpec, shown
from noria.testing.workspace import NOON, make_workspace

from .conftest import commit_in, read, write, write_table

NAMES = st.sampled_from(["a", "b", "c", "d/a", "d/b", "d/e/f", "d/e/g", "h/i"])
TEXTS = st.sampled_from(["", "1", "2", "3", "longer", "x" * 3000])
TREES = st.dictionaries(NAMES, TEXTS, max_size=6)
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Place:
    """A workspace of its own for one example."""

    def __enter__(self) -> Place:
        self.root = Path(tempfile.mkdtemp())
        self.ws = make_workspace(self.root / "project", ManualClock(NOON))
        return self

    def __exit__(self, *_: object) -> None:
        self.ws.close()
        shutil.rmtree(self.root)

    def become(self, name: str, files: dict[str, str]) -> Path:
        """A folder with these files and nothing else; what stays the same is not touched."""
        folder = self.root / name
        before = read(folder) if folder.exists() else {}
        write(folder, {one: None for one, text in before.items() if one not in files and text != "/"})
        for empty in sorted((one for one in folder.rglob("*") if one.is_dir()), reverse=True):
            if not any(empty.iterdir()):
                empty.rmdir()
        return write(folder, {one: text for one, text in files.items() if before.get(one) != text})


def naive_diff(old: dict[str, str], new: dict[str, str]) -> set[tuple[str, str]]:
    """Without renames."""
    found = {("added", name) for name in new.keys() - old.keys()}
    found |= {("removed", name) for name in old.keys() - new.keys()}
    return found | {("changed", name) for name in new.keys() & old.keys() if old[name] != new[name]}


def naive_merge(base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]) -> dict[str, str] | set[str]:
    """The merged files, or the names in conflict."""
    merged, conflicts = {}, set()
    for name in base.keys() | ours.keys() | theirs.keys():
        b, o, t = base.get(name), ours.get(name), theirs.get(name)
        if o != t and o != b and t != b:
            conflicts.add(name)
        chosen = o if t == b else t
        if chosen is not None:
            merged[name] = chosen
    return conflicts or merged


def plain(changes) -> set[tuple[str, str]]:
    """Changes with a rename as what it is: one name gone, another one come."""
    found = set()
    for change in changes:
        if change.kind == "renamed":
            assert change.old.content == change.new.content
            found |= {("removed", shown(change.old.path)), ("added", shown(change.new.path))}
        else:
            found.add((change.kind, shown(change.path)))
    return found


@QUICK
@given(st.lists(TREES, min_size=1, max_size=5), st.data())
def test_every_state_comes_back_and_every_difference_is_told(states, data):
    with Place() as place:
        snapshots = [commit_in(place.ws, place.become("d", files), branch="main") for files in states]
        assert all(
            (one.root == other.root) == (states[i] == states[j])
            for i, one in enumerate(snapshots)
            for j, other in enumerate(snapshots)
        )
        link = data.draw(st.sampled_from(["hardlink", "copy"]))
        for index in data.draw(st.permutations(range(len(states)))):
            operations.checkout(place.ws, "d", snapshots[index].id, place.root / "there", link=link)
            assert read(place.root / "there") == states[index]
            assert operations.status(place.ws, place.root / "there").changes == ()
        for i, old in enumerate(snapshots):
            for j, new in enumerate(snapshots):
                assert plain(operations.diff(place.ws, old, new).changes) == naive_diff(states[i], states[j])


@QUICK
@given(TREES, TREES, TREES)
def test_merges(base, ours, theirs):
    with Place() as place:
        ws = place.ws
        start = commit_in(ws, place.become("d", base))
        operations.branch(ws, "d", "other")
        operations.checkout(ws, "d", "other", place.root / "e")
        commit_in(ws, place.become("d", ours))
        commit_in(ws, place.become("e", theirs))
        expected = naive_merge(base, ours, theirs)
        if isinstance(expected, set):
            try:
                operations.merge(ws, "d", "other")
                raise AssertionError(f"a conflict in {expected} was not found")
            except MergeConflict as conflict:
                assert {shown(one.path) for one in conflict.paths} == expected
                return
        operations.merge(ws, "d", "other")
        operations.checkout(ws, "d", "main", place.root / "there")
        assert read(place.root / "there") == expected
        assert start.id in {one.id for one in operations.log(ws, "d")}


@QUICK
@given(TREES, TREES, TREES)
def test_a_checkout_never_loses_what_was_not_committed(first, second, edited):
    """The folder was checked out at `first` and edited; a checkout of `second` either keeps every edit or refuses."""
    with Place() as place:
        ws = place.ws
        one = commit_in(ws, place.become("d", first))
        two = commit_in(ws, place.become("d", second))
        there = place.root / "there"
        operations.checkout(ws, "d", one.id, there, link="copy")
        place.become("there", edited)
        mine = {name: text for name, text in edited.items() if first.get(name) != text}
        try:
            operations.checkout(ws, "d", two.id, there, link="copy")
        except Uncommitted:
            assert read(there) == edited
            assert any(second.get(name) != text for name, text in mine.items())
            return
        after = read(there)
        assert {name: after[name] for name in mine} == mine
        assert {name: text for name, text in after.items() if name not in mine} == {
            name: text for name, text in second.items() if name not in mine
        }


ROWS = st.dictionaries(st.integers(0, 5), st.tuples(st.integers(0, 2), st.sampled_from([None, "x", "y"])), max_size=5)
Rows = dict[int, tuple[int, str | None]]


def naive_rows(base: Rows, ours: Rows, theirs: Rows) -> Rows | set[int]:
    """The merged rows, cell by cell, or the keys in conflict."""
    merged: Rows = {}
    conflicts = set()
    for key in base.keys() | ours.keys() | theirs.keys():
        b, o, t = base.get(key), ours.get(key), theirs.get(key)
        if b is not None and o is not None and t is not None:
            cells = list(zip(b, o, t, strict=True))
            if any(o != b and t != b and o != t for b, o, t in cells):
                conflicts.add(key)
            merged[key] = tuple(o if o != b else t for b, o, t in cells)  # type: ignore[assignment]
        elif o == t or t == b:
            if o is not None:
                merged[key] = o
        elif o == b:
            if t is not None:
                merged[key] = t
        else:
            conflicts.add(key)
    return conflicts or merged


@QUICK
@given(ROWS, ROWS, ROWS)
def test_merges_of_rows(base, ours, theirs):
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("id", pa.int64()), ("n", pa.int64()), ("s", pa.string())])

    def put(folder: Path, rows: Rows) -> Path:
        write_table(folder / "t.parquet", [{"id": 0}])
        (folder / "t.parquet").unlink()
        table = pa.Table.from_pylist([{"id": k, "n": n, "s": s} for k, (n, s) in rows.items()], schema=schema)
        pq.write_table(table, folder / "t.parquet")
        return folder

    with Place() as place:
        ws = place.ws
        commit_in(ws, put(place.root / "d", base), tables=[TableSpec("t", "t.parquet", ("id",))])
        operations.branch(ws, "d", "other")
        operations.checkout(ws, "d", "other", place.root / "e")
        commit_in(ws, put(place.root / "d", ours))
        commit_in(ws, put(place.root / "e", theirs))
        expected = naive_rows(base, ours, theirs)
        try:
            done = operations.merge(ws, "d", "other")
        except MergeConflict as conflict:
            assert {row.key["id"] for row in conflict.rows} == expected
            return
        operations.checkout(ws, "d", "main", place.root / "there")
        rows = duckdb.sql(f"SELECT * FROM '{place.root}/there/t.parquet'").fetchall()
        assert {key: (n, s) for key, n, s in rows} == expected
        assert done.how in ("merged", "forward", "already")
