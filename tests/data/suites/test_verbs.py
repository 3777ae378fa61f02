"""`noria check`, as people type it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from noria.cli.main import app
from noria.core.errors import BadInput, NoriaError


class Shell:
    """`noria check` in a folder with a table, `trips.parquet`, and a suite, `trips.json`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        trips = pd.DataFrame({"id": range(40), "city": ["oslo", "voss"] * 20, "fare": [float(n) for n in range(40)]})
        trips.to_parquet(folder / "trips.parquet")
        trips.assign(fare=trips["fare"] - 3, late=True).to_parquet(folder / "later.parquet")
        suite = {"name": "trips", "expectations": [
            {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}},
            {"type": "expect_column_values_to_be_between", "kwargs": {"column": "fare", "min_value": 0}},
            {"type": "expect_column_values_to_be_made_up", "kwargs": {"column": "city"}},
        ]}  # fmt: skip
        (folder / "trips.json").write_text(json.dumps(suite))

    def __call__(self, *arguments: str, code: int = 0) -> str:
        places = [str(self.folder / one) if (self.folder / one).is_file() else one for one in arguments]
        done = CliRunner().invoke(app, ["check", *places], env={"COLUMNS": "200"})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.output


@pytest.fixture
def noria(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_table_that_holds(noria: Shell) -> None:
    said = noria("trips.parquet", "--suite", "trips.json")
    assert "All 2 expectations hold. One could not be run." in said
    assert "is different in every row" in said


def test_a_table_that_does_not_ends_with_1_and_leaves_files(noria: Shell, tmp_path: Path) -> None:
    report, bad, results = (tmp_path / one for one in ("r.html", "bad.parquet", "ge.json"))
    said = noria("later.parquet", "-s", "trips.json", "--report", str(report), "--quarantine", str(bad),
                 "--ge-results", str(results), code=1)  # fmt: skip
    assert "3 rows set aside" in said
    assert "One of 3 expectations does not hold: 1 critical." in report.read_text()
    assert pq.read_table(bad)["fare"].to_pylist() == [-3.0, -2.0, -1.0]
    written = json.loads(results.read_text())
    assert written["statistics"] == {"evaluated_expectations": 2, "successful_expectations": 1,
                                     "unsuccessful_expectations": 1, "success_percent": 50.0}  # fmt: skip
    assert [one["success"] for one in written["results"]] == [True, False, None]


def test_programs_read_one_document(noria: Shell) -> None:
    told = json.loads(noria("later.parquet", "-s", "trips.json", "--json", code=1))
    assert (told["verdict"], told["passed"], told["failed"], told["not_run"]) == ("failed", 1, 1, 1)
    assert told["expectations"][1]["result"]["unexpected_count"] == 3


def test_strict_takes_nothing_on_trust(noria: Shell) -> None:
    noria("trips.parquet", "-s", "trips.json", "--strict", code=1)


def test_a_suite_is_inferred_and_holds(noria: Shell, tmp_path: Path) -> None:
    made = tmp_path / "made.json"
    assert "expectations of" in noria("infer", "trips.parquet", "-o", str(made), "--label", "fare")
    assert "hold" in noria("trips.parquet", "-s", str(made))
    noria("later.parquet", "-s", str(made), code=0)
    assert json.loads(noria("infer", "trips.parquet"))["name"] == "trips"
    with pytest.raises(BadInput, match="there is no column 'fair'"):
        noria("infer", "trips.parquet", "--label", "fair")


def test_two_tables_are_compared(noria: Shell) -> None:
    assert "Jensen-Shannon" in noria("compare", "trips.parquet", "trips.parquet")
    told = json.loads(noria("compare", "trips.parquet", "later.parquet", "-t", "fare=0.5", "--json", code=1))
    assert [one["column"] for one in told["changes"] if one["verdict"] == "failed"] == ["late"]
    with pytest.raises(BadInput, match="is no number"):
        noria("compare", "trips.parquet", "later.parquet", "-t", "fare=much")


def test_parameters_and_further_tables(noria: Shell, tmp_path: Path) -> None:
    suite = {"name": "x", "expectations": [
        {"type": "expect_column_max_to_be_between", "kwargs": {"column": "id", "max_value": {"$PARAMETER": "top"}}},
        {"type": "expect_table_row_count_to_equal_other_table", "kwargs": {"other_table_name": "later"}},
    ]}  # fmt: skip
    path = tmp_path / "x.json"
    path.write_text(json.dumps(suite))
    further = f"later={tmp_path / 'later.parquet'}"
    assert "All 2" in noria("trips.parquet", "-s", str(path), "-P", "top=39", "--table", further)
    noria("trips.parquet", "-s", str(path), "-P", "top=5", code=1)
    with pytest.raises(BadInput, match="NAME=PLACE"):
        noria("trips.parquet", "-s", str(path), "--table", "later")


def test_a_pandera_model_in_a_file(noria: Shell, tmp_path: Path) -> None:
    (tmp_path / "schemas.py").write_text(
        "import pandera.pandas as pa\n\n\n"
        "class Trips(pa.DataFrameModel):\n    id: int\n    fare: float = pa.Field(ge=0)\n"
    )
    assert "All" in noria("trips.parquet", "-s", "schemas.py")
    noria("later.parquet", "-s", f"{tmp_path / 'schemas.py'}:Trips", code=1)


@pytest.mark.parametrize("suite", ["none.json", "trips.parquet", "schemas.py"])
def test_what_is_no_suite_says_so(noria: Shell, suite: str) -> None:
    with pytest.raises(NoriaError) as told:
        noria("trips.parquet", "-s", suite)
    assert told.value.code == "N3050"


def test_help_tells_of_all(noria: Shell) -> None:
    said: Any = noria("--help")
    assert all(verb in said for verb in ("table", "infer", "compare"))
