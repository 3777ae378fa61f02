"""`noria features`: what a person sees of a project's views, before the first run, after it, and after a change."""

import json
import re

import pytest
from declared import airport, departure, others
from typer.testing import CliRunner

from noria.cli.main import app
from noria.core.errors import BadInput, NotFound
from noria.features.registry.recording import record
from noria.testing.workspace import make_workspace


class Shell:
    """A project folder, and `noria features` asked in it on a terminal of 80 columns."""

    def __init__(self, root):
        self.root = root
        (root / "project.py").write_text("import noria\nproject = noria.Project('x')\n")
        self.ws = make_workspace(root)

    def __call__(self, *arguments):
        done = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["features", *arguments, "-C", str(self.root)])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        assert max(map(len, done.output.splitlines()), default=0) <= 80 or "--json" in arguments
        return done.output

    def json(self, *arguments):
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def noria(tmp_path):
    shell = Shell(tmp_path)
    yield shell
    shell.ws.close()


def test_before_the_first_run_it_says_what_to_do(noria):
    assert "`noria run` records" in noria()
    assert noria.json() == []
    with pytest.raises(NotFound, match="there is no view 'Airport'; there is no view at all yet"):
        noria("Airport")


def test_what_changed_is_said_in_sentences(noria):
    source = departure()
    record(noria.ws, [airport(source)])
    with pytest.raises(BadInput, match="has one version only"):
        noria("diff", "Airport")
    record(noria.ws, [airport(source, **others(source))])

    assert noria("diff", "Airport").splitlines() == [
        "Airport version 1 to version 2:",
        "  flights is called departures now; it means the same.",
        "  share_late: predicate was delay > 15 and is delay > 20.",
        "  last_delay: the time to live grew from 6h to 12h.",
        "  worst is new: the greatest delay over 3h.",
    ]
    assert noria.json("diff", "Airport", "2", "1")["changes"][-1].startswith("worst is gone")
    assert noria("diff", "Airport", "2", "2").endswith("Nothing: they mean the same.\n")
    with pytest.raises(NotFound, match="no version of Airport '7'; there are: 1, 2"):
        noria("diff", "Airport", "7")
    with pytest.raises(NotFound, match="did you mean 'Airport'"):
        noria("diff", "Airprot")


def test_the_list_hides_what_nobody_reads_any_more(noria):
    record(noria.ws, [airport()])
    record(noria.ws, [airport(departure(unit="seconds"))])

    shown = noria()

    assert re.search(r"Airport +2 +origin +declared +nobody", shown)
    assert "1 older version that nobody reads" in shown
    assert [(one["version"], one["state"]) for one in noria.json("Airport")] == [(1, "unused"), (2, "declared")]


def test_after_a_turn_views_have_figures_readers_and_a_way_back_to_the_files(flights_that_ran):
    listed = flights_that_ran.noria("features")
    assert [one["view"] for one in listed] == ["Aircraft", "Airport", "Carrier", "Sky"]
    assert {one["state"] for one in listed} == {"served"} and {one["version"] for one in listed} == {1}

    name = "Airport"
    (version,) = flights_that_ran.noria("features", name)
    (figures,) = version["figures"]
    assert figures["rows"] > 1000 and 0 < figures["newest_event"] <= figures["at"]
    assert [one["name"] for one in figures["features"]] == [one["name"] for one in version["features"]]
    assert any(one["mean"] for one in figures["features"])
    (use,) = version["read_by"]
    assert (use["model"], use["version"], use["stage"]) == ("lateness", 1, "production")
    assert use["snapshot"] == figures["snapshot"]

    (walk,) = flights_that_ran.noria("features", "lineage", name)["versions"]
    assert walk["snapshots"][use["snapshot"]]["files"], "down to the files of the snapshot"
    assert walk["models"][0]["version"] == 1

    shown = flights_that_ran.shown("features", name)
    assert "newest event" in shown and "mean" in shown and max(map(len, shown.splitlines())) <= 80
    assert "lateness version 1, production, trained on snapshot" in flights_that_ran.shown("features", "lineage", name)


def test_a_changed_view_is_a_new_version_and_the_old_one_stays_while_it_is_served(flights_that_ran):
    flights_that_ran.edit("flights.py", "ttl=hours(6)", "ttl=hours(12)")

    flights_that_ran.run()

    found = flights_that_ran.noria("features", "Aircraft")
    assert [one["version"] for one in found] == [1, 2] and found[1]["current"]
    assert all(one["state"] in ("served", "kept") for one in found), "each is read by the model trained on it"
    assert [use["version"] for one in found for use in one["read_by"]] == [1, 2]
    told = flights_that_ran.noria("features", "diff", "Aircraft")["changes"]
    assert told == ["last_delay: the time to live grew from 6h to 12h."]
    assert {one["version"] for one in flights_that_ran.noria("features") if one["view"] != "Aircraft"} == {1}
