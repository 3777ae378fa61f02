"""Datasets and a lakeFS repository hand folders back and forth. The server is a FAKE of lakeFS's published API
(`noria.testing.lakefs_fake`): none of this was tested against a real lakeFS."""

import json
import os
import signal
import subprocess
import sys

import pytest

from noria.core.errors import BadInput, Conflict, Corrupt, NotFound, Unavailable
from noria.data.versions import operations as versions
from noria.integrations.lakefs import exchange
from noria.integrations.lakefs.client import Address, LakeFS, MergeConflicts, Refused, address_of
from noria.integrations.lakefs.exchange import LAKEFS
from noria.testing.lakefs_fake import KEY, SECRET, Fake, running, stats
from noria.testing.workspace import make_workspace


@pytest.fixture
def ws(tmp_path):
    workspace = make_workspace(tmp_path / "project")
    yield workspace
    workspace.close()


@pytest.fixture
def fake():
    return Fake()


@pytest.fixture(autouse=True)
def url(fake, monkeypatch):
    with running(fake) as address:
        monkeypatch.setenv("LAKECTL_SERVER_ENDPOINT_URL", address)
        monkeypatch.setenv("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", KEY)
        monkeypatch.setenv("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", SECRET)
        yield address


FILES = {"raw/a.csv": b"x\n1\n", "raw/deep/er/b": b"", "raw/ünï code.txt": b"\x00\xff", "raw/big": b"z" * 3_000_000}


def content(folder):
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def downloads(fake):
    return [one for one in fake.asked if one.startswith("GET") and one.endswith("/objects")]


def test_a_folder_of_a_branch_becomes_a_dataset(ws, fake):
    fake.put("main", **FILES, other=b"not asked for")
    first = fake.branches["main"]
    (one,) = LAKEFS.read(ws, "lakefs://flights/main/raw")
    assert content(one.folder) == {path.removeprefix("raw/"): data for path, data in FILES.items()}
    snapshot = one.committed.snapshot
    assert (snapshot.dataset, snapshot.files) == ("raw", 4)
    assert snapshot.origin.message == f"lakefs://flights/{first}/raw/"


def test_only_what_changed_is_fetched_and_what_is_gone_goes(ws, fake):
    fake.put("main", **FILES)
    LAKEFS.read(ws, "lakefs://flights/main/raw")
    fake.asked.clear()
    fake.put("main", **{"raw/a.csv": b"x\n2\n", "raw/big": None, "raw/deep/er/b": None, "raw/deep": b"now a file"})
    (one,) = LAKEFS.read(ws, "lakefs://flights/main/raw/")
    assert len(downloads(fake)) == 2
    assert content(one.folder) == {"a.csv": b"x\n2\n", "deep": b"now a file", "ünï code.txt": b"\x00\xff"}
    assert not LAKEFS.read(ws, "lakefs://flights/main/raw")[0].committed.new


@pytest.fixture
def committed(ws, tmp_path):
    def make(**files):
        folder = tmp_path / "pets"
        folder.mkdir(exist_ok=True)
        for name, data in files.items():
            (folder / name).unlink(missing_ok=True)
            if data is not None:
                (folder / name).write_bytes(data)
        ws.clock.advance_to(ws.clock.now() + 1_000_000)
        return versions.commit(ws, folder).snapshot

    return make


def test_a_snapshot_becomes_one_merge_and_is_there_once(ws, fake, committed):
    fake.put("main", **{"pets/old": b"gone soon", "pets/rex": b"woof", "else": b"stays"})
    before = len(fake.history("main"))
    snapshot = committed(rex=b"woof", tom=b"meow")
    fake.asked.clear()
    assert LAKEFS.write(ws, snapshot, "lakefs://flights/main/pets", "", "").told.startswith("commit ")
    assert fake.tree("main") == {"pets/rex": b"woof", "pets/tom": b"meow", "else": b"stays"}
    assert sum(one.startswith("POST") and one.endswith("/objects") for one in fake.asked) == 1
    assert fake.commits[fake.history("main")[2]]["metadata"]["noria.snapshot"] == snapshot.id
    after = len(fake.history("main"))
    assert "nothing was written" in LAKEFS.write(ws, snapshot, "lakefs://flights/main/pets", "", "").told
    assert after > before and len(fake.history("main")) == after
    assert list(fake.branches) == ["main"]


def test_links_are_left_out_and_told(ws, fake, tmp_path, committed):
    committed(rex=b"woof")
    (tmp_path / "pets" / "link").symlink_to("rex")
    given = LAKEFS.write(ws, versions.commit(ws, tmp_path / "pets").snapshot, "lakefs://flights/main/", "", "")
    assert given.notes == ("link is a link",)
    assert fake.tree("main") == {"rex": b"woof"}


def test_others_who_changed_the_same_are_not_overwritten(ws, fake, committed):
    fake.put("main", rex=b"woof", ben=b"1")
    fake.before_merge = lambda: fake.put("main", rex=b"theirs", ben=b"2")
    with pytest.raises(MergeConflicts, match="has changed what"):
        LAKEFS.write(ws, committed(rex=b"ours", ben=b"1"), "lakefs://flights/main", "", "")
    assert fake.tree("main") == {"rex": b"theirs", "ben": b"2"}
    fake.before_merge = None
    LAKEFS.write(ws, committed(rex=b"ours"), "lakefs://flights/main", "", "")
    assert fake.tree("main") == {"rex": b"ours", "ben": b"1"}


def test_killed_in_the_middle_the_branch_has_nothing_of_it_and_then_all(ws, fake, committed, monkeypatch):
    snapshot = committed(**{f"file{number}": bytes([number]) for number in range(5)})
    for step in (1, 3, 6):
        child = os.fork()
        if child == 0:
            left = [step]

            def deadly(call, left=left):
                def counted(*given):
                    left[0] -= 1
                    if not left[0]:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return call(*given)

                return counted

            for name in ("upload", "commit"):
                monkeypatch.setattr(LakeFS, name, deadly(getattr(LakeFS, name)))
            LAKEFS.write(ws, snapshot, "lakefs://flights/main", "", "")
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        assert fake.tree("main") == {}
    LAKEFS.write(ws, snapshot, "lakefs://flights/main", "", "")
    assert fake.tree("main") == {f"file{number}": bytes([number]) for number in range(5)}
    assert list(fake.branches) == ["main"]


def test_the_client_pages_and_compares(fake):
    for number in range(5):
        fake.branches[f"try{number}"] = fake.branches["main"]
    first = fake.branches["main"]
    second = fake.put("main", **{f"f{number}": b"" for number in range(5)})
    with LakeFS() as server:
        assert server.branches("flights")["main"] == second
        assert len(server.branches("flights")) == 6
        assert {(one.kind, one.path) for one in server.diff("flights", first, "main")} == {
            ("added", f"f{number}") for number in range(5)
        }
        with pytest.raises(Conflict, match="branch already exists"):
            server.create_branch("flights", "try1", "main")
        with pytest.raises(Refused, match="no changes"):
            server.commit("flights", "main", "nothing", {})
        with pytest.raises(NotFound, match="there is no such thing in lakeFS"):
            server.delete_branch("flights", "nobody")


@pytest.mark.parametrize("path", ["raw/../../evil", "raw//x", "raw/./x", "raw/a/..", "raw/a\0b"])
def test_no_object_leads_out_of_its_folder(ws, fake, tmp_path, path):
    fake.put("main", **{path: b"evil"})
    with pytest.raises(BadInput, match="cannot be a file below"):
        LAKEFS.read(ws, "lakefs://flights/main/raw")
    assert not list(tmp_path.rglob("evil"))


def test_an_object_that_is_not_what_its_checksum_says(ws, fake, monkeypatch):
    fake.put("main", **{"raw/a": b"right"})
    monkeypatch.setattr("noria.testing.lakefs_fake.stats", lambda path, data: stats(path, data[::-1]))
    with pytest.raises(Corrupt, match="is not what lakeFS says"):
        LAKEFS.read(ws, "lakefs://flights/main/raw")
    assert versions.dataset_names(ws) == []


@pytest.mark.parametrize(
    "text",
    [
        "s3://a/b",
        "lakefs://",
        "lakefs://repo",
        "lakefs:///main/x",
        "lakefs://rep/b?x=1",
        "x",
        "lakefs://../main/x",
        "lakefs://repo/main/../x",
        "lakefs://repo/main/a//x",
    ],
)
def test_an_address_that_is_none(text):
    with pytest.raises(BadInput, match="no place in lakeFS"):
        address_of(text)
    assert str(Address("r", "main", "a/")) == "lakefs://r/main/a/"


def test_what_is_not_there_or_not_allowed_is_told(ws, fake, url, committed, monkeypatch):
    with pytest.raises(NotFound, match="nobody"):
        LAKEFS.read(ws, "lakefs://flights/nobody/raw")
    with pytest.raises(NotFound, match="is the prefix right"):
        LAKEFS.read(ws, "lakefs://flights/main/raw")
    with pytest.raises(BadInput, match="no name and no mode"):
        LAKEFS.write(ws, committed(rex=b""), "lakefs://flights/main", "", "append")
    monkeypatch.setenv("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(Refused, match="does not let us in"):
        LAKEFS.read(ws, "lakefs://flights/main/raw")
    monkeypatch.setenv("LAKECTL_SERVER_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="does not answer"):
        LAKEFS.read(ws, "lakefs://flights/main/raw")
    monkeypatch.delenv("LAKECTL_SERVER_ENDPOINT_URL")
    with pytest.raises(BadInput, match="which lakeFS server"):
        LAKEFS.read(ws, "lakefs://flights/main/raw")


def test_the_commands(ws, fake, tmp_path):
    fake.put("main", **{"raw/a": b"1"})

    def noria(*arguments):
        command = [sys.executable, "-m", "noria.cli.main", "data", *arguments, "--format", "lakefs", "--json"]
        done = subprocess.run([*command, "-C", ws.root], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    assert noria("import", "lakefs://flights/main/raw")[0]["dataset"] == "raw"
    assert noria("export", "raw", "lakefs://flights/main/copy")["files"] == 1
    assert fake.tree("main") == {"raw/a": b"1", "copy/a": b"1"}
    assert exchange.LAKEFS.name == "lakefs"
