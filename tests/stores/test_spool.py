"""A spool holds what was acknowledged, once and in order, whatever is cut off, killed or full."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.core.errors import Conflict, Corrupt, StorageFull
from noria.stores.spool import Spool, SpoolTail, drop_segment, read_spool, sealed_segments

RECORDS = [b"first", b"", b"third \0 record", b"x" * 50]


def filled(path, records=RECORDS, **options):
    spool = Spool(path, **options)
    for record in records:
        spool.append(record)
    return spool


def test_records_are_numbered_and_read_back_while_one_writes(tmp_path):
    spool = filled(tmp_path)
    assert list(read_spool(tmp_path)) == list(enumerate(RECORDS))
    assert list(read_spool(tmp_path, after=2)) == [(3, RECORDS[3])]
    assert (spool.append(b"fifth"), spool.next_position) == (4, 5)
    assert list(read_spool(tmp_path, after=4)) == []
    spool.close()


def test_there_is_one_writer(tmp_path):
    spool = filled(tmp_path)
    with pytest.raises(Conflict, match="another process writes"):
        Spool(tmp_path)
    spool.close()
    assert filled(tmp_path, [b"now me"]).next_position == 5


def test_a_tail_torn_at_any_byte_loses_only_the_torn_record(tmp_path):
    filled(tmp_path / "whole").close()
    (whole,) = (tmp_path / "whole").glob("*.spool")
    data = whole.read_bytes()
    ends = [13, 21, 43, 101]
    assert len(data) == ends[-1]
    for cut in range(len(data)):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / whole.name).write_bytes(data[:cut])
        left = [record for record, end in zip(RECORDS, ends, strict=True) if end <= cut]
        assert [record for _, record in read_spool(folder)] == left
        spool = Spool(folder)
        assert spool.append(b"after") == len(left)
        spool.close()
        assert [record for _, record in read_spool(folder)] == [*left, b"after"]
        torn = b"".join(file.read_bytes() for file in folder.glob("*.torn"))
        assert data[:cut].endswith(torn)
        assert len(torn) == cut - max([0, *(end for end in ends if end <= cut)])


def test_a_flipped_byte_ends_the_spool_there(tmp_path):
    filled(tmp_path).close()
    (file,) = tmp_path.glob("*.spool")
    data = bytearray(file.read_bytes())
    data[30] ^= 1
    file.write_bytes(data)
    assert [record for _, record in read_spool(tmp_path)] == RECORDS[:2]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.binary(max_size=40) | st.none(), max_size=30), st.integers(1, 200))
def test_segments_closing_anywhere_change_nothing(tmp_path_factory, steps, segment_bytes):
    """None stands for a restart."""
    folder = tmp_path_factory.mktemp("spool")
    spool, plain = Spool(folder, segment_bytes=segment_bytes), []
    for step in steps:
        if step is None:
            spool.close()
            spool = Spool(folder, segment_bytes=segment_bytes)
        else:
            assert spool.append(step) == len(plain)
            plain.append(step)
    assert list(read_spool(folder)) == list(enumerate(plain))
    for after in range(-1, len(plain)):
        assert [number for number, _ in read_spool(folder, after)] == list(range(after + 1, len(plain)))
    for segment in sealed_segments(folder):
        drop_segment(segment)
    kept = list(read_spool(folder))
    assert kept == list(enumerate(plain))[len(plain) - len(kept) :]
    spool.close()
    assert Spool(folder).next_position == len(plain)


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path):
    forever = (
        "import sys, itertools; from pathlib import Path; from noria.stores.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]), segment_bytes=3000)\n"
        "for number in itertools.count():\n"
        "    print(spool.append(b'%d' % number * 20), flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", forever, tmp_path], stdout=subprocess.PIPE, text=True) as writer:
        for _ in range(500):
            acknowledged = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
    spool = Spool(tmp_path)
    kept = list(read_spool(tmp_path))
    assert kept == [(number, b"%d" % number * 20) for number in range(len(kept))]
    assert len(kept) > acknowledged
    assert spool.append(b"goes on") == len(kept)
    spool.close()


def test_a_full_disk_acknowledges_nothing_and_the_spool_stays_usable(tmp_path, small_files):
    """A record is half written when it strikes."""
    spool = filled(tmp_path)
    with small_files(150):
        for _ in range(3):
            with pytest.raises(StorageFull, match="no room left"):
                spool.append(b"y" * 200)
        assert spool.append(b"small") == 4
    assert spool.append(b"y" * 200) == 5
    assert [record for _, record in read_spool(tmp_path)] == [*RECORDS, b"small", b"y" * 200]
    spool.close()


def test_a_damaged_segment_that_is_no_longer_written_is_told(tmp_path):
    spool = filled(tmp_path)
    spool.seal()
    spool.append(b"next")
    (segment,) = sealed_segments(tmp_path)
    data = bytearray(segment.path.read_bytes())
    data[30] ^= 1
    segment.path.write_bytes(data)
    reading, seen = read_spool(tmp_path), []
    with pytest.raises(Corrupt, match="records 2 to 3 cannot be read"):
        seen.extend(record for _, record in reading)
    assert list(read_spool(tmp_path, after=3)) == [(4, b"next")]
    spool.close()


def test_threads_may_share_a_writer(tmp_path):
    spool = Spool(tmp_path, segment_bytes=500)

    def write(name):
        for number in range(50):
            spool.append_many([b"%d %d" % (name, number), b"pair"])

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spool.close()
    records = [record for _, record in read_spool(tmp_path)]
    assert records[1::2] == [b"pair"] * 200
    for name in range(4):
        mine = [record for record in records if record.startswith(b"%d " % name)]
        assert mine == [b"%d %d" % (name, number) for number in range(50)]


def test_another_process_reads_whole_records_in_order_while_one_writes(tmp_path):
    follow = (
        "import sys; from pathlib import Path; from noria.stores.spool import read_spool\n"
        "last = -1\n"
        "while last < 2999:\n"
        "    for number, record in read_spool(Path(sys.argv[1]), last):\n"
        "        assert (number, record) == (last + 1, b'%d' % number * 30); last = number\n"
    )
    with subprocess.Popen([sys.executable, "-c", follow, tmp_path], stderr=subprocess.PIPE) as reader:
        spool = Spool(tmp_path, segment_bytes=10_000)
        for number in range(3000):
            spool.append(b"%d" % number * 30)
        told = reader.communicate()[1]
    assert (told, reader.returncode) == (b"", 0)
    spool.close()


def test_a_disk_so_full_that_no_segment_can_begin_keeps_the_records(tmp_path):
    """A folder in the way of the next segment's name stands in for the disk."""
    spool = Spool(tmp_path, segment_bytes=20)
    in_the_way = tmp_path / f"{1:020d}.spool"
    in_the_way.mkdir()
    assert spool.append(b"x" * 30) == 0
    in_the_way.rmdir()
    assert (spool.append(b"y"), spool.append(b"z")) == (1, 2)
    assert list(read_spool(tmp_path)) == [(0, b"x" * 30), (1, b"y"), (2, b"z")]
    spool.close()


def test_a_closed_spool_writes_nowhere(tmp_path):
    spool = filled(tmp_path)
    spool.close()
    spool.close()
    with pytest.raises(ValueError, match="closed"):
        spool.append(b"late")


def test_files_of_others_in_the_folder_do_not_matter(tmp_path):
    (tmp_path / "notes.spool").write_text("mine")
    assert filled(tmp_path).next_position == len(RECORDS)
    assert len(list(read_spool(tmp_path))) == len(RECORDS)


def test_a_tail_follows_a_writer_over_segments_and_reads_each_record_once(tmp_path):
    spool = Spool(tmp_path, segment_bytes=60)
    tail, found = SpoolTail(tmp_path), []
    for number in range(40):
        spool.append(b"x" * (number % 30))
        if number % 3 == 0:
            found += tail.read(most_bytes=50)
    while more := tail.read(most_bytes=1):
        found += more
    assert found == [b"x" * (number % 30) for number in range(40)]
    assert tail.position == 40
    assert tail.read() == []
    late = SpoolTail(tmp_path, 33)
    assert late.read(most_bytes=1) == [b"x" * 3]
    spool.close()


def test_a_tail_waits_for_a_record_that_is_half_written_and_reads_one_larger_than_asked_for(tmp_path):
    filled(tmp_path / "whole", [b"first", b"x" * 5_000]).close()
    (whole,) = (tmp_path / "whole").glob("*.spool")
    data = whole.read_bytes()
    growing = tmp_path / "growing"
    growing.mkdir()
    tail, found = SpoolTail(growing), []
    for size in range(0, len(data) + 1, 11):
        (growing / whole.name).write_bytes(data[:size])
        found += tail.read(most_bytes=100)
    (growing / whole.name).write_bytes(data)
    assert [*found, *tail.read(most_bytes=100)] == [b"first", b"x" * 5_000]


def test_a_tail_says_when_records_were_dropped_or_damaged(tmp_path):
    spool = filled(tmp_path, [b"x" * 20] * 9, segment_bytes=60)
    sealed = sealed_segments(tmp_path)
    damaged = sealed[1].path
    damaged.write_bytes(damaged.read_bytes()[:-1])
    tail = SpoolTail(tmp_path, sealed[1].first)
    read = tail.read()
    assert len(read) == sealed[1].last - sealed[1].first
    with pytest.raises(Corrupt, match="cannot be read"):
        tail.read()
    drop_segment(sealed[0])
    with pytest.raises(Conflict, match="no longer there"):
        SpoolTail(tmp_path).read()
    assert SpoolTail(tmp_path, 1_000).read() == []
    spool.close()


def test_a_finished_spool_takes_nothing_and_keeps_its_lock(tmp_path):
    spool = filled(tmp_path)
    spool.finish()
    with pytest.raises(ValueError, match="closed"):
        spool.append(b"more")
    with pytest.raises(Conflict):
        Spool(tmp_path)
    spool.close()
    spool.close()
    Spool(tmp_path).close()
