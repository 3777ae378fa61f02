"""Spans as OpenTelemetry's own exporter sends them, read by its own messages."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import grpc
import httpx
import pytest
import tiny_airline
from grpc_requests import INFER, MESSAGES, ROW, infer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tiny_airline import add_version, flight

import noria
from noria.serving.tracing import NoTracing, tracing

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Collector(HTTPServer):
    """Takes what an OTLP exporter sends by HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taker)
        self.spans: list = []


class _Taker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quietly."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def attributes(span) -> dict:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_every_request_is_a_span_below_the_callers(tmp_path: Path, collector: Collector) -> None:
    ws = tiny_airline.workspace(tmp_path)
    add_version(ws, promoted=True)
    ws.close()
    told = {
        "PYTHONPATH": str(Path(noria.__file__).parent.parent),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
    }
    process = subprocess.Popen(
        [sys.executable, tiny_airline.__file__, str(tmp_path)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, **told},
    )  # fmt: skip
    with process:
        url = process.stdout.readline().strip()
        httpx.post(f"{url}/predict", json=flight(), headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        httpx.get(f"{url}/nothing")
        with grpc.insecure_channel(url.removeprefix("http://")) as channel:
            request = MESSAGES["inference.ModelInferRequest"](**infer(ROW)).SerializeToString()
            channel.unary_unary(INFER)(request, metadata=[("traceparent", f"00-{TRACE}-{PARENT}-01")])
        process.terminate()
        assert process.wait(30) == 0
    spans = {span.name: span for span in collector.spans}
    assert set(spans) == {"POST /predict", "GET /nothing", INFER[1:]}
    called = spans[INFER[1:]]
    assert (called.trace_id.hex(), called.parent_span_id.hex(), called.kind) == (TRACE, PARENT, 2)
    assert attributes(called) == {
        "rpc.system": "grpc", "rpc.service": "inference.GRPCInferenceService", "rpc.method": "ModelInfer",
        "rpc.grpc.status_code": 0,
    }  # fmt: skip
    asked = spans["POST /predict"]
    assert (asked.trace_id.hex(), asked.parent_span_id.hex(), asked.kind) == (TRACE, PARENT, 2)
    assert attributes(asked)["http.response.status_code"] == 200
    assert attributes(spans["GET /nothing"])["http.response.status_code"] == 404
    assert spans["GET /nothing"].trace_id.hex() != TRACE


def test_who_does_not_ask_for_spans_has_none() -> None:
    assert tracing({}) is None
    assert tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h", "OTEL_TRACES_EXPORTER": "none"}) is None


def test_spans_without_their_packages_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(NoTracing, match="not installed"):
        tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h"})
