"""What every blob store must do: subclass `BlobSuite` and give it the fixture `blobs`."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from noria.core.errors import Corrupt, NotFound
from noria.stores.blobs import BlobStore

CONTENTS = [b"", b"\0", b"a model", bytes(range(256)) * 8192]


class BlobSuite:
    """A subclass gives the fixture `blobs`: an empty store."""

    @pytest.mark.parametrize("data", CONTENTS, ids=len)
    def test_bytes_come_back_by_the_digest_of_their_content(self, blobs: BlobStore, data: bytes) -> None:
        digest = blobs.put(data)
        assert digest == hashlib.sha256(data).hexdigest()
        assert blobs.get(digest) == blobs.path(digest).read_bytes() == data

    def test_a_file_is_kept_like_its_bytes(self, blobs: BlobStore, tmp_path: Path) -> None:
        path = tmp_path / "large file"
        path.write_bytes(CONTENTS[3])
        assert blobs.put_file(path) == blobs.put(CONTENTS[3])
        path.write_bytes(b"overwritten later")
        assert blobs.get(blobs.put(CONTENTS[3])) == CONTENTS[3]

    def test_a_file_just_written_and_hashed_is_taken_over(self, blobs: BlobStore, tmp_path: Path) -> None:
        for _ in range(2):
            path = tmp_path / "just written"
            path.write_bytes(CONTENTS[3])
            digest = hashlib.sha256(CONTENTS[3]).hexdigest()
            assert blobs.put_file(path, digest) == digest
            assert blobs.get(digest) == CONTENTS[3]
            assert not path.exists()
            blobs.path(digest).write_bytes(b"damaged")

    def test_the_same_bytes_are_kept_once(self, blobs: BlobStore) -> None:
        assert blobs.put(b"twice") == blobs.put(b"twice")
        blobs.put(b"once")
        assert sorted(blobs.digests()) == sorted([blobs.put(b"twice"), blobs.put(b"once")])

    def test_what_was_never_kept_is_not_found(self, blobs: BlobStore) -> None:
        nobody = "0" * 64
        assert not blobs.exists(nobody)
        for ask in (blobs.get, blobs.path):
            with pytest.raises(NotFound, match="there is no blob"):
                ask(nobody)
        assert list(blobs.digests()) == []

    def test_a_damaged_blob_is_refused(self, blobs: BlobStore) -> None:
        digest = blobs.put(b"precious")
        blobs.path(digest).write_bytes(b"prec10us")
        with pytest.raises(Corrupt, match="damaged"):
            blobs.get(digest)

    def test_keeping_a_damaged_blob_again_mends_it(self, blobs: BlobStore, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"precious")
        digest = blobs.put_file(source)
        blobs.path(digest).write_bytes(b"")
        assert blobs.get(blobs.put(b"precious")) == b"precious"
        blobs.path(digest).write_bytes(b"")
        assert blobs.get(blobs.put_file(source)) == b"precious"

    @pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "/etc/passwd", "ab", "A" * 64, "0" * 63 + "\n"])
    def test_what_is_no_digest_is_not_found(self, blobs: BlobStore, name: str) -> None:
        blobs.put(b"something")
        assert not blobs.exists(name)
        for ask in (blobs.get, blobs.path):
            with pytest.raises(NotFound):
                ask(name)

    def test_writers_of_the_same_bytes_do_not_disturb_each_other(self, blobs: BlobStore) -> None:
        found: list[str] = []
        threads = [threading.Thread(target=lambda: found.append(blobs.put(CONTENTS[3]))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 8
        assert list(blobs.digests()) == [found[0]]
        assert blobs.get(found[0]) == CONTENTS[3]
