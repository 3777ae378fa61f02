"""Every route that answers rows, in this very process: the same answers, its own refusals, nothing that breaks it."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_airline import flight
from ways import WAYS, Way, csv

ROWS = [{**flight(number, tailnum=f"N{number}")} for number in range(3)]
for _row in ROWS:
    del _row["asked_at"]

every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.contract} {way.what}")


def ask(call, way: Way, body: object, status: int = 200) -> object:
    return call.json("POST", way.path, body, status=status, **way.headers)


@every_way
def test_a_row_gets_the_same_answer_whoever_asks(call, way: Way) -> None:
    ours = [one["output"] for one in call.predict(*ROWS)]
    assert way.numbers(ask(call, way, way.body(ROWS))) == ours
    assert way.numbers(ask(call, way, way.body(ROWS[:1]))) == ours[:1]


MISFITS = ({"distance": "far"}, {"distance": -1.0}, {"distance": None}, {"departs": "yesterday"}, {"origin": 3})


NO_ROWS = (b"", b"[", b"\xff\xfe", b"[" * 10**5, b'{"a":' * 500, b"null", b'"x"', b"[[]]", b"{}")


@every_way
def test_a_row_that_does_not_fit_is_refused_in_the_contracts_words(call, way: Way) -> None:
    for change in MISFITS:
        row = {**ROWS[0], **change}
        if way.body is csv and "origin" in change:  # a cell is text, whatever is in it
            assert way.numbers(ask(call, way, way.body([row])))
        else:
            (name,) = change
            assert name in way.refused(ask(call, way, way.body([row]), way.status))


@every_way
def test_a_column_too_many_or_too_few_is_refused(call, way: Way) -> None:
    refusal = way.refused(ask(call, way, way.body([{**ROWS[0], "surplus": "x"}]), way.status))
    assert "surplus" in refusal or "values" in refusal
    row = {name: value for name, value in ROWS[0].items() if name != "origin"}
    assert way.refused(ask(call, way, way.body([row]), way.status))


@every_way
def test_bodies_that_are_none_are_refused(call, way: Way) -> None:
    for body in NO_ROWS:
        assert way.refused(ask(call, way, body, way.status))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *flight(), "inputs", "instances", "outputs", "data", "name", "shape", "datatype", "parameters",
                    "dataframe_split", "columns", "examples", "b64", "context", "tensor", "values", "names", "ndarray",
                    "jsonData", "input_data", "meta", "params", "binary_data_size", "id", "prediction_id",
                ]
            ),
            inner, max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip
quiet = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@every_way
@given(body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
@quiet
def test_whatever_is_sent_is_answered_or_refused(call, way: Way, body: bytes) -> None:
    assert call("POST", way.path, body, **way.headers).status in (200, 400, 415, 424, 501)
