"""The body of a message as a row of its source: one JSON object, or why it is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from noria.core.errors import NoriaError
from noria.serving.json_body import decode_object
from noria.serving.rows import LONGEST_ID
from noria.serving.streams.model import Event, Letter

MOST_BYTES = 1_000_000
"""Of one message. A row of a source has columns, no documents."""


class Reader:
    """Reads messages; `key` names the column whose value is the event's id, in place of the broker's.

    `columns` are the source's: a key that is none of them names the event and is not passed on.
    """

    def __init__(self, columns: frozenset[str], key: str | None = None) -> None:
        self._columns, self._key = columns, key

    def read(self, event: Event) -> tuple[Event, dict[str, Any]] | Letter:
        """The event with the id that counts, and its row; or the letter saying why there is none."""
        if len(event.body) > MOST_BYTES:
            return Letter(event, f"the message has {len(event.body):,} bytes; the most is {MOST_BYTES:,}")
        try:
            row = decode_object(event.body)
        except NoriaError as error:
            return Letter(event, error.message.replace("the body", "the message"))
        if self._key is not None:
            value = row.get(self._key) if self._key in self._columns else row.pop(self._key, None)
            if isinstance(value, bool) or not isinstance(value, str | int) or not 0 < len(str(value)) <= LONGEST_ID:
                return Letter(event, f"{self._key} is to name the event and is {_shown(value)}")
            return replace(event, position=None, id=str(value)), row
        if event.position is None and not event.id:
            return Letter(event, "the message has no id: publish it with one, or name a column that has it")
        return event, row


def _shown(value: Any) -> str:
    return repr(value)[:60]
