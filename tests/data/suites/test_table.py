"""Every place that a table can lie, and what cannot be read as one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from noria.data.suites.model import UnreadableTable
from noria.data.suites.table import Table, opened, table_at

DATA = {"id": [1, 2, 3], "city": ["oslo", None, "bodø"]}


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Table]:
    frame = pd.DataFrame(DATA)
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.csv.gz", index=False)
    (tmp_path / "many").mkdir()
    frame[:1].to_parquet(tmp_path / "many" / "1.parquet")
    frame[1:].to_parquet(tmp_path / "many" / "2.parquet")
    return {
        **{name: table_at(str(tmp_path / name)) for name in ("t.parquet", "t.csv", "t.csv.gz", "many")},
        "glob": table_at(str(tmp_path / "many" / "*.parquet")),
        "query": table_at("SELECT * FROM 't.parquet'", tmp_path),
        "pandas": Table("pandas", data=frame),
        "polars": Table("polars", data=pl.DataFrame(DATA)),
        "arrow": Table("arrow", data=pa.table(DATA)),
        "mapping": Table("mapping", data=DATA),
    }


def test_a_table_lies_anywhere(places: dict[str, Table]) -> None:
    for name, place in places.items():
        with opened(place) as there:
            assert [field.kind for field in there.fields.values()] == ["number", "text"], name
            assert there.ask("SELECT id, city FROM __table ORDER BY id") == [(1, "oslo"), (2, None), (3, "bodø")], name
            assert there.ask("SELECT __noria_row FROM __numbered WHERE id = 3") == [(2,)], name


def test_a_csv_of_numbers_that_turn_into_text_is_text(tmp_path: Path) -> None:
    lines = "\n".join(["n", *map(str, range(30_000)), "many"])
    (tmp_path / "t.csv").write_text(lines)
    with opened(table_at(str(tmp_path / "t.csv"))) as there:
        assert there.fields["n"].kind == "text"


def test_a_column_that_changes_type_from_file_to_file(tmp_path: Path, checked: Any, expect: Any) -> None:
    pq.write_table(pa.table({"n": [1, 2]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"n": ["three", "four"]}), tmp_path / "2.parquet")
    it = expect("column_values_to_be_between", column="n", min_value=0)
    found = checked(table_at(str(tmp_path)), it).outcomes[0]
    assert found.verdict == "failed"
    assert "three" in found.reason


@pytest.mark.parametrize(
    ("name", "content"),
    [("broken.parquet", b"PAR1 nothing PAR1"), ("empty.parquet", b""), ("words.txt", b"a"), ("folder", None)],
)
def test_what_is_no_table_says_so(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(UnreadableTable), opened(table_at(str(path))):
        pass


def test_a_table_that_is_not_there_suggests_one_that_is(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": [1]}), tmp_path / "trips.parquet")
    with pytest.raises(UnreadableTable, match=r"did you mean 'trips\.parquet'"):
        table_at(str(tmp_path / "trip.parquet"))
    with pytest.raises(UnreadableTable, match="cannot be run"), opened(table_at("SELECT * FROM nowhere")):
        pass
    with pytest.raises(UnreadableTable), opened(Table("x", data=object())):
        pass


def test_a_broken_link_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").symlink_to(tmp_path / "gone.parquet")
    with pytest.raises(UnreadableTable):
        table_at(str(tmp_path / "t.parquet"))
