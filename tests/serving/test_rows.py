import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.core.errors import NoriaError
from noria.serving.json_body import decode
from noria.serving.model import BadLabel, BadPayload
from noria.serving.rows import Ask, read_asks, read_events, read_feedback, read_feedback_items

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"{", "no JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b"[NaN]", "NaN"),
        (b'{"a": 1e999}', "out of range"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 50_000, "nested too deeply"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b"\xff\xfe{\x00}\x00", "no JSON"),
        (b'{"a": 1} trailing', "no JSON"),
        (b"\x00" * 100, "no JSON"),
    ],
)
def test_a_body_that_is_no_json_is_refused_with_the_reason(body: bytes, words: str) -> None:
    with pytest.raises(BadPayload, match=words):
        decode(body)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_decoded_or_refused(body: bytes) -> None:
    try:
        decode(body)
    except BadPayload as error:
        assert error.status == 400


@given(JSON)
@settings(deadline=None)
def test_any_json_is_read_or_refused(body: object) -> None:
    for read in (read_asks, read_events, lambda value: [read_feedback(one, 0) for one in read_feedback_items(value)]):
        try:
            read(body)
        except NoriaError as error:
            assert error.status == 400


def test_one_row_many_rows_and_an_array_of_rows_mean_the_same() -> None:
    row = {"origin": "JFK"}
    assert read_asks(row) == read_asks({"rows": [row]}) == read_asks([row]) == [Ask(row)]


def test_a_row_may_bring_its_prediction_id() -> None:
    assert read_asks({"origin": "JFK", "prediction_id": "p1"}) == [Ask({"origin": "JFK"}, "p1")]
    for wrong in ("", "x" * 257, 7, None, ["p1"]):
        with pytest.raises(BadPayload, match="prediction_id"):
            read_asks({"prediction_id": wrong})


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(BadPayload, match="1001 rows"):
        read_asks([{}] * 1001)


@pytest.mark.parametrize("label", ["1", [1], {}, float("inf"), float("nan"), 10**400])
def test_a_label_is_a_finite_number(label: object) -> None:
    with pytest.raises(BadLabel):
        read_feedback({"prediction_id": "p", "label": label}, 0)


def test_feedback_is_a_label_an_outcome_or_both() -> None:
    assert read_feedback({"prediction_id": "p", "label": True}, 5).label == 1.0
    assert read_feedback({"prediction_id": "p", "outcome": {"paid": 3.5}}, 5).outcome == {"paid": 3.5}
    with pytest.raises(BadLabel, match="neither"):
        read_feedback({"prediction_id": "p"}, 5)
    with pytest.raises(BadPayload, match="did you mean 'label'"):
        read_feedback({"prediction_id": "p", "lable": 1}, 5)


@pytest.mark.parametrize(
    "body",
    [
        {"rows": []},
        {"source": 3, "rows": []},
        {"source": "Departure", "rows": {}},
        {"source": "Departure", "rows": [1]},
        {"source": "Departure", "rows": [], "position": 0},
        {"source": "Departure", "rows": [], "stream": "s", "position": -1},
        {"source": "Departure", "rows": [], "stream": "s", "position": True},
        {"source": "Departure", "rows": [], "stream": "s", "position": 10**30},
        {"source": "Departure", "rows": [], "sream": "s"},
        [{"source": "Departure", "rows": []}, 7],
    ],
)
def test_events_that_are_none_are_refused(body: object) -> None:
    with pytest.raises(BadPayload):
        read_events(body)
