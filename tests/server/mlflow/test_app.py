"""What holds for every request: unknown paths, other sites' pages, bodies that are too large, faults of our own."""

import http.client
import json
import socket

import pytest

from noria.server.mlflow.app import ROUTES, mlflow_app
from noria.testing.workspace import make_workspace

from .conftest import Door

CLASSIC = """
POST experiments/create|GET experiments/get|GET experiments/get-by-name|GET experiments/search|POST experiments/search
POST experiments/update|POST experiments/delete|POST experiments/restore|POST experiments/set-experiment-tag
POST experiments/delete-experiment-tag|POST runs/create|POST runs/update|POST runs/delete|POST runs/restore
POST runs/search|POST runs/log-metric|POST runs/log-parameter|POST runs/log-batch|POST runs/log-inputs
POST runs/outputs|POST runs/log-model|POST runs/set-tag|POST runs/delete-tag|GET runs/get|GET metrics/get-history
GET metrics/get-history-bulk-interval|POST logged-models|GET logged-models/m|PATCH logged-models/m
DELETE logged-models/m|POST logged-models/m/params|PATCH logged-models/m/tags|DELETE logged-models/m/tags/k
POST logged-models/search|GET logged-models/m/artifacts/directories|POST registered-models/create
POST registered-models/rename|POST registered-models/set-tag|GET registered-models/get|GET registered-models/search
PATCH registered-models/update|DELETE registered-models/delete|DELETE registered-models/delete-tag
GET registered-models/get-latest-versions|POST registered-models/get-latest-versions|GET registered-models/alias
POST registered-models/alias|DELETE registered-models/alias|POST model-versions/create|POST model-versions/set-tag
POST model-versions/transition-stage|GET model-versions/get|GET model-versions/search
GET model-versions/get-download-uri|PATCH model-versions/update|DELETE model-versions/delete
DELETE model-versions/delete-tag|GET artifacts/list|GET server-info|POST webhooks|GET webhooks|GET webhooks/w
PATCH webhooks/w|DELETE webhooks/w|POST webhooks/w/test
"""


@pytest.mark.parametrize("pair", CLASSIC.replace("\n", "|").strip("|").split("|"))
def test_every_pair_of_the_classic_protocol_has_a_route(pair):
    method, path = pair.split()
    assert ROUTES.find(method, f"/mlflow/{path}")[0].method == method


@pytest.mark.parametrize("prefix", ["/api/2.0", "/api/3.0", "/ajax-api/2.0", "/ajax-api/3.0"])
def test_every_beginning_of_a_path_leads_to_the_same_routes(door, prefix):
    assert door.http.get(f"{prefix}/mlflow/experiments/get", params={"experiment_id": "0"}).status_code == 200


@pytest.mark.parametrize("path", [
    "/api/2.0/mlflow/traces", "/api/3.0/mlflow/traces/search", "/api/2.0/mlflow/gateway/endpoints", "/api/2.0/mlflow",
    "/api/2.0/mlflow/scorers/list", "/api/2.0", "/api/2.0/", "/api/2.0mlflow/experiments/get", "/nowhere", "/api/2.0/../x",
    "/api/4.0/mlflow/experiments/get", "/api/2.0/mlflow/experiments/get/", "/%00", "/v1/traces",
])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_what_there_is_not_is_a_clean_404(door, method, path):
    answer = door.http.request(method, path, json={} if method == "POST" else None)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def test_a_method_that_a_path_does_not_know_is_told_so(door):
    assert door.refused("PUT", "experiments/get", 405, "ENDPOINT_NOT_FOUND").startswith("The method PUT")
    assert door.refused("GET", "runs/create", 405, "ENDPOINT_NOT_FOUND").startswith("The method GET")


def test_health_and_version_are_plain_text(door):
    assert door.http.get("/health").text == "OK"
    assert door.http.get("/version").text == "3.17.2"


def test_server_info_promises_nothing_but_artifacts(door):
    told = door.http.get("/api/3.0/mlflow/server-info").json()
    assert told["artifact_serving_enabled"] is True
    assert not any(told[name] for name in told if name.endswith(("_enabled", "_supported")) and name[:8] != "artifact"
                   and name != "features_enabled")  # fmt: skip


def test_a_body_that_is_not_said_to_be_json_is_refused(door):
    path = "/api/2.0/mlflow/experiments/create"
    for headers in ({"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"}, {}):
        answer = door.http.post(path, content=b'{"name": "x"}', headers=headers)
        assert answer.status_code == 400
        assert "Content-Type" in answer.json()["message"]
    assert door.http.post(
        path, content=b'{"name": "x"}', headers={"content-type": "application/json; charset=utf-8"}
    ).is_success


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1.evil.example", "file://"])
def test_another_sites_page_changes_nothing(door, origin):
    answer = door.http.post("/api/2.0/mlflow/experiments/create", json={"name": "x"}, headers={"origin": origin})
    assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")
    assert len(door.get("experiments/search", max_results=10)["experiments"]) == 1


def test_ones_own_page_may_change_things(door):
    for origin in (door.url, "http://localhost:3000"):
        answer = door.http.post("/api/2.0/mlflow/experiments/create", json={"name": origin}, headers={"origin": origin})
        assert answer.status_code == 200


def test_a_name_that_is_not_this_servers_is_refused(tmp_path):
    ws = make_workspace(tmp_path)
    with Door(ws, mlflow_app(ws, hosts=frozenset({"tracking.example"}))) as door:

        def status(host):
            return door.http.get("/api/2.0/mlflow/experiments/search?max_results=1", headers={"host": host}).status_code

        assert {
            status(host) for host in ("localhost:5000", "127.0.0.1", "[::1]:80", "10.0.0.7", "tracking.example")
        } == {200}
        assert {status(host) for host in ("evil.example", "localhost.evil.example", "", "a b", "[::1")} == {403}
        assert door.http.get("/health", headers={"host": "evil.example"}).status_code == 200
    ws.close()


def raw(door, head, *pieces):
    with socket.create_connection(("127.0.0.1", door.port), timeout=20) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n")
        for piece in pieces:
            try:
                connection.sendall(piece)
            except OSError:
                break
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, json.loads(answer.read())


HEAD = "POST /api/2.0/mlflow/runs/log-batch HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


def test_a_body_said_to_be_too_large_is_refused_before_it_comes(door):
    status, told = raw(door, f"{HEAD}content-length: 10000000")
    assert (status, told["error_code"]) == (413, "INVALID_PARAMETER_VALUE")


def test_a_body_that_grows_too_large_is_refused_on_the_way(door):
    chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    status, told = raw(door, f"{HEAD}transfer-encoding: chunked", *([chunk] * 12), b"0\r\n\r\n")
    assert (status, told["error_code"]) == (413, "INVALID_PARAMETER_VALUE")


def test_a_body_just_below_the_limit_is_read(door):
    run = door.new_run()
    body = json.dumps({"run_id": run, "tags": [{"key": "k", "value": "v"}]}).encode()
    padded = body[:-1] + b" " * ((8 << 20) - len(body)) + b"}"
    answer = door.http.post(
        "/api/2.0/mlflow/runs/log-batch", content=padded, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 200


def test_a_client_that_goes_away_in_the_middle_harms_nobody(door):
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", door.port), timeout=20) as connection:
            connection.sendall(f"{HEAD}content-length: 1000\r\n\r\n{{".encode())
    assert door.http.get("/health").status_code == 200


def test_a_fault_of_our_own_is_told_without_its_insides(door, monkeypatch, caplog):
    monkeypatch.setattr("noria.server.mlflow.runs.runs.get_run", lambda ws, id: 1 / 0)
    answer = door.http.get("/api/2.0/mlflow/runs/get", params={"run_id": "r"})
    assert (answer.status_code, answer.json()["error_code"]) == (500, "INTERNAL_ERROR")
    assert "division" not in answer.text
    assert "division by zero" in caplog.text


def test_a_store_that_is_away_is_told_as_such(door):
    door.ws.database.close()
    door.ws.database.engine.pool._creator = _away  # type: ignore[attr-defined]
    answer = door.http.get("/api/2.0/mlflow/runs/get", params={"run_id": "r"})
    assert (answer.status_code, answer.json()["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")


def _away(*_):
    from noria.stores.sqlite import sqlite_module

    error = sqlite_module().OperationalError("unable to open database file")
    error.sqlite_errorcode = 14
    raise error


@pytest.mark.parametrize("target", ["/api/2.0/mlflow/runs/get?run_id=%ff%fe", "/api/2.0/mlflow/runs/get?run_id=%00",
                                    "/api/2.0/mlflow/runs/get?run_id=%ed%a0%80", "/api/2.0/mlflow/runs/get?run_id=a%0d%0ab"])  # fmt: skip
def test_ids_that_nobody_can_store_are_not_found(door, target):
    answer = door.http.get(target)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
