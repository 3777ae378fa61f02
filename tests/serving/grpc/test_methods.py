"""Every method without a lane: what is asked for rightly and wrongly, and any bytes at all."""

from __future__ import annotations

import asyncio
import json
import math
import struct

import pytest
from grpc_requests import INFER, MESSAGES, ROW, infer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_airline import MODEL

from noria.serving.grpc.quick import QuickReader
from noria.serving.grpc.services import Services
from noria.serving.grpc.statuses import (
    INTERNAL,
    INVALID_ARGUMENT,
    NOT_FOUND,
    PERMISSION_DENIED,
    UNIMPLEMENTED,
    Refused,
)
from noria.serving.rows import Ask

PREDICT = "/tensorflow.serving.PredictionService/Predict"
relaxed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)


async def awaited(outcome):
    return await outcome


@pytest.fixture
def ask(call):
    """Calls a method with the fields of its request, or with bytes; gives the response or the refusal."""
    services = Services(call.plane)

    def one(path: str, body: object = b"", **fields: object) -> object:
        service, name = path[1:].rsplit("/", 1)
        package = service.rpartition(".")[0]
        name = {"ModelStreamInfer": "ModelInfer", "Check": "HealthCheck"}.get(name, name)
        if fields:
            body = MESSAGES[f"{package}.{name}Request"](**fields).SerializeToString()
        outcome = services.methods.begin(path, body)
        if not isinstance(outcome, bytes | Refused):
            outcome = asyncio.run(awaited(outcome))
        if isinstance(outcome, Refused):
            return outcome
        answer = "ModelStreamInfer" if "Stream" in path else name
        return MESSAGES[f"{package}.{answer}Response"].FromString(outcome)

    one.services = services
    return one


def test_parameters_ask_for_reasons_and_for_a_place_in_the_queue(ask) -> None:
    asked = infer(ROW, parameters={"explain": {"bool_param": True}, "priority": {"uint64_param": 1}})
    answer = ask(INFER, **asked)
    (why,) = json.loads(answer.parameters["explanations"].string_param)
    assert why["method"] == "trees" and {"distance", "origin"} <= why["contributions"].keys()
    assert not ask(INFER, **infer(ROW)).parameters
    for wrong in (
        {"priority": {"string_param": "first"}},
        {"explain": {"int64_param": 1}},
        {"priority": {"int64_param": -1}},
    ):
        assert ask(INFER, **infer(ROW, parameters=wrong)).status == INVALID_ARGUMENT
    assert ask(INFER, **infer(ROW, parameters={"other": {}})).outputs


def test_raw_and_typed_contents_give_what_predict_gives(call, ask) -> None:
    expected = call.predict(ROW)[0]["output"]
    answer = ask(INFER, **infer(ROW, id="seven"))
    assert struct.unpack("<d", answer.raw_output_contents[0]) == (expected,)
    assert (answer.id, answer.model_version, [one.name for one in answer.outputs]) == (
        "seven",
        "1",
        ["late", "prediction_id"],
    )
    contents = {
        name: {"bytes_contents": [value.encode()] * 2} if isinstance(value, str) else {"fp32_contents": [value] * 2}
        for name, value in ROW.items()
    }
    inputs = [
        {"name": name, "datatype": "BYTES" if "bytes_contents" in held else "FP32", "shape": [2, 1], "contents": held}
        for name, held in contents.items()
    ]
    typed = ask(INFER, model_name=MODEL, inputs=inputs)
    assert typed.outputs[0].contents.fp64_contents == [expected] * 2
    assert len(set(typed.outputs[1].contents.bytes_contents)) == 2


def test_a_nan_is_a_missing_value(call, ask) -> None:
    refused = ask(INFER, **infer({**ROW, "distance": math.nan}))
    assert refused.status == INVALID_ARGUMENT
    assert "distance" in refused.message


def one(name: str, datatype: str, size: int = 1) -> dict:
    return {"name": name, "datatype": datatype, "shape": [size]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"raw_input_contents": [b""]}, "raw_input_contents"),
        ({"inputs": [one("distance", "FP64")], "raw_input_contents": [b"1234567"]}, "7 raw"),
        ({"inputs": [one("distance", "FP64", -1)], "raw_input_contents": [b""]}, "shape"),
        ({"inputs": [one("distance", "FP64", 1 << 62)], "raw_input_contents": [b""]}, "rows"),
        ({"inputs": [one("origin", "BYTES")], "raw_input_contents": [b"\xff\xff\xff\xffA"]},
         "within its string"),
        ({"inputs": [one("origin", "BYTES")], "raw_input_contents": [b"\1\0\0\0\xff"]}, "UTF-8"),
        ({"inputs": [one("distance", "BF16")], "raw_input_contents": [b"12"]}, "BF16"),
        ({"inputs": [{"name": "distance", "datatype": "FP64", "shape": [1], "contents": {"fp64_contents": [1.0]}}],
          "raw_input_contents": [b"12345678"]}, "beside"),
        ({"outputs": [{"name": "lat"}]}, "there is no output"),
    ],
)  # fmt: skip
def test_tensors_that_lie_are_refused(ask, change: dict, said: str) -> None:
    refused = ask(INFER, **{**infer(ROW), **change})
    assert refused.status == INVALID_ARGUMENT
    assert said in refused.message


def test_names_and_versions_that_there_are_not(ask) -> None:
    assert ask(INFER, **infer(ROW, model_version="7")).status == NOT_FOUND
    assert ask("/inference.GRPCInferenceService/Modelinfer").status == UNIMPLEMENTED
    assert ask("/inference.GRPCInferenceService/RepositoryModelUnload", model_name=MODEL).status == PERMISSION_DENIED
    assert ask("/grpc.health.v1.Health/Check", service="nobody").status == NOT_FOUND


def test_health_follows_the_board(open_plane, call, ask) -> None:
    check = "/grpc.health.v1.Health/Check"
    assert [ask(check, service=name).status for name in ("", MODEL, "inference.GRPCInferenceService")] == [1, 1, 1]
    ask.services.health.leave()
    assert ask(check, service=MODEL).status == 2


def test_a_half_and_a_value_that_stands_for_many(call, ask) -> None:
    texts = {name: value for name, value in ROW.items() if isinstance(value, str)}
    half = struct.unpack("<H", struct.pack("<e", 187.5))[0]
    inputs = {
        name: {"dtype": 7, "tensor_shape": {"dim": [{"size": 3}]}, "string_val": [value.encode()]}
        for name, value in texts.items()
    }
    inputs["distance"] = {"dtype": 19, "tensor_shape": {"dim": [{"size": 3}]}, "half_val": [half]}
    answer = ask(PREDICT, model_spec={"name": MODEL}, inputs=inputs)
    expected = call.predict({**ROW, "distance": 187.5})[0]["output"]
    assert list(answer.outputs["late"].double_val) == [expected] * 3


def test_what_a_stream_is_refused_comes_as_a_message(ask) -> None:
    answer = ask("/inference.GRPCInferenceService/ModelStreamInfer", b"\xff")
    assert "no message" in answer.error_message


def test_any_bytes_are_answered_or_refused(ask) -> None:
    paths = sorted(path for path in [*ask.services.methods.unary, *ask.services.methods.streams])

    @relaxed
    @given(st.sampled_from(paths), st.binary(max_size=200))
    def any_bytes(path: str, body: bytes) -> None:
        outcome = ask(path, body) if "Reflection" not in path else ask.services.methods.begin(path, body)
        assert not (isinstance(outcome, Refused) and outcome.status == INTERNAL)

    any_bytes()


def test_damaged_requests_are_answered_or_refused(ask) -> None:
    sound = {
        INFER: MESSAGES["inference.ModelInferRequest"](**infer(ROW)).SerializeToString(),
        PREDICT: MESSAGES["tensorflow.serving.PredictRequest"](
            model_spec={"name": MODEL},
            inputs={"distance": {"dtype": 2, "tensor_shape": {"dim": [{"size": 1}]}, "tensor_content": b"\0" * 8}},
        ).SerializeToString(),
    }

    @relaxed
    @given(st.sampled_from(sorted(sound)), st.data())
    def damaged(path: str, data: st.DataObject) -> None:
        body = bytearray(sound[path])
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(body) - 1))
            body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
            body = body or bytearray(b"\0")
        outcome = ask(path, bytes(body))
        assert not (isinstance(outcome, Refused) and outcome.status == INTERNAL)

    damaged()


@given(
    values=st.lists(st.one_of(st.floats(width=32), st.floats()), min_size=2, max_size=2),
    texts=st.lists(st.text(max_size=140), min_size=2, max_size=2),
    cut=st.integers(0, 3),
    more=st.binary(max_size=12),
)
def test_the_quick_reader_reads_as_the_exact_one_or_not_at_all(
    values: list, texts: list, cut: int, more: bytes
) -> None:
    columns = {"a": "FP64", "text": "BYTES", "b": "FP32", "c": "INT16", "other": "BYTES"}
    described = [{"name": name, "datatype": datatype, "shape": [1]} for name, datatype in columns.items()]

    def body(first: float, text: str, second: float, third: int, other: str) -> bytes:
        packed = [text.encode(), other.encode()]
        raws = [struct.pack("<d", first), struct.pack("<I", len(packed[0])) + packed[0], struct.pack("<f", second)]
        raws += [struct.pack("<h", third), struct.pack("<I", len(packed[1])) + packed[1]]
        made = MESSAGES["inference.ModelInferRequest"](model_name=MODEL, inputs=described, raw_input_contents=raws)
        return made.SerializeToString()

    reader, shape = QuickReader(), object()
    known = body(1.5, "JFK", 2.5, 3, "")
    reader.learn(known, MESSAGES["inference.ModelInferRequest"].FromString(known), shape)
    assert reader.read(known) == (shape, Ask({"a": 1.5, "text": "JFK", "b": 2.5, "c": 3, "other": ""}))
    second = struct.unpack("<f", struct.pack("<f", max(-1e30, min(1e30, values[1]))))[0]
    asked = body(values[0], texts[0], second, -7, texts[1])
    found = reader.read(asked)
    if any(map(math.isnan, (values[0], second))) or max(len(text.encode()) for text in texts) > 123:
        assert found is None
    else:
        assert found == (shape, Ask({"a": values[0], "text": texts[0], "b": second, "c": -7, "other": texts[1]}))
    assert cut == 0 or reader.read(asked[:-cut]) is None
    assert not more or reader.read(asked + more) is None
