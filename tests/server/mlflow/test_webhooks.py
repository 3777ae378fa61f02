"""Webhooks over the protocol: made, changed, tried out, and delivered by the server's maintenance."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import threading

import pytest

from noria.registry import outbox
from noria.server.tracking import look_after, tidy

EVENT = {"entity": "REGISTERED_MODEL", "action": "CREATED"}


class Receiver:
    """Somebody who is told; `status` is what it answers."""

    def __init__(self):
        self.status, self.got = 200, []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append((dict(self.headers), body))
                self.send_response(receiver.status)
                self.end_headers()
                self.wfile.write(b"thanks")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver(monkeypatch):
    monkeypatch.setenv("NORIA_WEBHOOK_SCHEMES", "https,http")
    monkeypatch.setenv("NORIA_WEBHOOK_PRIVATE", "1")
    one = Receiver()
    yield one
    one.server.shutdown()


def make(door, url, **more):
    return door.post("webhooks", **{"name": "ci", "url": url, "events": [EVENT], **more})["webhook"]


def test_a_webhook_is_made_listed_changed_and_deleted(door, receiver):
    made = make(door, receiver.url, description="d", secret="s")
    id = made["webhook_id"]
    assert made | {"creation_timestamp": 0, "last_updated_timestamp": 0} == {
        "webhook_id": id, "name": "ci", "description": "d", "url": receiver.url, "events": [EVENT], "status": "ACTIVE",
        "creation_timestamp": 0, "last_updated_timestamp": 0,
    }  # fmt: skip
    assert door.get(f"webhooks/{id}")["webhook"] == made
    assert door.get("webhooks")["webhooks"] == [made]
    changed = door.send(
        "PATCH",
        f"webhooks/{id}",
        name="cd",
        status="DISABLED",
        events=[{"entity": "MODEL_VERSION", "action": "CREATED"}],
    )
    assert (changed["webhook"]["name"], changed["webhook"]["status"], changed["webhook"]["description"]) == (
        "cd",
        "DISABLED",
        "d",
    )
    assert door.send("DELETE", f"webhooks/{id}") == {}
    assert door.refused("GET", f"webhooks/{id}", 404, "RESOURCE_DOES_NOT_EXIST") == f"Webhook with ID {id} not found."
    assert door.get("webhooks") == {}


def test_webhooks_are_listed_page_by_page(door, receiver):
    made = {make(door, receiver.url, name=f"n{number}")["webhook_id"] for number in range(5)}
    found, token = [], ""
    while token is not None:
        page = door.get("webhooks", max_results=2, page_token=token)
        found += [one["webhook_id"] for one in page["webhooks"]]
        token = page.get("next_page_token")
    assert (len(found), set(found)) == (5, made)


@pytest.mark.parametrize(
    "query",
    [{"max_results": 0}, {"max_results": 1001}, {"page_token": "x"}, {"page_token": "-1"}, {"max_results": "x"}],
)
def test_a_list_that_cannot_be_right_is_refused(door, query):
    door.refused("GET", "webhooks", 400, "INVALID_PARAMETER_VALUE", query)


@pytest.mark.parametrize("body", [
    {"name": ""}, {"name": "-x"}, {"name": "x" * 64}, {"name": 5}, {"url": ""}, {"url": "ftp://x/y"}, {"url": "nonsense"}, {"url": 5},
    {"url": "http://"}, {"url": "https://a b"}, {"events": []}, {"events": None}, {"events": "x"}, {"events": [{}]}, {"events": [5]},
    {"events": [{"entity": "MODEL_VERSION", "action": "SET"}]}, {"events": [{"entity": "X", "action": "CREATED"}]}, {"status": "ASLEEP"},
    {"description": "x" * 1001}, {"secret": "x" * 1001},
])  # fmt: skip
def test_what_is_no_webhook_is_refused(door, receiver, body):
    door.invalid("webhooks", **{"name": "ci", "url": receiver.url, "events": [EVENT], **body})
    assert door.get("webhooks") == {}


@pytest.mark.parametrize("url", ["http://1.1.1.1/x", "https://127.0.0.1/x", "https://localhost/x", "https://10.0.0.1/x", "https://169.254.169.254/latest",
                                 "https://[::1]/x", "https://[::ffff:127.0.0.1]/x", "https://0/x", "https://2130706433/x"])  # fmt: skip
def test_without_leave_a_webhook_goes_to_public_addresses_by_https_alone(door, url):
    door.invalid("webhooks", name="ci", url=url, events=[EVENT])


def test_a_webhook_is_tried_out(door, receiver):
    id = make(door, receiver.url)["webhook_id"]
    assert door.post(f"webhooks/{id}/test")["result"] == {
        "success": True,
        "response_status": 200,
        "response_body": "thanks",
    }
    receiver.status = 500
    event = {"entity": "MODEL_VERSION_ALIAS", "action": "CREATED"}
    assert door.post(f"webhooks/{id}/test", event=event)["result"]["success"] is False
    assert [json.loads(body)["entity"] for _, body in receiver.got] == ["registered_model", "model_version_alias"]
    receiver.server.server_close()
    receiver.server.shutdown()
    assert "error_message" in door.post(f"webhooks/{id}/test")["result"]
    door.refused("POST", "webhooks/nothere/test", 404, "RESOURCE_DOES_NOT_EXIST")


def test_what_happens_is_told_with_a_signature(door, receiver):
    make(door, receiver.url, secret="hush")
    door.post("registered-models/create", name="flights")
    look_after(door.ws)
    [(headers, body)] = receiver.got
    assert json.loads(body)["data"]["name"] == "flights"
    signed = f"{headers['X-MLflow-Delivery-Id']}.{headers['X-MLflow-Timestamp']}.{body.decode()}".encode()
    wanted = base64.b64encode(hmac.new(b"hush", signed, hashlib.sha256).digest()).decode()
    assert headers["X-MLflow-Signature"] == f"v1,{wanted}"
    look_after(door.ws)
    assert len(receiver.got) == 1


def test_a_week_later_delivered_notices_and_broken_uploads_are_gone(door, receiver):
    make(door, receiver.url)
    door.post("registered-models/create", name="flights")
    look_after(door.ws)
    left = door.ws.folder("incoming") / "0123"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    tidy(door.ws)
    assert not left.exists()
    assert len(outbox.deliveries(door.ws, state="sent")) == 1
    door.ws.clock.advance_to(door.ws.clock.now() + 8 * 24 * 3600 * 1_000_000)
    tidy(door.ws)
    assert outbox.deliveries(door.ws, state="sent") == []
