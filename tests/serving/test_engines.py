"""The same application behind each engine, in the clear and under TLS."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import httpx
import pytest
import tiny_airline
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from grpc_requests import INFER, MESSAGES, ROW, infer
from tiny_airline import MODEL, add_version, flight

import noria
from noria.core.errors import BadInput
from noria.serving.http.limits import Limits
from noria.serving.http.tls import BadCertificate, Tls
from noria.serving.log import LogReader, log_path
from noria.testing.running_http import read_all

ENGINES = ["noria", "uvicorn", "granian"]


@contextmanager
def server(root: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen]]:
    process = subprocess.Popen(
        [sys.executable, tiny_airline.__file__, str(root), *arguments], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(noria.__file__).parent.parent)},
    )  # fmt: skip
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    ws = tiny_airline.workspace(tmp_path)
    add_version(ws, promoted=True)
    ws.close()
    return tmp_path


@pytest.fixture(scope="module")
def server_with_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen]]:
    """A server that writes its access log to standard output."""
    root = tmp_path_factory.mktemp("logged")
    ws = tiny_airline.workspace(root)
    add_version(ws, promoted=True)
    ws.close()
    with server(root, "access") as found:
        yield found


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "noria")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "server.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_answers_and_after_sigterm_leaves_a_sealed_log(
    root: Path, pem: Path, engine: str, encrypted: bool
) -> None:
    arguments = [f"engine={engine}", *([f"tls={pem}"] if encrypted else [])]
    trust = ssl.create_default_context(cafile=pem)
    with server(root, *arguments) as (url, process):
        assert url.startswith("https://" if encrypted else "http://")
        with httpx.Client(base_url=url, verify=trust) as client:
            answers = [client.post("/predict", json=flight()).json()["predictions"][0] for _ in range(20)]
            assert client.post("/predict", content=b"x" * 10_000_001).status_code == 413
            too_large = client.post(f"/seldon/here/{MODEL}/api/v1.0/predictions", content=b"x" * 10_000_001)
            assert too_large.json()["status"]["code"] == 413
            assert client.get("/v2/health/ready").json()["ready"] is True
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    ws = tiny_airline.workspace(root)
    records, _ = LogReader(log_path(ws)).predictions()
    ws.close()
    assert [one.prediction_id for one in records] == [one["prediction_id"] for one in answers]
    assert list((root / ".noria/log/predictions").glob("*.parquet"))


def test_a_line_is_written_for_every_answer(root: Path) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"x-request-id": "mine", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    with server(root, "access") as (url, process):
        httpx.post(f"{url}/predict", json=flight(), headers=headers)
        httpx.get(f"{url}/no%0Asuch", headers={"traceparent": "00-zz-b7ad6b7169203331-01"})
        first, second = (json.loads(process.stdout.readline()) for _ in range(2))
    assert (first["id"], first["method"], first["path"], first["status"]) == ("mine", "POST", "/predict", 200)
    assert (first["trace"], first["peer"]) == (trace, "127.0.0.1")
    assert (second["path"], second["status"], second["trace"]) == ("/no\nsuch", 404, None)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.mark.parametrize("lane", ["ours", "grpcio"])
@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "tls"])
def test_a_line_is_written_for_every_call_of_either_lane(root: Path, pem: Path, lane: str, encrypted: bool) -> None:
    trace, port = "0af7651916cd43dd8448eb211c80319c", free_port()
    request = MESSAGES["inference.ModelInferRequest"](**infer(ROW)).SerializeToString()
    with server(root, "access", f"grpc={port}", *([f"tls={pem}"] if encrypted else [])) as (url, process):
        address = url.partition("//")[2] if lane == "ours" else f"127.0.0.1:{port}"
        trusted = grpc.ssl_channel_credentials(pem.read_bytes())
        with grpc.secure_channel(address, trusted) if encrypted else grpc.insecure_channel(address) as channel:
            sent = [("x-request-id", "mine"), ("traceparent", f"00-{trace}-b7ad6b7169203331-01")]
            answer, call = channel.unary_unary(INFER).with_call(request, metadata=sent)
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary("/no.Such/Method")(b"")
        first, second = (json.loads(process.stdout.readline()) for _ in range(2))
    assert ("x-request-id", "mine") in call.initial_metadata()
    assert (first["id"], first["method"], first["path"], first["status"]) == ("mine", "GRPC", INFER, 0)
    assert (first["trace"], first["bytes"]) == (trace, len(answer)) and "127.0.0.1" in first["peer"]
    assert (second["path"], second["status"], second["trace"]) == ("/no.Such/Method", 12, None)
    told = (*refused.value.initial_metadata(), *refused.value.trailing_metadata())
    assert ("x-request-id", second["id"]) in told


V2, V1, TORCH = f"/v2/models/{MODEL}/infer", f"/v1/models/{MODEL}:predict", f"/predictions/{MODEL}"


@pytest.mark.parametrize(
    ("raw", "status", "words"),
    [
        (f"POST {V2} HTTP/1.1\r\nhost: h\r\ncontent-length: 10000001\r\n\r\n", 413, {"error", "code", "hint"}),
        (f"POST {V1} HTTP/1.1\r\nhost: h\r\nexpect: money\r\n\r\n", 417, {"error", "code", "hint"}),
        (f"POST {TORCH} HTTP/1.1\r\nhost: h\r\nx: {'y' * 40_000}\r\n\r\n", 431, {"code", "type", "message"}),
        (f"POST {TORCH} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: gz\r\n\r\n", 400, {"code", "type", "message"}),
        (f"GET {V2}\r\n\r\n", 505, {"error", "code", "hint"}),
        ("POST /score HTTP/1.1\r\nhost: h\r\ncontent-encoding: br\r\n\r\n", 415, {"message", "code"}),
    ],
)
def test_what_is_refused_unread_is_refused_in_the_words_of_its_contract_and_logged(
    server_with_log, raw: str, status: int, words: set[str]
) -> None:
    url, process = server_with_log
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(raw.encode())
        connection.shutdown(socket.SHUT_WR)
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert head.split()[1] == str(status).encode()
    assert json.loads(body).keys() == words
    assert json.loads(process.stdout.readline())["status"] == status


def test_files_that_are_no_certificate_are_told(tmp_path: Path, pem: Path) -> None:
    with pytest.raises(BadCertificate, match="make no TLS server"):
        Tls(tmp_path / "gone.pem", pem).context()
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(BadCertificate, match="belong together"):
        Tls(tmp_path / "empty.pem", pem).context()


def test_a_limit_that_limits_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match="positive"):
        Limits(body=0)
