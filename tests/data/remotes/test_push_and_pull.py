"""Two people and a remote, in a real S3 server and in a shared folder."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from noria.core.errors import NotFound
from noria.data.remotes.model import BadRemote, Diverged, RemoteAway, RemoteMoved
from noria.data.remotes.opening import open_remote
from noria.data.remotes.pulling import pull
from noria.data.remotes.pushing import push
from noria.data.versions import operations
from noria.data.versions.places import object_store
from noria.data.versions.refs import RefMoved
from noria.data.versions.snapshots import NoSnapshot
from noria.erasure.operations import erase, subject_of

sys.path.insert(0, str(Path(__file__).parent))

from conftest import checked_out, commit


def test_what_one_pushes_another_pulls(remote, people):
    ann, bob = people("ann"), people("bob")
    commit(ann, "first", cat_txt="meow", rex_txt="woof", empty_txt="")
    last = commit(ann, "second", cat_txt="purr", large_bin=random.Random(1).randbytes(600_000))
    operations.tag(ann, "pets", "v1")

    pushed = push(ann, remote, "pets")
    assert (dict(pushed.moved), pushed.snapshots) == ({"main": last.id, "v1": last.id}, 2)
    pulled = pull(bob, remote, "pets")
    assert (pulled.how, pulled.snapshot, pulled.snapshots) == ("new", last.id, 2)
    assert checked_out(bob) == checked_out(ann)
    assert [one.origin.message for one in operations.log(bob, "pets")] == ["second", "first"]
    assert pull(bob, remote, "pets", "v1").how == "new"
    assert operations.resolve(bob, "pets", "v1") == last


def test_only_what_is_lacking_travels(remote, people):
    ann, bob = people("ann"), people("bob")
    commit(ann, **{f"a{number}_txt": f"content {number}" for number in range(200)})
    assert push(ann, remote, "pets").objects > 200
    commit(ann, a7_txt="another")
    again = push(ann, remote, "pets")
    assert again.objects == 4, "the file, its page, the manifest, and the snapshot"
    assert push(ann, remote, "pets").objects == 0
    pull(bob, remote, "pets")
    commit(ann, a8_txt="another, too")
    push(ann, remote, "pets")
    forward = pull(bob, remote, "pets")
    assert (forward.how, forward.objects) == ("forward", 3)
    assert pull(bob, remote, "pets").how == "already"


def test_old_content_comes_when_it_is_asked_for(remote, people):
    ann, bob = people("ann"), people("bob")
    commit(ann, cat_txt="meow")
    commit(ann, cat_txt="purr")
    push(ann, remote, "pets")
    pull(bob, remote, "pets")
    with pytest.raises(NotFound, match="not pulled yet"):
        checked_out(bob, "main~1")
    pull(bob, remote, "pets", whole=True)
    assert checked_out(bob, "main~1") == {"cat.txt": b"meow"}


def test_thousands_of_small_files_are_a_few_requests(s3, credentials, tmp_path, people):
    ann, bob = people("ann"), people("bob")
    commit(ann, **{f"f{number}_txt": f"{number:0500}" for number in range(3000)})
    there = open_remote(s3.url(f"{tmp_path.name}/many"))
    s3.requests.clear()
    assert push(ann, there, "pets").objects > 3000
    assert len(s3.requests) <= 10, s3.requests
    s3.requests.clear()
    assert pull(bob, there, "pets").objects > 3000
    assert len(s3.requests) <= 10, s3.requests
    assert len(checked_out(bob)) == 3000


def test_of_two_who_push_one_branch_the_second_is_told_and_loses_nothing(remote, people):
    ann, bob = people("ann"), people("bob")
    commit(ann, cat_txt="meow", rex_txt="woof")
    push(ann, remote, "pets")
    pull(bob, remote, "pets")
    operations.checkout(bob, "pets", "main", bob.root.parent / "pets")
    hers, his = commit(ann, cat_txt="purr"), commit(bob, rex_txt="growl")
    push(ann, remote, "pets")

    with pytest.raises(RemoteMoved, match="which yours does not descend from"):
        push(bob, remote, "pets")
    with pytest.raises(Diverged, match="both are here now"):
        pull(bob, remote, "pets")
    assert operations.resolve(bob, "pets") == his
    operations.merge(bob, "pets", hers.id, "main")
    push(bob, remote, "pets")
    assert pull(ann, remote, "pets").how == "forward"
    assert checked_out(ann) == {"cat.txt": b"purr", "rex.txt": b"growl"}


def test_a_branch_that_moves_while_a_push_runs_stays_where_it_is(remote, people, monkeypatch):
    ann, bob = people("ann"), people("bob")
    commit(ann, cat_txt="meow")
    push(ann, remote, "pets")
    pull(bob, remote, "pets")
    operations.checkout(bob, "pets", "main", bob.root.parent / "pets")
    hers = commit(ann, cat_txt="purr")
    commit(bob, cat_txt="hiss")

    def meanwhile(ws, dataset):
        monkeypatch.undo()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            os.environ[name] = "tests"
        push(ann, remote, "pets")
        return ()

    monkeypatch.setattr("noria.data.remotes.pushing.table_specs", meanwhile)
    with pytest.raises(RemoteMoved, match="was moved on the remote while this push ran"):
        push(bob, remote, "pets")
    assert pull(people("eve"), remote, "pets").snapshot == hers.id


def test_tags_do_not_move(remote, people):
    ann, bob = people("ann"), people("bob")
    commit(ann, cat_txt="meow")
    commit(bob, cat_txt="purr")
    for one in (ann, bob):
        operations.tag(one, "pets", "v1")
    push(ann, remote, "pets", ["v1"])
    with pytest.raises(RemoteMoved, match="tags do not move"):
        push(bob, remote, "pets", ["v1"])
    with pytest.raises(RefMoved):
        pull(bob, remote, "pets", "v1")


def test_what_was_erased_here_does_not_come_back(remote, people):
    import pyarrow as pa
    import pyarrow.parquet as pq

    ann = people("ann")
    folder = ann.root.parent / "pets"
    folder.mkdir()
    pq.write_table(pa.table({"owner": ["u-4711", "u-1"], "pet": ["cat", "dog"]}), folder / "pets.parquet")
    commit(ann)
    push(ann, remote, "pets")
    erase(ann, subject_of("owner=u-4711"))
    assert pull(ann, remote, "pets", whole=True).objects == 0
    operations.checkout(ann, "pets", "", ann.root.parent / "again")
    assert pq.read_table(ann.root.parent / "again" / "pets.parquet")["owner"].to_pylist() == ["u-1"]


def test_a_snapshot_collected_here_is_pushed_without_its_content(remote, people):
    ann = people("ann")
    commit(ann, cat_txt="meow")
    commit(ann, cat_txt="purr")
    operations.collect(ann, history=1)
    assert push(ann, remote, "pets").missing == 1
    assert pull(people("bob"), remote, "pets", whole=True).snapshots == 2


PUSHING = """
import sys
from pathlib import Path
from noria.data.remotes import packing
from noria.data.remotes.opening import open_remote
from noria.data.remotes.pushing import push
from noria.testing.workspace import make_workspace
packing._PACK = packing._BLOCK = 40_000  # many packs, so that a kill falls between them
def told(what, done, total):
    if done % 300 == 0:
        print(done, flush=True)
        sys.stdin.readline()
push(make_workspace(Path(sys.argv[1])), open_remote(sys.argv[2]), "pets", progress=told)
"""


def test_a_push_killed_again_and_again_is_completed_by_the_next(address, remote, people):
    ann = people("ann")
    draw = random.Random(5)
    commit(ann, **{f"f{number}_bin": draw.randbytes(300) for number in range(1000)})
    kept = []
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", PUSHING, str(ann.root), address],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout.readline().strip() == "300"
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kept.append(len(remote.names("packs")))
        with pytest.raises(NoSnapshot, match="nothing of pets was pushed"):
            pull(people("bob"), remote, "pets")
    assert kept[0] < kept[1] < kept[2]
    assert push(ann, remote, "pets").objects < 500
    pull(people("bob"), remote, "pets")
    assert checked_out(people("bob")) == checked_out(ann)


def test_a_pull_that_runs_out_of_room_is_completed_when_there_is_some(remote, people, monkeypatch):
    ann, bob = people("ann"), people("bob")
    commit(ann, **{f"f{number}_txt": str(number) for number in range(50)})
    sent = push(ann, remote, "pets").objects
    store = type(object_store(bob))
    keep, kept = store.keep, []

    def full(self, digest, data):
        if len(kept) == 20:
            raise OSError(28, "No space left on device")
        kept.append(digest)
        keep(self, digest, data)

    with monkeypatch.context() as patch:
        patch.setattr(store, "keep", full)
        with pytest.raises(OSError, match="No space left"):
            pull(bob, remote, "pets")
    assert operations.dataset_names(bob) == []
    assert 0 < pull(bob, remote, "pets").objects < sent - 1 - 5, "what was kept does not come again"
    assert len(checked_out(bob)) == 50


@pytest.mark.parametrize("address", [
    "", "pets", "ftp://a/b", "s3://", "s3://bucket?secret_access_key=1", "s3://bucket?color=red", "http://a/b",
])  # fmt: skip
def test_what_is_no_remote(address):
    with pytest.raises(BadRemote):
        open_remote(address)


def test_a_bucket_that_is_not_there_and_a_server_that_is_not(s3, credentials, people, monkeypatch):
    ann = people("ann")
    commit(ann, cat_txt="meow")
    with pytest.raises(BadRemote, match="there is no bucket"):
        push(ann, open_remote(f"s3://nobody/x?endpoint={s3.endpoint}"), "pets")
    monkeypatch.setattr("noria.data.remotes.opening._RETRIES", 0)
    with pytest.raises(RemoteAway, match="does not do what it was asked"):
        push(ann, open_remote("s3://team/x?endpoint=http://127.0.0.1:9"), "pets")


def test_what_is_not_there_is_told_with_what_is(remote, people):
    ann = people("ann")
    commit(ann, cat_txt="meow")
    push(ann, remote, "pets")
    with pytest.raises(NoSnapshot, match="main"):
        pull(people("bob"), remote, "pets", "mian")
    with pytest.raises(NoSnapshot):
        push(ann, remote, "pets", ["mian"])
