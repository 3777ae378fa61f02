"""Files that are not what they claim to be."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from noria.data import operations as data
from noria.data.model import DataRefused, UnreadableFile
from noria.data.quarantine import quarantine_table

HEADER = "reading_id,station,at,celsius,retries\n"


def accept(ws, spec):
    return data.check(ws, spec, data.take_snapshot(ws, spec))


def csv(ws, text, name="1.csv"):
    path = ws.root / "data" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def damaged(path, how):
    whole = path.read_bytes()
    middle = len(whole) // 3
    path.write_bytes({
        "empty": b"",
        "cut off": whole[: len(whole) // 2],
        "no footer": whole[:-8],
        "text": b"reading_id,station\n",
        "zeroed middle": whole[:middle] + b"\0" * middle + whole[2 * middle :],
        "wild footer length": whole[:-8] + b"\xff\xff\xff\x7fPAR1",
    }[how])  # fmt: skip


@pytest.mark.parametrize("how", ["empty", "cut off", "no footer", "text", "zeroed middle", "wild footer length"])
def test_a_damaged_parquet_file_is_named_and_nothing_is_accepted(ws, readings, row, write, how):
    write("1.parquet", [row()])
    damaged(write("2.parquet", [row() for _ in range(200)]), how)
    with pytest.raises(UnreadableFile, match=r"data/2\.parquet is no readable Parquet file"):
        accept(ws, readings)
    assert ws.journal.read() == []
    assert data.last_accepted(ws, "Reading") is None
    write("2.parquet", [row()])
    assert accept(ws, readings).rows == 2


def test_every_missing_column_of_every_file_is_told_at_once(ws, readings, row, write):
    path = write("1.parquet", [row()])
    pq.write_table(pq.read_table(path).rename_columns({"celsius": "celcius"}), path)
    write("2.parquet", [{name: value for name, value in row().items() if name != "retries"}])
    with pytest.raises(DataRefused) as refused:
        accept(ws, readings)
    assert "data/1.parquet: has no column 'celsius' (did you mean 'celcius'?)" in str(refused.value)
    assert "data/2.parquet: has no column 'retries'" in str(refused.value)
    assert refused.value.checked is None


def test_extra_columns_are_kept_out(ws, readings, row, write):
    write("1.parquet", [row(secret="do not learn from me")])
    checked = accept(ws, readings)
    assert "secret" not in data.read_parts(ws, checked.parts).column_names


def test_a_column_of_another_kind_is_a_fault_of_the_file(ws, readings, row, write):
    table = pq.read_table(write("1.parquet", [row()]))
    table = table.set_column(2, "at", pa.array([1718000000], pa.int64()))
    table = table.set_column(0, "reading_id", pa.array([[1, 2]], pa.list_(pa.int64())))
    pq.write_table(table, ws.root / "data/1.parquet")
    with pytest.raises(DataRefused) as refused:
        accept(ws, readings)
    assert "column 'at' holds int64, declared time" in str(refused.value)
    assert "column 'reading_id' holds list<" in str(refused.value)


def test_text_that_is_no_utf8_is_unreadable(ws, readings, row, write):
    table = pq.read_table(write("1.parquet", [row()]))
    broken = pa.array([b"\xff\xfe"], pa.binary()).view(pa.string())
    pq.write_table(table.set_column(1, "station", broken), ws.root / "data/1.parquet")
    with pytest.raises(UnreadableFile, match=r"data/1\.parquet"):
        accept(ws, readings)
    (ws.root / "data/1.parquet").unlink()
    csv(ws, HEADER.encode() + b"r1,\xff\xfe,2024-06-09,1,0\n")
    with pytest.raises(UnreadableFile, match=r"data/1\.csv"):
        accept(ws, readings)


def test_dictionaries_views_nanoseconds_and_naive_times_are_read(ws, readings, row, write):
    table = pq.read_table(write("1.parquet", [row(), row()]))
    moments = table["at"].cast(pa.timestamp("us"))
    table = table.set_column(1, "station", table["station"].dictionary_encode())
    table = table.set_column(2, "at", moments.cast(pa.timestamp("ns")))
    table = table.set_column(4, "retries", pa.array([1.0, float("nan")]))
    pq.write_table(table, ws.root / "data/1.parquet")
    found = data.read_parts(ws, accept(ws, readings).parts)
    assert found["at"].to_pylist() == moments.cast(pa.int64()).to_pylist()
    assert found["retries"].to_pylist() == [1, None]
    assert found["station"].to_pylist() == ["oslo", "oslo"]


def test_an_empty_month_is_a_warning(ws, readings, row, write):
    write("1.parquet", [row()])
    write("2.parquet", [])
    csv(ws, HEADER, "3.csv")
    checked = accept(ws, readings)
    assert [(one.check, one.example) for one in checked.problems] == [("empty", "data/2.parquet and 1 more")]
    assert [part.name for part in checked.parts] == ["data/1.parquet"]


def test_an_empty_source_is_refused(ws, readings, write):
    write("1.parquet", [])
    with pytest.raises(DataRefused, match="it has no row that was known at 2024-06-10 12:00:00Z"):
        accept(ws, readings)


def test_csv_is_parsed_cell_by_cell(ws, lenient):
    lines = (
        "r1,oslo,2024-06-09T10:00:00Z,20.5,0",
        "r2,oslo,2024-06-09 12:00:00+02:00,+1e1,",
        "r3,NA,2024-06-09T10:00:00.1234567,-5,1.0",
        'r4,"a ""quoted"" name, with a comma",2024-06-09, 7 ,3',
        "r5,oslo,2024-02-30,1,0",
        "r6,oslo,yesterday,1,0",
        "r7,oslo,2024-06-09T10:00:00Z,warm,0",
        "r8,oslo,2024-06-09T10:00:00Z,inf,0",
        "r9,oslo,2024-06-09T10:00:00Z,NaN,0",
        "r10,oslo,2024-06-09T10:00:00Z,1,1.5",
        "r11,oslo,2024-06-09T10:00:00Z",
        "r12,oslo,2024-06-09T10:00:00Z,1,99999999999999999999",
        ",oslo,2024-06-09T10:00:00Z,1,0",
    )
    csv(ws, "\ufeff" + HEADER + "\n".join(lines) + "\n")
    checked = accept(ws, lenient)
    good = data.read_parts(ws, checked.parts).sort_by("reading_id").to_pylist()
    ten = 1717927200000000
    assert [(one["reading_id"], one["at"] - ten, one["celsius"], one["retries"]) for one in good] == [
        ("r1", 0, 20.5, 0), ("r2", 0, 10.0, None), ("r3", 123456, -5.0, 1), ("r4", -36_000_000_000, 7.0, 3),
    ]  # fmt: skip
    assert good[2]["station"] == "NA"
    bad = {one["_row"]: one["reason"] for one in quarantine_table(ws, checked).to_pylist()}
    assert bad == {
        4: "at: is not a time",
        5: "at: is not a time",
        6: "celsius: is not a float",
        7: "celsius: is not a float",
        8: "celsius: is missing",
        9: "retries: is not a int",
        10: "the line has 3 cells, the header 5: r11,oslo,2024-06-09T10:00:00Z",
        11: "retries: is not a int",
        12: "reading_id: is missing",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "without even a header"),
        ("reading_id,station,at,celsius\nr1,oslo,2024-06-09,1\n", "has no column 'retries'"),
        ("reading_id,station,at,celsius,retries,at\n", "has the column 'at' more than once"),
        (b"\x1f\x8b\x08nonsense", "data/1.csv"),
        (b"PAR1\x00\x00", "data/1.csv"),
    ],
)
def test_a_csv_file_that_cannot_be_used_says_why(ws, readings, text, message):
    csv(ws, text)
    with pytest.raises((UnreadableFile, DataRefused), match=message):
        accept(ws, readings)


def test_gzip_is_read_by_name_and_a_cut_off_one_is_refused(ws, readings):
    packed = gzip.compress((HEADER + "r1,oslo,2024-06-09,1,0\n" * 1).encode())
    csv(ws, packed, "1.csv.gz")
    assert accept(ws, readings).rows == 1
    csv(ws, packed[:-12], "2.csv.gz")
    with pytest.raises(UnreadableFile, match=r"2\.csv\.gz is no readable CSV file"):
        accept(ws, readings)


def test_another_kind_of_file_is_refused(ws, readings, row, write):
    write("1.parquet", [row()])
    csv(ws, "hello", "notes.txt")
    with pytest.raises(UnreadableFile, match=r"notes\.txt is neither Parquet nor CSV by its name"):
        accept(ws, readings)
