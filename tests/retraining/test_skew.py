"""`noria skew` on a project of which three days were replayed through the real endpoint."""

import json
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from flights_project import FlightsProject


@pytest.fixture
def project(replayed, tmp_path):
    """A copy of the replayed project, whose history may be changed."""
    return FlightsProject(Path(shutil.copytree(replayed.root, tmp_path / "flights")))


def refused(project, *arguments):
    """What a command that ends with 1 prints."""
    process = project.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, errors = process.communicate()
    assert process.returncode == 1, out + errors
    return out + errors


def add_a_minute_to_every_delay(project):
    for path in (project.root / "data" / "departures").glob("*.parquet"):
        table = pq.read_table(path)
        place = table.schema.get_field_index("delay")
        later = pc.add(table["delay"], 1).cast(table.schema.field(place).type)
        pq.write_table(table.set_column(place, table.schema.field(place), later), path)


def test_what_was_served_is_what_history_computes(replayed):
    found = replayed.noria("skew", "lateness")
    assert found["requests"] >= 300
    assert found["mismatches"] == 0
    assert {"hour_of_day", "Airport.mean_delay_3h"} <= {one["feature"] for one in found["features"]}
    assert all(one["compared"] and not one["mismatches"] for one in found["features"])


def test_a_history_that_changed_shows_in_its_features_and_in_no_other(project):
    add_a_minute_to_every_delay(project)
    found = json.loads(refused(project, "skew", "lateness", "--json"))
    worst = found["features"][0]
    assert worst["feature"].startswith("Airport.mean_delay")
    assert worst["largest"] == pytest.approx(1.0)
    assert worst["examples"][0]["served"] == pytest.approx(worst["examples"][0]["computed"] - 1)
    of_others = [one for one in found["features"] if "delay" not in one["feature"]]
    assert of_others
    assert not any(one["mismatches"] for one in of_others)
    assert "values differ" in refused(project, "skew", "lateness")


def test_a_span_without_answers_is_told(replayed):
    said = refused(replayed, "skew", "lateness", "--until", "2013-01-01")
    assert "nothing was logged in that time" in said


def test_a_moment_that_is_none_is_told(replayed):
    assert "such as 2013-06-01" in refused(replayed, "skew", "lateness", "--since", "yesterday")


def test_answers_newer_than_history_are_counted_and_not_compared(project):
    path = project.root / "data" / "departures" / "2013-02.parquet"
    table = pq.read_table(path)
    known = table["left_at"].cast(pa.timestamp("us"))
    pq.write_table(table.filter(pc.less(known, pa.scalar(datetime(2013, 2, 21)))), path)
    found = project.noria("skew", "lateness")
    assert found["ahead"] > 0
    assert found["requests"] > 0
    assert found["mismatches"] == 0
