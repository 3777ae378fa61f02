"""What every kind of stream of requests must do, shown with a real broker and real processes that answer it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from noria.testing.stream_suite import Consumer, letters, wait_until

REQUESTS = 600


def request(number: int, **changes: object) -> bytes:
    """A request as a producer sends it."""
    row = {
        "flight_id": f"UA{number}",
        "origin": ("JFK", "EWR", "LGA")[number % 3],
        "dest": "BOS",
        "carrier": ("UA", "AA")[number % 2],
        "tailnum": None,
        "departs": "2026-11-01T14:00:00",
        "distance": 100.0 + number,
    }
    return json.dumps({**row, **changes}).encode()


class AnswerStreamSuite:
    """Subclass it with StreamSuite's fixture `broker`, which has besides: `answers(topic)` makes a place for answers
    and gives its address, `read(topic)` gives everything in it as (key, body).

    The fixture `score(source, target, *more)` starts a process that answers with a data plane of its own, over a
    workspace whose log `logged()` reads; `dead_requests` is its file of dead letters.
    """

    def test_a_kill_9_in_the_middle_loses_no_answer_and_no_key_has_two(
        self, broker: Any, score: Callable[..., Consumer], logged: Callable[[], Sequence[Any]]
    ) -> None:
        broker.publish("asked", [request(number) for number in range(REQUESTS)])
        target = broker.answers("answered")
        for reached in (1, REQUESTS // 3):
            process = score(broker.address("asked"), target, "--most", "40", "--key", "flight_id").ready()
            wait_until(lambda: len(keys(broker, "answered")) >= reached)  # noqa: B023
            process.kill()
        last = score(broker.address("asked"), target, "--key", "flight_id").ready()
        wait_until(lambda: len(keys(broker, "answered")) >= REQUESTS)
        last.stop()
        found = keys(broker, "answered")
        assert set(found) == {f"UA{number}" for number in range(REQUESTS)}
        assert all(len(bodies) == 1 for bodies in found.values()), "a key has two different answers"
        records = {record.prediction_id: record for record in logged()}
        assert len(records) == len(logged()) == REQUESTS
        for key, (body,) in found.items():
            answer = json.loads(body)
            assert (answer["prediction_id"], answer["output"]) == (key, records[key].output)

    def test_what_cannot_be_answered_is_set_aside_and_the_rest_is_answered_once(
        self, broker: Any, score: Callable[..., Consumer], dead_requests: Path
    ) -> None:
        good = [request(number) for number in range(30)]
        named = request(99, prediction_id="mine")
        bad = [b"{", b"[1]", b"\xff", request(1, distance="far"), request(2, distance=-1), request(3, nobody=1)]
        bad.append(request(4, prediction_id=7.5))
        broker.publish("mixed_asked", [*good[:20], *bad, named, *good[20:]])
        process = score(broker.address("mixed_asked"), broker.answers("mixed_answered")).ready()
        wait_until(lambda: len(keys(broker, "mixed_answered")) >= 31 and len(letters(dead_requests)) >= len(bad))
        tally = process.stop()
        assert (tally["taken"], tally["dead"]) == (31, len(bad))
        found = keys(broker, "mixed_answered")
        assert len(found) == 31
        assert "mine" in found
        reasons = [letter["reason"] for letter in letters(dead_requests)]
        assert len(reasons) == len(bad)
        for said in ("is no number", "lies below 0", "nobody reads this", "is to name the request"):
            assert any(said in reason for reason in reasons), reasons
        broker.publish("mixed_asked", [request(100)])
        again = score(broker.address("mixed_asked"), broker.answers("mixed_answered")).ready()
        wait_until(lambda: len(keys(broker, "mixed_answered")) >= 32)
        assert again.stop() == {"taken": 1, "repeated": 0, "dead": 0, "waits": 0}


def keys(broker: Any, topic: str) -> dict[str, set[bytes]]:
    """The different answers of each key."""
    found: dict[str, set[bytes]] = {}
    for key, body in broker.read(topic):
        found.setdefault(key, set()).add(body)
    return found
