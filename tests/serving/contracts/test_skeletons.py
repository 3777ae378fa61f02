"""Bodies like one that was read before: the quick way reads them as the exact one, whatever the values are."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_infer_json import FITTING, shape  # noqa: F401

from noria.serving.contracts import infer_json
from noria.serving.contracts.shape import Shape
from noria.serving.contracts.tensors import read_infer
from noria.serving.json_body import decode
from noria.serving.model import BadPayload

FIRST = json.dumps(
    {
        "inputs": [
            {"name": name, "datatype": kind, "shape": [1], "data": [value]} for name, (kind, value) in FITTING.items()
        ]
    }
).encode()
START = FIRST.index(b'"data": [') + len(b'"data": [')
END = FIRST.index(b"]", START)
NUMBER = FIRST.index(b'"data": [7]') + len(b'"data": [')
ODD = (
    b'"a\\"b"', b'"a]"', b'"], "data": ["', b"1, 2", b"", b" 7 ", b"01", b"-", b"1.", b"1e5", b"1e999", b"NaN", b"nul",
    b"null", b"true", b'"', b'"\xff"', b'"\x00"', b'"\xc3\xa9"', b"[1]", b"{}", b"9223372036854775807", b"1" * 30,
)  # fmt: skip
TEXTS = (
    st.sampled_from(ODD)
    | st.binary(max_size=4)
    | st.text(max_size=4).map(lambda text: json.dumps(text).encode())
    | st.floats(allow_nan=False, allow_infinity=False).map(lambda value: json.dumps(value).encode())
)  # fmt: skip


def read(body: bytes, learnt: Shape) -> object:
    try:
        found = infer_json.read(body, learnt)
    except BadPayload as error:
        return error.message
    return repr((list(found.asks), found.id, found.outputs, found.binary))


def exactly(body: bytes, learnt: Shape) -> object:
    try:
        found = read_infer(decode(body), learnt)
    except BadPayload as error:
        return error.message
    return repr((list(found.asks), found.id, found.outputs, found.binary))


@pytest.fixture
def learnt(shape: Shape) -> Shape:  # noqa: F811
    one = Shape(shape.lineup)
    infer_json.read(FIRST, one)
    assert one.skeletons.read(FIRST) is not None
    return one


@given(text=TEXTS, number=TEXTS)
@example(b'"a"], "parameters": {"x": 1}, "y": [1', b"7")
@settings(deadline=None, max_examples=500)
def test_other_values(shape: Shape, text: bytes, number: bytes) -> None:  # noqa: F811
    learnt = Shape(shape.lineup)
    infer_json.read(FIRST, learnt)
    body = FIRST[:START] + text + FIRST[END:NUMBER] + number + FIRST[NUMBER + 1 :]
    assert read(body, learnt) == exactly(body, Shape(shape.lineup))


@given(at=st.integers(0, len(FIRST) - 1), length=st.integers(0, 3), put=st.binary(max_size=3))
@settings(deadline=None, max_examples=500)
def test_other_bytes(shape: Shape, at: int, length: int, put: bytes) -> None:  # noqa: F811
    learnt = Shape(shape.lineup)
    infer_json.read(FIRST, learnt)
    body = FIRST[:at] + put + FIRST[at + length :]
    assert read(body, learnt) == exactly(body, Shape(shape.lineup))


def test_values_of_every_kind_take_the_quick_way(learnt: Shape) -> None:
    for old, new in ((b'"x"', b'"\xc3\xa9"'), (b"[7]", b"[-8]"), (b"[1.5]", b"[2.5e-3]"), (b"[true]", b"[null]")):
        layout, values = learnt.skeletons.read(FIRST.replace(old, new))
        assert values == [json.loads(FIRST.replace(old, new))["inputs"][n]["data"][0] for n in range(len(layout.names))]
    assert learnt.skeletons.read(FIRST.replace(b"[7]", b"[7.5]")) is None
    assert learnt.skeletons.read(FIRST.replace(b"[7]", b"[7, 8]")) is None


def test_nobody_can_fill_the_memory_with_patterns(learnt: Shape) -> None:
    for number in range(100):
        infer_json.read(FIRST.replace(b"{", b"{" + b" " * number), learnt)
    assert learnt.skeletons.read(FIRST) is not None
    assert sum(learnt.skeletons.read(FIRST.replace(b"{", b"{" + b" " * n)) is not None for n in range(100)) == 8


def test_what_stands_beside_the_tensors_is_not_learnt(shape: Shape) -> None:  # noqa: F811
    body = json.loads(FIRST)
    for more in (
        {"id": "7"},
        {"parameters": {"data": [1]}},
        {"x": {"data": [1]}},
        {"inputs": [{**body["inputs"][0], "parameters": {"data": [1]}}, *body["inputs"][1:]]},
    ):
        one, sent = Shape(shape.lineup), json.dumps({**body, **more}).encode()
        infer_json.read(sent, one)
        assert one.skeletons.read(sent) is None
