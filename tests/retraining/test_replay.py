"""A replay through real processes: undisturbed, and with one process after another killed under it."""

import json
import random
import subprocess

import pytest

from killing import kill_during_replay, logged

HISTORY = ["--requests", "3000", "--until", "2013-02-23"]
KILLS = 4


@pytest.fixture
def undisturbed(replayed):
    return logged(replayed)


def test_every_request_is_answered_and_online_features_equal_offline_ones(replayed) -> None:
    result = json.loads((replayed.root / "replay.json").read_text())
    assert result["requests"] == result["answered"] >= 300
    assert result["errors"] == 0
    assert result["labels"] >= 300
    assert result["equality"]["values"] >= 3_000
    assert result["equality"]["mismatches"] == 0
    assert (replayed.root / "report.html").stat().st_size < 400_000


def test_a_replay_that_is_over_does_nothing_more(replayed) -> None:
    before = logged(replayed)
    result = replayed.noria("replay", *HISTORY)
    assert result["answered"] == len(before.predictions)
    assert logged(replayed) == before


def test_history_that_ends_where_the_first_version_stands_is_told_in_a_sentence(flights_that_ran) -> None:
    process = flights_that_ran.start("replay", "--until", "2013-02-20", stderr=subprocess.PIPE)
    assert "there is nothing to replay: version 1 stands at 2013-02-20" in process.communicate()[1]
    assert process.returncode == 1


def test_killed_again_and_again_it_goes_on_and_nothing_is_lost_or_doubled(flights_that_ran, undisturbed) -> None:
    killed = kill_during_replay(flights_that_ran, HISTORY, random.Random(7), kills=KILLS, within=3.0)
    assert len(killed) >= 2
    result = json.loads((flights_that_ran.root / "replay.json").read_text())
    assert result["errors"] == 0
    assert result["equality"]["mismatches"] == 0
    after = logged(flights_that_ran)
    assert after.doubled == 0
    assert sorted(after.predictions) == sorted(undisturbed.predictions)
    assert sorted(after.labels) == sorted(undisturbed.labels)
    assert flights_that_ran.noria("journal", "--verify")["intact"]
