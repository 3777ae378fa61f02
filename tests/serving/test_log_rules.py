"""What a model's rules leave out of the prediction log; and that they do, in every file of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import tiny_airline
from caller import Caller
from hypothesis import given
from hypothesis import strategies as st
from tiny_airline import MODEL, MODELS, add_version, flight

from noria.core.errors import BadInput
from noria.serving.data_plane import DataPlane
from noria.serving.log import LogReader, log_path
from noria.serving.log_rules import kept, log_secret
from noria.serving.model import LogRules

SECRET_TAIL = "N725MQ"


@pytest.fixture
def logged(ws, open_plane):
    """`logged(rules, rows)`: answers rows with these rules; gives the log's records and the bytes of all its files."""
    add_version(ws, promoted=True)

    def run(rules, *rows):
        models = {MODEL: replace(MODELS[MODEL], log=rules)}
        plane = DataPlane(ws, models, tiny_airline.FUNCTIONS)
        plane.refresh()
        answers = Caller(plane).predict(*rows)
        plane.close()
        folder = log_path(ws)
        files = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        return answers, LogReader(folder).predictions()[0], files

    return run


def test_without_rules_everything_is_written(logged):
    _, (record,), files = logged(None, flight(1, tailnum=SECRET_TAIL))
    assert record.request["tailnum"] == SECRET_TAIL
    assert SECRET_TAIL.encode() in files


def test_a_redacted_column_is_in_no_file(logged):
    rules = LogRules(redact=("tailnum", "Aircraft.last_delay"))
    answers, (record,), files = logged(rules, flight(1, tailnum=SECRET_TAIL))
    assert answers[0]["output"] == record.output
    assert "tailnum" not in record.request
    assert "Aircraft.last_delay" not in record.features
    assert SECRET_TAIL.encode() not in files


def test_a_hashed_column_keeps_equal_values_equal_and_tells_none(logged):
    rules = LogRules(hashed=("tailnum",))
    rows = [flight(1, tailnum=SECRET_TAIL), flight(2, tailnum=SECRET_TAIL), flight(3, tailnum="N1"), flight(4)]
    _, records, files = logged(rules, *rows)
    hashes = [record.request["tailnum#"] for record in records]
    assert hashes[0] == hashes[1] != hashes[2]
    assert hashes[3] is None
    assert SECRET_TAIL.encode() not in files


def test_the_key_of_a_request_is_hashed_too(logged):
    _, (record,), files = logged(LogRules(redact=("flight_id",), key="flight_id"), flight(1, flight_id="UA-secret-1"))
    assert record.key
    assert b"UA-secret-1" not in files


def test_a_sample_is_drawn_by_the_id(logged):
    rows = [flight(number, prediction_id=f"p{number}") for number in range(400)]
    rules = LogRules(sample=0.25)
    answers, records, _ = logged(rules, *rows)
    assert len(answers) == 400
    assert {one.prediction_id for one in records} == {f"p{n}" for n in range(400) if kept(rules, f"p{n}")}
    assert 60 <= len(records) <= 140


@given(st.text(min_size=1), st.floats(0.001, 1))
def test_a_larger_sample_has_all_of_a_smaller_one(prediction_id, sample):
    if kept(LogRules(sample=sample), prediction_id):
        assert kept(LogRules(sample=1 - (1 - sample) / 2), prediction_id)


@pytest.mark.parametrize("sample", [0.0, -1.0, 1.5, float("nan")])
def test_shares_that_are_none(sample):
    with pytest.raises(BadInput):
        LogRules(sample=sample)


def test_the_secret_is_made_once_and_is_its_owners(tmp_path: Path):
    first = log_secret(tmp_path / "serving")
    assert log_secret(tmp_path / "serving") == first
    assert len(first) == 32
    assert (tmp_path / "serving" / "log.secret").stat().st_mode & 0o077 == 0
