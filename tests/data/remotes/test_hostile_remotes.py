"""A remote whose files were damaged, cut off, or made to deceive: told by name, and nothing comes in half."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.core.errors import Corrupt, NoriaError, NotFound
from noria.data.remotes.model import (
    ALONE,
    Block,
    Index,
    Part,
    Pointer,
    RemoteDamaged,
    decode_index,
    encode_index,
)  # fmt: skip
from noria.data.remotes.opening import open_remote
from noria.data.remotes.pulling import pull
from noria.data.remotes.pushing import push
from noria.data.versions import operations
from noria.data.versions.names import BadName

sys.path.insert(0, str(Path(__file__).parent))

from conftest import checked_out, commit

DIGEST = bytes(32)


@pytest.fixture
def shared(tmp_path, people):
    """A shared folder that Ann has pushed to."""
    folder = tmp_path / "shared"
    commit(people("ann"), cat_txt="meow", large_bin=bytes(300_000))
    push(people("ann"), open_remote(folder.as_uri()), "pets")
    return folder


def files(shared, pattern):
    found = sorted(shared.rglob(pattern))
    assert found
    return found


def refused(shared, people):
    """What a pull says; afterwards Bob has nothing, and when all is well again he gets everything."""
    bob = people("bob")
    with pytest.raises((RemoteDamaged, NotFound)) as told:
        pull(bob, open_remote(shared.as_uri()), "pets")
    assert operations.dataset_names(bob) == []
    return str(told.value)


@pytest.mark.parametrize("kind", ["*.pack", "*.idx", "objects/*/*", "datasets/pets/branch/*"])
@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "gone"])
def test_each_kind_of_file_damaged_in_each_way(shared, people, kind, harm):
    path = next(one for one in files(shared, kind) if one.is_file())
    whole = path.read_bytes()
    middle = len(whole) // 2
    if harm == "gone":
        path.unlink()
    else:
        flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        path.write_bytes({"cut": whole[:middle], "flip": flipped, "empty": b""}[harm])
    refused(shared, people)
    path.write_bytes(whole)
    pull(people("bob"), open_remote(shared.as_uri()), "pets")
    assert checked_out(people("bob")) == checked_out(people("ann"))


@pytest.mark.parametrize("index", [
    Index("0" * 64, (), (Part(DIGEST, 0, 0, 5),)),
    Index("0" * 64, (Block(0, 10, 10),), (Part(DIGEST, 0, 6, 5),)),
    Index("0" * 64, (Block(0, 10, 10),), (Part(DIGEST, 0, -1, 5),)),
    Index("0" * 64, (Block(-1, 10, 10),), ()),
    Index("0" * 64, (Block(0, 10, 1 << 40),), ()),
    Index("0" * 64, (Block(0, 10, 10),), (Part(b"short", 0, 0, 5),)),
    Index("0" * 64, (), (Part(DIGEST, -2, 0, 5),)),
    Index("0" * 64, (), (), format=99),
])  # fmt: skip
def test_an_index_that_points_beyond_what_there_is(index):
    with pytest.raises(RemoteDamaged):
        decode_index(encode_index(index), "packs/x.idx")


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300))
def test_an_index_of_any_bytes_is_refused(data):
    with pytest.raises(RemoteDamaged):
        decode_index(data, "packs/x.idx")
    sealed = encode_index(Index("", (), ()))[:14] + blake3(data).digest() + data
    try:
        decode_index(sealed, "packs/x.idx")
    except NoriaError as error:
        assert isinstance(error, Corrupt)


@pytest.mark.parametrize("text", [
    b"", b"{}", b"[]", b'{"snapshot": 5}', b'{"snapshot": "x", "moved": 1, "actor": "a", "tables": [1]}', b"\xff\xfe",
    b'{"snapshot": "' + b"0" * 64 + b'", "moved": 1, "actor": "a"}', b"[" * 100_000,
])  # fmt: skip
def test_a_pointer_that_is_none(shared, people, text):
    files(shared, "datasets/pets/branch/main")[0].write_bytes(text)
    refused(shared, people)


def test_a_snapshot_of_another_dataset_under_this_name(shared, people):
    ann, there = people("ann"), shared
    head = operations.resolve(ann, "pets")
    lie = msgspec.json.encode(replace(head, dataset="secrets"))
    path = there / "objects" / blake3(lie).hexdigest()[:2] / blake3(lie).hexdigest()[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lie)
    index = Index("", (), (Part(blake3(lie).digest(), ALONE, 0, len(lie)),), ((head.id, blake3(lie).digest()),))
    for old in files(there, "*.idx"):
        if head.id in [id for id, _ in decode_index(old.read_bytes(), old.name).snapshots]:
            old.unlink()
    (there / "packs" / f"{'f' * 64}.idx").write_bytes(encode_index(index))
    refused(shared, people)


@pytest.mark.parametrize("name", ["../../etc", "/etc/passwd", "a//b", "", "x" * 300, "a\nb"])
def test_names_that_would_leave_the_remote(shared, people, name):
    with pytest.raises((BadName, NotFound)):
        pull(people("bob"), open_remote(shared.as_uri()), name or "..")


def test_a_pointer_keeps_what_it_says():
    there = Pointer("a" * 64, 5, "ann")
    assert msgspec.json.decode(msgspec.json.encode(there), type=Pointer) == there
