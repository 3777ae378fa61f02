"""Every contract, asked by its real clients: each in a process and an environment of its own, on one running server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tiny_airline import MODEL, flight

from noria.serving.contracts.all import CONTRACTS
from noria.testing import rivals

HERE = Path(__file__).parent
RIVALS = rivals.ROOT / "tests" / "rivals"
ROWS = [flight(1, tailnum="N1"), flight(2, tailnum="N2"), flight(3, tailnum="N3")]


@dataclass(frozen=True)
class Client:
    """A program of somebody else's: the environment it lives in ("": the machine's), the script that asks."""

    environment: str
    script: str
    refusals: dict[str, int]


CLIENTS = (
    Client(
        "tritonclient", "tritonclient_http",
        {"unknown model": 404, "unknown version": 404, "missing column": 400, "unload": 403, "shared memory": 501},
    ),
    Client("tritonclient", "open_inference_openapi", {"unknown model": 404, "missing column": 400}),
    Client("kserve", "kserve_rest", {"unknown model": 404, "missing column": 400}),
    Client(
        "mlflow", "mlflow_scoring",
        {"missing column": 400, "two forms": 400, "unknown media": 415, "unknown charset": 415},
    ),
    Client("clouds", "boto3_sagemaker", {"unknown model": 400, "missing column": 424, "no JSON": 424}),
    Client("clouds", "vertex_ai", {"missing column": 400, "no rows": 400}),
    Client("", "noria_client", {"missing column": 400, "unknown model": 404}),
    Client("", "by_curl", {"unknown model": 404, "unknown version": 404, "no JSON": 400, "unknown signature": 400}),
)  # fmt: skip


GRPC = (
    ("tritongrpc", "tritonclient_grpc", "tritonclient", "tritonclient.grpc", "Open Inference Protocol v2, gRPC"),
    ("kserve", "kserve_grpc", "kserve", "kserve InferenceGRPCClient", "Open Inference Protocol v2, gRPC"),
    ("tfserving", "tensorflow_stubs", "tensorflow-serving-api", "tensorflow-serving-api", "TensorFlow Serving, gRPC"),
)
"""Clients over gRPC, whose own tests are in `serving/grpc`: environment, script, package, name, contract."""


def pinned(environment: str, package: str) -> str:
    """The version of a package that an environment is made with."""
    pins = [line for path in RIVALS.glob(f"{environment}*.txt") for line in path.read_text().splitlines()]
    return next(line.split("==")[1] for line in pins if line.startswith(f"{package}=="))


@pytest.fixture(scope="module")
def over_grpc(url: str, expected: list[float]) -> list[tuple[str, str]]:
    """Contracts and clients that were answered over gRPC, on the same port, what `/predict` answers."""
    found = []
    for environment, script, package, name, contract in GRPC:
        path = HERE.parent / "grpc" / "clients" / f"{script}.py"
        row = json.dumps({name: value for name, value in ROWS[0].items() if name != "asked_at"})
        command = [rivals.python(environment), path, url.removeprefix("http://"), MODEL, row]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        told = json.loads(done.stdout.splitlines()[-1])
        assert told.get("output", told.get("outputs", [None])[0]) == expected[0]
        found.append((contract, f"{name} {pinned(environment, package)}"))
    return found


@pytest.fixture(scope="module")
def expected(url: str) -> list[float]:
    """What our own contract answers."""
    return [one["output"] for one in httpx.post(f"{url}/predict", json={"rows": ROWS}).json()["predictions"]]


@pytest.fixture(scope="module")
def said(url: str) -> Callable[[Client], dict]:
    """What a client was told; each is started once."""
    answers: dict[str, dict] = {}

    def of(client: Client) -> dict:
        if client.script not in answers:
            script = HERE / "clients" / f"{client.script}.py"
            rows = json.dumps([{name: value for name, value in row.items() if name != "asked_at"} for row in ROWS])
            python = rivals.python(client.environment) if client.environment else sys.executable
            command = [python, script, url, MODEL, rows, "late"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr[-4000:]
            answers[client.script] = json.loads(done.stdout.splitlines()[-1])
        return answers[client.script]

    return of


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.script)
def test_a_client_gets_the_answers_that_we_give(client: Client, said, expected) -> None:
    told = said(client)
    assert told["proofs"]
    for contract, call, answers in told["proofs"]:
        assert answers == expected, (contract, call)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.script)
def test_a_client_is_refused_in_words_it_understands(client: Client, said) -> None:
    told = said(client)["refused"]
    assert {what: int(status) for what, (status, _) in told.items()} == client.refusals
    assert all(message for _, message in told.values())


TABLE = rivals.ROOT / "docs" / "contracts.md"


README = rivals.ROOT / "README.md"
BEGIN, END = "<!-- from tests/serving/contracts/test_clients.py -->\n", "<!-- end -->\n"
Ways = dict[tuple[str, str], list[str]]
"""By contract and client: what was asked."""


def ways_of(told: Sequence[dict], over_grpc: Sequence[tuple[str, str]]) -> Ways:
    titles = {contract.name: contract.title for contract in CONTRACTS}
    ways: Ways = {}
    for one in told:
        for contract, call, _ in one["proofs"]:
            ways.setdefault((titles.get(contract, "Noria's own rows"), one["client"]), []).append(call)
    return ways | {one: ["its tests in `tests/serving/grpc`"] for one in over_grpc}


def count(ways: Ways) -> str:
    return f"{len({title for title, _ in ways})} contracts, {len({client for _, client in ways})} clients."


def short_table(ways: Ways) -> str:
    """A contract a line, for the README."""
    clients: dict[str, list[str]] = {}
    for title, client in sorted(ways):
        clients.setdefault(title, []).append(client)
    lines = ["| contract | answered to, with the numbers of `/predict` |", "|---|---|"]
    lines += [f"| {title} | {', '.join(names)} |" for title, names in clients.items()]
    return "\n".join([*lines, "", count(ways)]) + "\n"


def table(ways: Ways) -> str:
    """Contracts and the clients that were answered in them, as Markdown."""
    lines = [
        "# Contracts, and the clients that prove them",
        "",
        "Every line is from a run of `tests/serving/contracts/test_clients.py`: the client asked a running server,",
        "and the numbers it was given are those of `/predict` for the same rows. The test keeps this file true.",
        "",
        "| contract | client | asked by |",
        "|---|---|---|",
    ]
    lines += [f"| {title} | {client} | {'; '.join(calls)} |" for (title, client), calls in sorted(ways.items())]
    lines += ["", count(ways)]
    return "\n".join(lines) + "\n"


def test_the_tables_in_the_documentation_are_of_this_run(said, over_grpc) -> None:
    """Where they are not, they are written anew, and this fails once."""
    ways = ways_of([said(client) for client in CLIENTS], over_grpc)
    head, rest = README.read_text().split(BEGIN)
    made = {TABLE: table(ways), README: head + BEGIN + short_table(ways) + END + rest.split(END)[1]}
    before = {file: file.read_text() if file.exists() else "" for file in made}
    for file, text in made.items():
        if text != before[file]:
            file.write_text(text)
    assert made == before
