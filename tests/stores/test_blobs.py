"""Blobs as files: the contract, and what only a disk can do to them."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from noria.core.errors import Corrupt, StorageFull, Unavailable
from noria.stores.blobs import FileBlobStore
from noria.testing.blob_suite import BlobSuite


class TestFiles(BlobSuite):
    @pytest.fixture
    def blobs(self, tmp_path):
        return FileBlobStore(tmp_path / "blobs")


def test_a_writer_that_is_killed_leaves_no_blob(tmp_path):
    """Only garbage with a name that is no digest may stay behind, and it is not listed."""
    forever = (
        "import sys, itertools; from pathlib import Path; from noria.stores.blobs import FileBlobStore\n"
        "store = FileBlobStore(Path(sys.argv[1]))\n"
        "for number in itertools.count():\n"
        "    print(store.put(b'%d' % number * 300_000), flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", forever, tmp_path], stdout=subprocess.PIPE, text=True) as writer:
        acknowledged = [writer.stdout.readline().strip() for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
    blobs = FileBlobStore(tmp_path)
    (tmp_path / acknowledged[0][:2] / ".0123456789abcdef.tmp").write_bytes(b"half a bl")
    assert all(blobs.get(digest) for digest in acknowledged)
    assert all(len(digest) == 64 and blobs.get(digest) for digest in blobs.digests())


def test_a_disk_that_is_full_leaves_nothing(tmp_path, small_files):
    large = tmp_path / "large"
    large.write_bytes(b"x" * 200_000)
    blobs = FileBlobStore(tmp_path / "blobs")
    with small_files(100_000):
        with pytest.raises(StorageFull, match="no room left for blobs"):
            blobs.put(b"x" * 200_000)
        with pytest.raises(StorageFull):
            blobs.put_file(large)
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []
    assert blobs.get(blobs.put(b"x" * 200_000)) == b"x" * 200_000


def test_a_file_that_changes_while_it_is_copied_is_refused(tmp_path):
    """Linux has a file that reads differently each time."""
    blobs = FileBlobStore(tmp_path)
    with pytest.raises(Corrupt, match="changed while it was being copied"):
        blobs.put_file(Path("/proc/sys/kernel/random/uuid"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "blobs").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match="cannot be written"):
        FileBlobStore(tmp_path / "blobs" / "deeper").put(b"x")


def test_a_file_on_another_disk_is_copied_and_must_be_what_its_digest_says(tmp_path):
    blobs = FileBlobStore(tmp_path / "blobs")
    with tempfile.NamedTemporaryFile(dir="/dev/shm", delete=False) as file:
        file.write(b"elsewhere")
    elsewhere = Path(file.name)
    assert elsewhere.stat().st_dev != tmp_path.stat().st_dev
    with pytest.raises(Corrupt, match="changed while it was being copied"):
        blobs.put_file(elsewhere, "0" * 64)
    digest = hashlib.sha256(b"elsewhere").hexdigest()
    assert blobs.get(blobs.put_file(elsewhere, digest)) == b"elsewhere"
    assert not elsewhere.exists()
    assert list(blobs.digests()) == [digest]
