"""What a run prints is kept as it is printed, up to a bound, and printing itself is never disturbed."""

from __future__ import annotations

import io
import sys

import pytest

import noria
from noria.tracking.client.console import ConsoleFile, Listening, Tee, gathered
from noria.tracking.client.folder import spools
from noria.tracking.records import Kept


@pytest.mark.parametrize("piece", [1, 7, 100, 1000])
def test_of_a_long_output_the_beginning_and_the_end_are_kept(tmp_path, piece):
    copy = ConsoleFile(tmp_path, head=100, tail=50)
    data = b"".join(b"%06d\n" % number for number in range(300))
    for start in range(0, len(data), piece):
        copy.write(data[start : start + piece])
    copy.close()
    head, _, rest = gathered(tmp_path).partition(b"\n[... ")
    left_out, _, tail = rest.partition(b" bytes are left out ...]\n")
    assert data.startswith(head)
    assert data.endswith(tail)
    assert len(head) == 100
    assert 50 <= len(tail) <= 100
    assert int(left_out.replace(b",", b"")) == len(data) - len(head) - len(tail)


def test_a_short_output_is_kept_whole(tmp_path):
    copy = ConsoleFile(tmp_path, head=10, tail=10)
    copy.write(b"0123456789abc")
    assert gathered(tmp_path) == b"0123456789abc"
    copy.write(b"late")
    copy.close()
    copy.write(b"too late")
    assert gathered(tmp_path) == b"0123456789abclate"


def test_a_stream_behaves_as_before_while_it_is_copied(tmp_path):
    copy, stream = ConsoleFile(tmp_path), io.StringIO()
    tee = Tee(stream, copy)
    assert tee.write("a") == 1
    tee.writelines(["b", "c\ud800"])
    tee.flush()
    assert (tee.isatty(), tee.getvalue()) == (False, "abc\ud800")
    with pytest.raises(TypeError):
        tee.write(7)
    assert gathered(tmp_path) == b"abc?"


def test_streams_are_put_back_unless_somebody_has_put_others_there(tmp_path):
    before = sys.stdout
    listening = Listening(tmp_path)
    print("heard")
    listening.stop()
    assert sys.stdout is before
    listening, theirs = Listening(tmp_path), io.StringIO()
    sys.stdout = theirs
    listening.stop()
    assert sys.stdout is theirs
    sys.stdout = before
    assert gathered(tmp_path) == b"heard\n"


def test_the_traceback_a_run_ends_with_is_in_its_console(folder, spooled):
    with pytest.raises(ValueError, match="diverged"), noria.run(console=True) as run:
        print("epoch 1")
        raise ValueError("diverged")
    kept = next(one for one in spooled() if isinstance(one, Kept) and one.path == "console.txt")
    (spool,) = spools(folder / ".noria")
    printed = spool.file(kept.digest).read_bytes()
    assert printed.startswith(b"epoch 1\nTraceback")
    assert b"ValueError: diverged" in printed
    assert run.going is False
