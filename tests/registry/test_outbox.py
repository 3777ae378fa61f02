"""Webhooks hear of everything that happened, at least once and under one id, whoever fails meanwhile."""

import base64
import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from noria.core.errors import BadInput, Conflict, NotFound, Unavailable
from noria.registry import aliases, events, model_versions, outbox, registered_models, tags, webhooks
from noria.registry.addresses import Allowed
from noria.registry.model import PROMPT_TAG
from noria.registry.names import PROMPT_TEXT
from noria.registry.posting import poster
from noria.testing.receiver import HANG, receiving

HERE = Allowed(("http", "https"), private=True)
send = poster(HERE, seconds=5)
EVERY = [f"{entity}.{action}" for entity, actions in events.ACTIONS.items() for action in actions]
HOUR = 3600 * outbox.SECOND


@pytest.fixture
def receiver():
    with receiving() as made:
        yield made


@pytest.fixture
def asking(hall, receiver):
    """A webhook that asks for everything, and whom it reaches."""
    hall.receiver = receiver
    hall.hook = webhooks.create_webhook(hall.ws, "all", receiver.url, EVERY, secret="s3cret", allowed=HERE)
    return hall


def told(receiver):
    found = [json.loads(body) for body in receiver.bodies()]
    return [(f"{one['entity']}.{one['action']}", one["data"]) for one in found]


def pass_time(ws, micros):
    ws.clock.advance_to(ws.clock.now() + micros)


class TestEvents:
    def test_of_models(self, asking):
        ws = asking.ws
        registered_models.create_model(ws, "iris", tags={"a": "b"}, description="flowers")
        model_versions.create_version(ws, "iris", "s3://x", run="r1", tags={"k": "v"})
        tags.set_version_tag(ws, "iris", 1, "q", "w"), tags.delete_version_tag(ws, "iris", 1, "q")
        aliases.set_alias(ws, "iris", "champion", 1), aliases.delete_alias(ws, "iris", "champion")
        tags.set_model_tag(ws, "iris", "silent", "as MLflow is")
        outbox.deliver(ws, send)
        assert told(asking.receiver) == [
            ("registered_model.created", {"name": "iris", "tags": {"a": "b"}, "description": "flowers"}),
            ("model_version.created", {
                "name": "iris", "version": "1", "source": "s3://x", "run_id": "r1", "tags": {"k": "v"},
                "description": None,
            }),
            ("model_version_tag.set", {"name": "iris", "version": "1", "key": "q", "value": "w"}),
            ("model_version_tag.deleted", {"name": "iris", "version": "1", "key": "q"}),
            ("model_version_alias.created", {"name": "iris", "alias": "champion", "version": "1"}),
            ("model_version_alias.deleted", {"name": "iris", "alias": "champion"}),
        ]  # fmt: skip

    def test_of_prompts(self, asking):
        ws, mark = asking.ws, {PROMPT_TAG: "true"}
        registered_models.create_model(ws, "greeting", tags=mark | {"_mlflow_prompt_type": "text", "a": "b"})
        model_versions.create_version(ws, "greeting", "dummy", tags=mark | {PROMPT_TEXT: "Hello {{name}}", "k": "v"})
        tags.set_model_tag(ws, "greeting", "t", "1"), tags.delete_model_tag(ws, "greeting", "t")
        tags.set_version_tag(ws, "greeting", 1, "q", "w"), tags.delete_version_tag(ws, "greeting", 1, "q")
        aliases.set_alias(ws, "greeting", "x", 1), aliases.delete_alias(ws, "greeting", "x")
        outbox.deliver(ws, send)
        assert told(asking.receiver) == [
            ("prompt.created", {"name": "greeting", "tags": {"a": "b"}, "description": ""}),
            ("prompt_version.created", {
                "name": "greeting", "version": "1", "template": "Hello {{name}}", "tags": {"k": "v"},
                "description": None,
            }),
            ("prompt_tag.set", {"name": "greeting", "key": "t", "value": "1"}),
            ("prompt_tag.deleted", {"name": "greeting", "key": "t"}),
            ("prompt_version_tag.set", {"name": "greeting", "version": "1", "key": "q", "value": "w"}),
            ("prompt_version_tag.deleted", {"name": "greeting", "version": "1", "key": "q"}),
            ("prompt_alias.created", {"name": "greeting", "alias": "x", "version": "1"}),
            ("prompt_alias.deleted", {"name": "greeting", "alias": "x"}),
        ]  # fmt: skip

    def test_what_noria_does_is_told_too(self, asking):
        asking.register()
        asking.promote(1)
        outbox.deliver(asking.ws, send)
        assert [event for event, _ in told(asking.receiver)] == [
            "registered_model.created", "model_version.created", "model_version_alias.created",
        ]  # fmt: skip

    def test_only_who_asks_hears_of_it(self, hall, receiver):
        ask = {"allowed": HERE, "events": ["model_version.created"]}
        webhooks.create_webhook(hall.ws, "one", receiver.url, **ask)
        webhooks.create_webhook(hall.ws, "off", receiver.url, status="DISABLED", **ask)
        gone = webhooks.create_webhook(hall.ws, "gone", receiver.url, **ask)
        webhooks.delete_webhook(hall.ws, gone.id)
        hall.register()
        assert outbox.deliver(hall.ws, send) == outbox.Tried(sent=1)
        assert [event for event, _ in told(receiver)] == ["model_version.created"]

    def test_what_did_not_happen_is_not_told(self, asking):
        with pytest.raises(ZeroDivisionError), asking.ws.database.transaction() as connection:
            events.emit(asking.ws, connection, "registered_model", "created", {"name": "x"})
            raise ZeroDivisionError
        assert outbox.deliver(asking.ws, send) == outbox.Tried()


class TestDelivery:
    def test_a_request_is_signed_as_mlflow_signs(self, asking):
        registered_models.create_model(asking.ws, "iris")
        outbox.deliver(asking.ws, send)
        ((headers, body),) = asking.receiver.got
        content = f"{headers['X-MLflow-Delivery-Id']}.{headers['X-MLflow-Timestamp']}.{body}"
        mac = hmac.new(b"s3cret", content.encode(), hashlib.sha256).digest()
        assert headers["X-MLflow-Signature"] == "v1," + base64.b64encode(mac).decode()
        assert headers["X-MLflow-Timestamp"] == str(asking.ws.clock.now() // 1_000_000)
        assert headers["Content-Type"] == "application/json"

    def test_a_failure_is_tried_again_later_and_later_under_the_same_id(self, asking):
        asking.receiver.answers = [500, 503, 429, 302, 404, 200]
        registered_models.create_model(asking.ws, "iris")
        waits = []
        while asking.receiver.answers != [200] or not outbox.deliveries(asking.ws, state="sent"):
            outbox.deliver(asking.ws, send)
            if (due := outbox.next_due(asking.ws)) is not None:
                waits.append((due - asking.ws.clock.now()) // outbox.SECOND)
                assert outbox.deliver(asking.ws, send) == outbox.Tried()  # not before it is due
                asking.ws.clock.advance_to(due)
        assert waits == [5, 10, 20, 40, 80]
        assert len(set(asking.receiver.ids())) == 1 and len(asking.receiver.got) == 6
        assert len(set(asking.receiver.bodies())) == 1

    def test_a_receiver_may_say_when_to_come_again(self, asking):
        asking.receiver.answers, asking.receiver.headers = [429], {"Retry-After": "600"}
        registered_models.create_model(asking.ws, "iris")
        outbox.deliver(asking.ws, send)
        assert outbox.next_due(asking.ws) - asking.ws.clock.now() == 600 * outbox.SECOND

    def test_after_many_attempts_it_is_a_dead_letter_that_can_be_sent_again(self, asking):
        asking.receiver.answers = [500]
        registered_models.create_model(asking.ws, "iris")
        for attempt in range(outbox.ATTEMPTS):
            tried = outbox.deliver(asking.ws, send)
            assert tried == (outbox.Tried(dead=1) if attempt == outbox.ATTEMPTS - 1 else outbox.Tried(failed=1))
            pass_time(asking.ws, 2 * HOUR)
        (dead,) = outbox.deliveries(asking.ws, state="dead")
        assert (dead.attempts, dead.error) == (outbox.ATTEMPTS, "it answered 500: so it is")
        asking.receiver.answers = [200]
        outbox.retry(asking.ws, dead.id)
        assert outbox.deliver(asking.ws, send) == outbox.Tried(sent=1)
        assert len(set(asking.receiver.ids())) == 1
        with pytest.raises(NotFound):
            outbox.retry(asking.ws, dead.id)

    def test_a_receiver_that_never_answers_is_left(self, asking):
        asking.receiver.answers = [HANG]
        registered_models.create_model(asking.ws, "iris")
        assert outbox.deliver(asking.ws, poster(HERE, seconds=0.2)) == outbox.Tried(failed=1)
        asking.receiver.hang.set()
        asking.receiver.answers = [200]
        pass_time(asking.ws, HOUR)
        assert outbox.deliver(asking.ws, send) == outbox.Tried(sent=1)

    def test_a_receiver_that_is_dead_hears_of_it_when_it_is_back(self, hall):
        with receiving() as first:
            url, port = first.url, first.port
        webhooks.create_webhook(hall.ws, "late", url, EVERY, allowed=HERE)
        registered_models.create_model(hall.ws, "iris")
        assert outbox.deliver(hall.ws, send) == outbox.Tried(failed=1)
        (owed,) = outbox.deliveries(hall.ws)
        assert "did not answer" in owed.error
        pass_time(hall.ws, HOUR)
        with receiving(port) as back:
            assert outbox.deliver(hall.ws, send) == outbox.Tried(sent=1)
            assert back.ids() == [owed.id]

    def test_a_sender_that_dies_in_between_delivers_again_under_the_same_id(self, asking):
        registered_models.create_model(asking.ws, "iris")

        def die(url, body, headers):
            send(url, body, headers)
            raise KeyboardInterrupt  # the receiver has it, and nobody wrote that down

        with pytest.raises(KeyboardInterrupt):
            outbox.deliver(asking.ws, die)
        assert outbox.deliver(asking.ws, send) == outbox.Tried()  # the claim still runs
        pass_time(asking.ws, 2 * 60 * outbox.SECOND)
        assert outbox.deliver(asking.ws, send) == outbox.Tried(sent=1)
        assert len(asking.receiver.ids()) == 2 and len(set(asking.receiver.ids())) == 1

    def test_many_senders_at_once_send_everything_once(self, asking):
        registered_models.create_model(asking.ws, "iris")
        for _ in range(20):
            model_versions.create_version(asking.ws, "iris", "s3://x")
        with ThreadPoolExecutor(4) as threads:
            tried = list(threads.map(lambda _: outbox.deliver(asking.ws, send), range(4)))
        assert sum(one.sent for one in tried) == 21
        assert len(set(asking.receiver.ids())) == len(asking.receiver.ids()) == 21

    def test_what_a_deleted_webhook_was_owed_is_not_sent(self, asking):
        registered_models.create_model(asking.ws, "iris")
        webhooks.delete_webhook(asking.ws, asking.hook.id)
        assert outbox.deliver(asking.ws, send) == outbox.Tried()
        assert [one.error for one in outbox.deliveries(asking.ws, state="dead")] == ["the webhook was deleted"]

    def test_what_was_sent_can_be_forgotten(self, asking):
        registered_models.create_model(asking.ws, "iris")
        outbox.deliver(asking.ws, send)
        assert outbox.forget_sent(asking.ws, asking.ws.clock.now()) == 0
        pass_time(asking.ws, HOUR)
        assert outbox.forget_sent(asking.ws, asking.ws.clock.now()) == 1


class TestWebhooks:
    def test_a_secret_never_comes_out(self, asking):
        found = webhooks.get_webhook(asking.ws, asking.hook.id)
        assert found == asking.hook
        assert found.signed and "s3cret" not in repr(found)
        assert "s3cret" not in "".join(str(entry.data) for entry in asking.ws.journal.read())

    def test_they_are_listed_newest_first_page_by_page(self, hall):
        for number in range(5):
            webhooks.create_webhook(hall.ws, f"w{number}", "http://x", ["prompt.created"], allowed=HERE)
            hall.later()
        first, more = webhooks.list_webhooks(hall.ws, limit=3)
        rest, end = webhooks.list_webhooks(hall.ws, limit=3, offset=more)
        assert [one.name for one in first + rest] == ["w4", "w3", "w2", "w1", "w0"]
        assert end is None
        for limit in (0, 1001):
            with pytest.raises(webhooks.BadWebhook):
                webhooks.list_webhooks(hall.ws, limit=limit)

    def test_they_are_changed_field_by_field(self, asking):
        asking.later()
        made = webhooks.update_webhook(asking.ws, asking.hook.id, name="new", events=["prompt.created"], secret="")
        assert (made.name, made.events, made.signed, made.url) == ("new", ("prompt.created",), False, asking.hook.url)
        assert made.updated > made.created
        with pytest.raises(webhooks.WebhookMissing):
            webhooks.update_webhook(asking.ws, "none", name="x")

    @pytest.mark.parametrize(
        "given",
        [
            {"name": ""}, {"name": "-x"}, {"name": "x" * 64}, {"name": "a b"}, {"name": "x\n"}, {"name": None},
            {"events": []}, {"events": ["registered_model.deleted"]}, {"events": ["nonsense"]},
            {"events": "prompt.created"}, {"status": "SLEEPING"}, {"description": "x" * 1001}, {"secret": "a\x00"},
        ],
        ids=str,
    )  # fmt: skip
    def test_what_cannot_be_one(self, hall, given):
        whole = {"name": "ok", "url": "http://x", "events": ["prompt.created"], "allowed": HERE}
        with pytest.raises(BadInput):
            webhooks.create_webhook(hall.ws, **(whole | given))
        assert webhooks.list_webhooks(hall.ws) == ([], None)

    @pytest.mark.parametrize("event", EVERY)
    def test_an_example_of_each_event_can_be_sent(self, asking, event):
        tested = outbox.try_webhook(asking.ws, asking.hook.id, event, send)
        assert (tested.success, tested.status, tested.body) == (True, 200, "so it is")
        ((sent, data),) = told(asking.receiver)
        assert sent == event and data

    def test_an_example_that_does_not_arrive_says_why(self, asking):
        asking.receiver.answers = [500]
        assert outbox.try_webhook(asking.ws, asking.hook.id, send=send).status == 500
        assert "not public" in outbox.try_webhook(asking.ws, asking.hook.id, send=poster(Allowed(("http",)))).error


def test_the_errors_of_a_transport_are_ours(receiver):
    with pytest.raises((Unavailable, Conflict)):
        poster(HERE, 1)("http://127.0.0.1:1/", b"", {})
