"""Messages that cannot be taken in, kept with the reason: one line of JSON each, on the disk before it counts."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from noria.core.clock import Micros
from noria.serving.streams.model import Letter


def letter_line(letter: Letter, source: str, at: Micros) -> bytes:
    """A letter as JSON: `body` as text, or in `base64` when it is none."""
    event = letter.event
    record: dict[str, Any] = {
        "at": at, "source": source, "stream": event.stream, "place": event.place, "reason": letter.reason
    }  # fmt: skip
    try:
        record["body"] = event.body.decode()
    except UnicodeDecodeError:
        record["base64"] = base64.b64encode(event.body).decode()
    return msgspec.json.encode(record)


class LetterFile:
    """Appends letters to `path`. One that is there already (its stream and place are) is not written again."""

    def __init__(self, path: Path, source: str) -> None:
        self.path, self._source = path, source
        self._places: set[tuple[str, str]] = set()
        if path.exists():
            self._mend()

    def write(self, letters: Sequence[Letter], at: Micros) -> int:
        """Keep letters; gives how many were new. Raises OSError; then none of them counts."""
        new: dict[tuple[str, str], Letter] = {}
        for letter in letters:
            place = (letter.event.stream, letter.event.place)
            if not place[1] or place not in self._places:
                new[place if place[1] else (place[0], f"unnamed {len(new)}")] = letter
        if not new:
            return 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = b"".join(letter_line(letter, self._source, at) + b"\n" for letter in new.values())
        with self.path.open("ab") as file:
            before = file.tell()
            try:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), before)
                raise
        self._places.update(place for place in new if not place[1].startswith("unnamed "))
        return len(new)

    def _mend(self) -> None:
        """Read what is there; half a line at the end, of a writer that was killed, goes."""
        whole = 0
        with self.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                try:
                    record = msgspec.json.decode(line)
                    self._places.add((record["stream"], record["place"]))
                except (msgspec.DecodeError, KeyError, TypeError):
                    continue
        os.truncate(self.path, whole)
