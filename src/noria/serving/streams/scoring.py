"""Requests of a stream answered, and the answers published under the request's id before it is acknowledged.

The id is the prediction id too, so the data plane gives a request that comes again the answer that it logged: the
output holds one answer a key, however often a message was delivered or a consumer was killed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from noria.core.digest import digest_bytes
from noria.core.errors import NoriaError
from noria.serving.json_body import decode_object
from noria.serving.model import BadAnswer, IdTaken
from noria.serving.rows import LONGEST_ID, MOST_ROWS
from noria.serving.streams.bodies import MOST_BYTES
from noria.serving.streams.model import Event, Letter
from noria.serving.streams.outlets import Outlet
from noria.serving.streams.posting import Bury, Patient, document, said

_OURS = (400, 413, 422)
_OF_ROWS = (BadAnswer.code, IdTaken.code)
_ID = "prediction_id"


@dataclass(frozen=True)
class Question:
    """A request of a stream: its id, which the answer will have as its key, and its row."""

    event: Event
    id: str
    row: dict[str, Any]


def read_question(event: Event, key: str | None = None, columns: Collection[str] = ()) -> Question | Letter:
    """The request in a message, or the letter saying why there is none.

    Its id is the value of column `key`, or its own `prediction_id`; without either, the message's place in its
    stream with a digest of its body, since a stream that is made anew counts from the start again. `columns` are
    those of a request: a key that is none of them is not passed on.
    """
    if len(event.body) > MOST_BYTES:
        return Letter(event, f"the message has {len(event.body):,} bytes; the most is {MOST_BYTES:,}")
    try:
        row = decode_object(event.body)
    except NoriaError as error:
        return Letter(event, error.message.replace("the body", "the message"))
    given = row.pop(_ID, None)
    value = given if not key else row.get(key) if key in columns else row.pop(key, None)
    if key or given is not None:
        if isinstance(value, bool) or not isinstance(value, str | int) or not 0 < len(str(value)) <= LONGEST_ID:
            return Letter(event, f"{key or _ID} is to name the request and is {repr(value)[:60]}")
        return Question(event, str(value), row)
    if not event.place:
        return Letter(event, "the message has no id: publish it with one, or name a column that has it")
    name = f"{event.stream}/{event.place}/{digest_bytes(event.body)[:12]}"
    return Question(event, name if len(name) <= LONGEST_ID else digest_bytes(name.encode()), row)


class Scoring(Patient):
    """Answers requests with `model` at the data plane behind `client`, into `outlet`.

    `tally.taken` counts answers that were published, `tally.dead` messages set aside.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        model: str,
        outlet: Outlet,
        bury: Bury,
        *,
        key: str | None = None,
        columns: Collection[str] = (),
    ) -> None:
        super().__init__(client, bury)
        self._path = f"/predict?model={quote(model, safe='')}"
        self._outlet, self._key, self._columns = outlet, key, columns

    async def take(self, events: Sequence[Event]) -> bool:
        """Whether every message is answered, with the answer durable in the output, or among the dead letters."""
        questions: list[Question] = []
        letters: list[Letter] = []
        for event in events:
            found = read_question(event, self._key, self._columns)
            if isinstance(found, Letter):
                letters.append(found)
            else:
                questions.append(found)
        answers: list[tuple[str, bytes]] = []
        for first in range(0, len(questions), MOST_ROWS):
            if not await self._ask(questions[first : first + MOST_ROWS], answers, letters):
                return False
        if answers and not await self.until_done(
            lambda: self._outlet.publish(answers), len(answers), f"{self._outlet.address} takes no answers"
        ):
            return False
        self.tally.taken += len(answers)
        return not letters or await self.set_aside(letters)

    async def _ask(self, questions: Sequence[Question], answers: list[tuple[str, bytes]], bad: list[Letter]) -> bool:
        """Requests that are refused together are halved until those that are refused alone are known."""
        waiting = [questions]
        while waiting:
            some = waiting.pop()
            rows = [{**one.row, _ID: one.id} for one in some]
            body = msgspec.json.encode({"rows": rows})
            answer = await self.post(self._path, body, len(some), _about_the_rows)
            if answer is None:
                return False
            if answer.status_code == 200:
                found = answer.json()["predictions"]
                answers += [(one.id, msgspec.json.encode(made)) for one, made in zip(some, found, strict=True)]
            elif len(some) == 1:
                bad.append(Letter(some[0].event, said(answer)))
            else:
                waiting += [some[len(some) // 2 :], some[: len(some) // 2]]
        return True


def _about_the_rows(answer: httpx.Response) -> bool:
    """A row that the model answers with NaN is not answered better the next time."""
    return answer.status_code in _OURS or document(answer).get("code") in _OF_ROWS
