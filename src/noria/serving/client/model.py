"""What clients speak of: predictions, how patient to be, what can go wrong; and what a request and an answer say."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from noria.core.clock import SystemClock
from noria.core.errors import BadInput, Unavailable
from noria.core.ids import TimeOrderedIds

Row = Mapping[str, Any]

_ids = TimeOrderedIds(SystemClock())
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed. It may be sent again, for it carries its own ids."""


class Refused(BadInput):
    """The server understood and said no. `status` is HTTP's, `told` what it said, with its own error code."""

    code = "N6050"

    def __init__(self, message: str, status: int, told: Mapping[str, Any], *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.http_status, self.told = status, told


class NoAnswer(Unavailable):
    """No server gave an answer within the deadline."""

    code = "N6051"


class Prediction(msgspec.Struct, frozen=True):
    """One answered row. With `prediction_id` its feedback is sent."""

    prediction_id: str
    output: float
    version: int
    model: str


@dataclass(frozen=True)
class Patience:
    """How long to try. Seconds.

    `deadline` is for a whole call, everything included; `attempts` is how often a request is sent at most; between
    two the wait doubles from `first_wait` to `longest_wait`, shortened at random by up to half so that clients do not
    come back together, and never shorter than the server's `Retry-After`. `hedge_after`: when an answer takes longer,
    the same request is sent to the next server too, and the first answer counts (Dean and Barroso 2013); None never.
    """

    deadline: float = 5.0
    attempts: int = 5
    first_wait: float = 0.05
    longest_wait: float = 1.0
    hedge_after: float | None = None

    def __post_init__(self) -> None:
        if self.deadline <= 0 or self.attempts < 1 or self.first_wait < 0:
            raise BadInput("patience needs a deadline above 0 and at least one attempt")

    def wait(self, attempt: int, told: float = 0.0) -> float:
        """How long to wait after that many attempts; `told` is what the server asked for."""
        wait = min(self.longest_wait, self.first_wait * 2.0 ** (attempt - 1))
        return max(told, wait * random.uniform(0.5, 1.0))


@dataclass
class Call:
    """One request, with what became of it so far. No I/O: who has the clock and the network asks it what to do.

    `urls` are the servers, the first of which is asked first; each attempt goes to the next one.
    """

    urls: Sequence[str]
    path: str
    body: bytes
    patience: Patience
    started: float
    sent: int = 0
    last: str = "nobody was asked"
    retry_after: float = field(default=0.0)

    def url(self) -> str:
        """Where the next attempt goes."""
        self.sent += 1
        return self.urls[(self.sent - 1) % len(self.urls)] + self.path

    def left(self, now: float) -> float:
        """Seconds until the deadline."""
        return self.started + self.patience.deadline - now

    def take(self, answer: httpx.Response) -> Any:
        """The value of an answer, or None when it is to be asked again. Raises Refused."""
        told = _document(answer)
        if answer.status_code == 200 and told:
            return told
        self.last = f"{answer.url}: {answer.status_code} {told.get('error', '')}".strip()
        if answer.status_code == 200 or answer.status_code in _AGAIN:
            self.retry_after = _seconds(answer.headers.get("retry-after", ""))
            return None
        said = str(told.get("error") or f"{answer.url} answered {answer.status_code}")
        raise Refused(said, answer.status_code, told, hint=str(told.get("hint") or ""))

    def fail(self, error: httpx.HTTPError) -> None:
        """An attempt came to nothing."""
        self.last = f"{type(error).__name__}: {error}"

    def next_wait(self, now: float) -> float:
        """How long to wait before the next attempt. Raises NoAnswer when there is no time or attempt left."""
        wait = self.patience.wait(self.sent, self.retry_after)
        self.retry_after = 0.0
        if self.sent >= self.patience.attempts or self.left(now) <= wait:
            raise self.given_up()
        return wait

    def given_up(self) -> NoAnswer:
        """The error of a call that found nobody."""
        tries = "1 attempt" if self.sent == 1 else f"{self.sent} attempts"
        hint = "is the server up? `noria status`, or give more `Patience`"
        return NoAnswer(f"no answer from {', '.join(self.urls)} after {tries}; the last: {self.last}", hint=hint)


def asked(rows: Row | Sequence[Row]) -> tuple[bytes, bool]:
    """The body of a prediction, each row with an id of its own; and whether it was one row alone.

    The server gives the same answer to the same id, so a request that is sent twice is answered once.
    """
    alone = isinstance(rows, Mapping)
    many = [rows] if isinstance(rows, Mapping) else list(rows)
    named = [{"prediction_id": _ids.new("pred"), **row} for row in many]
    return msgspec.json.encode({"rows": named}), alone


def predictions(answer: Any) -> list[Prediction]:
    """The predictions of an answer."""
    return msgspec.convert(answer["predictions"], list[Prediction])


def plain_urls(urls: str | Sequence[str]) -> tuple[str, ...]:
    """Addresses without a slash at their ends. Raises BadInput for none, or for one that is no address."""
    listed = (urls,) if isinstance(urls, str) else tuple(urls)
    for url in listed:
        if not url.startswith(("http://", "https://")):
            raise BadInput(f"{url!r} is no address of a server", hint="such as http://localhost:8400")
    if not listed:
        raise BadInput("a client needs the address of a server", hint="such as http://localhost:8400")
    return tuple(url.rstrip("/") for url in listed)


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(text: str) -> float:
    try:
        return min(60.0, max(0.0, float(text)))
    except ValueError:
        return 0.0
