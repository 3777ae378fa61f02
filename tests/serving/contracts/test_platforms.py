"""What platforms ask of a container, and forms that only some of them have."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator

import pytest
from tiny_airline import MODEL, add_version, flight
from ways import packed

from noria.core.errors import BadInput
from noria.serving.contracts import vertex

ROW = flight(1, tailnum="N1")
TRITON = "application/vnd.sagemaker-triton.binary+json"


@pytest.fixture
def on_vertex(ws, open_plane, monkeypatch) -> Iterator[object]:
    """A data plane where the platform has chosen routes, one of them Noria's own."""
    monkeypatch.setenv("AIP_HEALTH_ROUTE", "/alive")
    monkeypatch.setenv("AIP_PREDICT_ROUTE", "/predict")
    add_version(ws, promoted=True)
    return open_plane()


def test_vertex_names_the_routes_of_its_container(on_vertex) -> None:
    assert on_vertex.json("GET", "/alive") == {"status": "Healthy"}
    ours = on_vertex.json("POST", "/predict", {"rows": [ROW]})["predictions"][0]["output"]
    assert on_vertex.json("POST", "/predict", {"instances": [ROW], "parameters": {}}) == {"predictions": [ours]}
    assert on_vertex.json("POST", "/predict", {"instances": [{}]}, status=400)["error"]["status"] == "INVALID_ARGUMENT"
    assert on_vertex.json("GET", "/")["contracts"]["vertex-container"]


def test_routes_that_are_none_are_refused_when_the_server_opens() -> None:
    assert vertex.container({}) == () == vertex.container({"AIP_PREDICT_ROUTE": ""})
    for wrong in ("predict", "/a?b", "/{x}", "/a b", "/#"):
        with pytest.raises(BadInput, match="AIP_PREDICT_ROUTE"):
            vertex.container({"AIP_PREDICT_ROUTE": wrong})


def test_tensors_in_bytes_come_through_sagemaker_as_triton_sends_them(call) -> None:
    ours = call.predict(ROW)[0]["output"]
    document, tensors = packed([ROW])
    asked = json.dumps({**json.loads(document), "parameters": {"binary_data_output": True}}).encode()
    media = f"{TRITON};json-header-size={len(asked)}"
    answer = call("POST", "/invocations", asked + tensors, content_type=media)
    size = int(answer.content_type.removeprefix(f"{TRITON};json-header-size="))
    assert json.loads(answer.body[:size])["outputs"][0]["name"] == "late"
    assert ours == struct.unpack_from("<d", answer.body, size)[0]
    assert call.json("POST", "/invocations", asked, status=400, content_type=TRITON)["error_code"] == "BAD_REQUEST"


def test_csv_with_a_head_without_one_with_quotes_and_without_sense(call) -> None:
    names = [name for name in ROW if name != "asked_at"]
    ours = call.predict(ROW)[0]["output"]
    line = ",".join(f'"{ROW[name]}"' for name in names)
    for body in (line, ",".join(names) + "\r\n" + line + "\r\n", "\ufeff" + ",".join(names) + "\n" + line):
        answer = call("POST", "/invocations", body.encode(), content_type="text/csv", accept="text/csv")
        assert (answer.content_type, float(answer.body)) == ("text/csv", ours)
    for body in (b"", b"\n\n", b"a,b", b'"', b"\xff", line.encode() + b"\n1,2", b"origin\nJFK,1", b"\0"):
        refusal = call.json("POST", "/invocations", body, status=400, content_type="text/csv")
        assert refusal["error_code"] == "BAD_REQUEST"


def test_the_model_is_named_by_header_query_or_path(call) -> None:
    body = {"instances": [ROW]}
    ours = call.json("POST", "/invocations", body)
    for named in (MODEL, f"{MODEL}.tar.gz", f"/{MODEL}.tar.gz"):
        assert call.json("POST", "/invocations", body, x_amzn_sagemaker_target_model=named) == ours
    assert call.json("POST", f"/invocations?model={MODEL}", body) == ours
    assert call.json("POST", f"/models/{MODEL}.tar.gz/invoke", body) == ours
    assert call.json("POST", "/endpoints/anything/invocations", body) == ours
    refusal = call.json("POST", "/invocations", body, status=404, x_amzn_sagemaker_target_model="nobody")
    assert refusal["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    answer = call("POST", "/endpoints/x/async-invocations", body)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "ValidationError")


def test_a_form_of_torchserves(call) -> None:
    ours = call.predict(ROW)[0]["output"]
    field = b'--B\r\ncontent-disposition: form-data; name="%s"; filename="r"\r\n\r\n%s\r\n--B--\r\n'
    form = {"content_type": "multipart/form-data; boundary=B"}
    assert call.json("POST", f"/predictions/{MODEL}", field % (b"data", json.dumps(ROW).encode()), **form) == ours
    for body in (field % (b"other", b"{}"), b"", b"--B", b"\xff" * 50, field % (b"data", b"{")):
        assert call.json("POST", f"/predictions/{MODEL}", body, status=400, **form)["type"] == "BadRequestException"


def test_torchserves_explanations(call) -> None:
    one = call.json("POST", f"/explanations/{MODEL}", ROW)
    assert (one["method"], set(one["contributions"]) >= {"distance", "origin"}) == ("trees", True)
    assert call.json("POST", f"/explanations/{MODEL}", [ROW, ROW]) == [one, one]
    assert call.json("POST", f"/explanations/{MODEL}", {"instances": [ROW]}) == [one]
    assert call.json("POST", f"/explanations/{MODEL}", b"{", status=400)["type"] == "BadRequestException"


def test_azures_request_ids_come_back_unless_they_are_none(call) -> None:
    answer = call("POST", "/score", {"data": [ROW]}, x_ms_client_request_id="42", x_ms_request_id="a\r\nb: c")
    assert answer.headers == {"x-ms-client-request-id": "42"}


def test_seldons_forms(call) -> None:
    names = list(ROW)
    tensor = {"shape": [1, len(names)], "values": list(ROW.values())}
    told = call.json(
        "POST", "/api/v1.0/predictions", {"meta": {"puid": "p"}, "data": {"names": names, "tensor": tensor}}
    )
    assert told["data"]["tensor"]["shape"] == [1, 1] and told["data"]["names"] == ["late"]
    assert told["meta"] == {"puid": "p", "requestPath": {MODEL: "noria:1"}}
    for shape in ([1], [2, 8], [-1, -8], [True, 8], "1", [1, 8, 1]):
        body = {"data": {"names": names, "tensor": {**tensor, "shape": shape}}}
        assert "shape" in call.json("POST", "/api/v1.0/predictions", body, status=400)["status"]["info"]
    for body in ({"strData": "x"}, {"binData": "x"}):
        assert call.json("POST", "/api/v0.1/predictions", body, status=501)["status"]["status"] == "FAILURE"
    assert call.json("POST", "/api/v1.0/feedback", {}, status=501)["status"]["code"] == 501


def test_seldons_explanations(call) -> None:
    body = {"data": {"names": list(ROW), "ndarray": [list(ROW.values())] * 2}}
    told = call.json("POST", "/api/v1.0/explain", body)
    shares, base = told["data"]["shap_values"][0], told["data"]["expected_value"][0]
    assert told["meta"]["name"] == "TreeShap" and len(shares) == len(told["data"]["feature_names"])
    assert base + sum(shares) == pytest.approx(told["data"]["raw"]["raw_prediction"][0])
    assert told["data"]["raw"]["prediction"] == [call.predict(ROW)[0]["output"]] * 2
    for path in (f"/seldon/here/{MODEL}/api/v1.0/explain", f"/seldon/here/{MODEL}-explainer/default/api/v1.0/explain"):
        assert call.json("POST", path, body)["data"]["shap_values"] == told["data"]["shap_values"]
    assert call.json("POST", "/api/v1.0/explain", {"data": {}}, status=400)["status"]["status"] == "FAILURE"
