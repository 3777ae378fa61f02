"""The quick way through an infer request against the exact one: what it takes, it reads as that does."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_airline import INPUTS, packaged

from noria.core.schema import Column
from noria.serving.contracts import infer_json
from noria.serving.contracts.datatypes import DATATYPES
from noria.serving.contracts.infer_json import Tensor, asks_of
from noria.serving.contracts.shape import Shape
from noria.serving.contracts.tensors import read_infer
from noria.serving.json_body import decode
from noria.serving.lineup import Lineup, Loaded
from noria.serving.model import BadPayload, Routing

COLUMNS = (
    Column("a", "string"), Column("b", "int"), Column("c", "float"), Column("d", "bool"), Column("e", "time"),
    Column("asked_at", "time"),
)  # fmt: skip


@pytest.fixture(scope="module")
def shape() -> Shape:
    """A model with a column of every type."""
    package = replace(packaged(0)[0], inputs=replace(INPUTS, request=COLUMNS))
    return Shape(Lineup(Routing("m", 1), Loaded("m", 1, package, None, None)))


TYPES = sorted({name for names in DATATYPES.values() for name in names} | {"BF16"})
VALUES = (
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.integers(-200, 300)
    | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3) | st.just([1])
)  # fmt: skip
FITTING = {"a": ("BYTES", "x"), "b": ("INT64", 7), "c": ("FP64", 1.5), "d": ("BOOL", True), "e": ("INT64", 0)}


@st.composite
def bodies(draw) -> dict:
    """Requests that are mostly right."""
    rows = draw(st.integers(0, 3))
    inputs = []
    for name in draw(st.lists(st.sampled_from([*FITTING, "prediction_id", "zz"]), min_size=0, max_size=5)):
        datatype, value = FITTING.get(name, ("BYTES", "id"))
        one = {"name": name, "datatype": datatype, "shape": [rows], "data": [value] * rows}
        if draw(st.booleans()):
            one["shape"] = [rows, 1]
        if draw(st.integers(0, 4)) == 0:
            one["datatype"] = draw(st.sampled_from(TYPES))
        if rows and draw(st.integers(0, 3)) == 0:
            one["data"] = draw(st.lists(VALUES, min_size=rows, max_size=rows))
        if draw(st.integers(0, 9)) == 0:
            one["data"] = [[value]] * rows
        if draw(st.integers(0, 9)) == 0:
            one["shape"] = draw(st.lists(st.integers(-1, 3), max_size=3))
        inputs.append(one)
    body: dict = {"inputs": inputs}
    if draw(st.booleans()):
        body["id"] = "7"
    if draw(st.integers(0, 4)) == 0:
        body["outputs"] = [{"name": "late", "parameters": {"binary_data": draw(st.booleans())}}]
    return body


@given(body=bodies())
@settings(deadline=None, max_examples=400)
def test_both_ways_read_the_same(shape: Shape, body: dict) -> None:
    sent = json.dumps(body).encode()
    try:
        exact = read_infer(decode(sent), shape)
    except BadPayload as error:
        with pytest.raises(BadPayload) as caught:
            infer_json.read(sent, shape)
        assert caught.value.message == error.message
    else:
        quick = infer_json.read(sent, shape)
        assert (list(quick.asks), quick.id, quick.outputs, quick.binary) == (
            list(exact.asks), exact.id, exact.outputs, exact.binary,
        )  # fmt: skip


def test_what_is_as_it_should_be_takes_the_quick_way(shape: Shape) -> None:
    for rows in (1, 3):
        tensors = [Tensor(name, kind, [rows], [value] * rows) for name, (kind, value) in FITTING.items()]
        assert len(asks_of(tensors, shape)) == rows
        assert len(asks_of([*tensors, Tensor("prediction_id", "BYTES", [rows, 1], ["x"] * rows)], shape)) == rows
