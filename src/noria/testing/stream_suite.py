"""What every kind of stream must do, shown with a real broker, a real consumer process and a real data plane."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from noria.config.environment import environment
from noria.core.clock import monotonic, sleep

_PATIENCE_S = 30.0
MOMENT = "2026-11-01T11:30:00"
"""When events happen: within the last hour of the data plane's clock, which stands still."""


class Consumer:
    """A process that consumes a stream; what it prints at the end is the tally."""

    def __init__(self, script: Path, *arguments: str) -> None:
        command = [sys.executable, str(script), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())

    def ready(self) -> Consumer:
        """Wait until it reads."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line == "ready", line
        return self

    def kill(self) -> None:
        """End it as a machine that fails does."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> dict[str, int]:
        """End it as an operator does; gives what became of the messages."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=_PATIENCE_S)
        assert self.process.returncode == 0, out
        found: dict[str, int] = json.loads(out.splitlines()[-1])
        return found


class StreamSuite:
    """Subclass it with a fixture `broker` that has `publish(topic, bodies, ids)` and `address(topic)`.

    The fixture `consume(address, *more)` starts a consumer of source Departure, `plane` is the data plane's URL, and
    `dead` the file for messages that cannot be taken in. Events of each test are of an airport of its own.
    """

    def test_events_count_once_each_and_bad_ones_are_set_aside(
        self, broker: Any, consume: Callable[..., Consumer], plane: str, dead: Path
    ) -> None:
        good = [event("AAA", delay) for delay in range(40)]
        bad = [
            b"{",
            b"[1]",
            b"\xff\xfe",
            b'{"origin": "AAA", "delay": 1}',
            event("AAA", "late"),
            b'{"a": NaN}',
            b"9" * 50,
        ]
        broker.publish("mixed", [*good[:20], *bad, *good[20:]])
        with_bad = consume(broker.address("mixed")).ready()
        wait_for(plane, "AAA", 40)
        wait_until(lambda: len(letters(dead)) >= len(bad))
        tally = with_bad.stop()
        assert tally["taken"] == 40, tally
        assert tally["dead"] == len(bad)
        reasons = [letter["reason"] for letter in letters(dead)]
        assert any("left_at is missing" in reason or "left_at: is missing" in reason for reason in reasons), reasons
        assert any("is no number" in reason for reason in reasons), reasons
        assert departures(plane, "AAA") == 40

    def test_a_kill_9_in_the_middle_loses_nothing_and_doubles_nothing(
        self, broker: Any, consume: Callable[..., Consumer], plane: str
    ) -> None:
        many = [event("KIL", number % 100) for number in range(3000)]
        broker.publish("killed", many)
        for reached in (1, 700, 1500):
            consumer = consume(broker.address("killed"), "--most", "50").ready()
            wait_until(lambda: departures(plane, "KIL") >= reached)  # noqa: B023
            consumer.kill()
        last = consume(broker.address("killed")).ready()
        wait_for(plane, "KIL", len(many))
        broker.publish("killed", [event("KIL", 7)])
        wait_for(plane, "KIL", len(many) + 1)
        last.stop()
        assert departures(plane, "KIL") == len(many) + 1

    def test_what_was_acknowledged_is_not_given_again(
        self, broker: Any, consume: Callable[..., Consumer], plane: str
    ) -> None:
        broker.publish("stopped", [event("STO", number) for number in range(120)])
        first = consume(broker.address("stopped")).ready()
        wait_for(plane, "STO", 120)
        assert first.stop() == {"taken": 120, "repeated": 0, "dead": 0, "waits": 0}
        broker.publish("stopped", [event("STO", 1)])
        second = consume(broker.address("stopped")).ready()
        wait_for(plane, "STO", 121)
        assert second.stop() == {"taken": 1, "repeated": 0, "dead": 0, "waits": 0}


def event(origin: str, delay: object, **more: object) -> bytes:
    """A departure as a producer sends it."""
    return json.dumps({"origin": origin, "left_at": MOMENT, "delay": delay, **more}).encode()


def departures(plane: str, origin: str) -> int:
    """How many departures count for an airport."""
    answer = _client().post(f"{plane}/features", json={"views": ["Airport"], "rows": [{"origin": origin}]})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["rows"][0]["features"]["Airport.departures"])


@cache
def _client() -> httpx.Client:
    return httpx.Client()


def wait_for(plane: str, origin: str, count: int) -> None:
    """Wait until that many departures count; more than that is a failure at once."""
    wait_until(lambda: departures(plane, origin) >= count)
    assert departures(plane, origin) == count


def wait_until(holds: Callable[[], bool]) -> None:
    """Look again and again; fail after a minute."""
    end = monotonic() + _PATIENCE_S
    while not holds():
        assert monotonic() < end
        sleep(0.02)


def letters(dead: Path) -> Sequence[dict[str, Any]]:
    """The messages that were set aside."""
    return [json.loads(line) for line in dead.read_text().splitlines()] if dead.exists() else []
