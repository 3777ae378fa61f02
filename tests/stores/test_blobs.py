"""Blobs as files: the contract, and what only a disk can do to them."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys

import pytest

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
    assert all(blobs.get(digest) for digest in acknowledged)
    assert all(len(digest) == 64 and blobs.get(digest) for digest in blobs.digests())


def test_a_disk_that_is_full_leaves_nothing(tmp_path):
    """The limit on file size of this process stands in for the disk; the store is usable afterwards."""
    blobs = FileBlobStore(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            blobs.put(b"x" * 200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert blobs.get(blobs.put(b"x" * 200_000)) == b"x" * 200_000
