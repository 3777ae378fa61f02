"""The usual infer request of one row, quickly: the same text as before around other values.

A client writes the same names, shapes and datatypes into every body. What was read exactly once is kept as a pattern in
which only the values are open, each a whole JSON value where a whole value stood, so the rest means what it meant then.
The values are decoded as always. This only ever says "the same as before" or "ask the other".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from noria.serving.contracts.layouts import Layout

_DATA = re.compile(rb'"data"\s*:\s*\[\s*([^\]]*?)\s*\]')
_VALUE = rb'("[^"\\]*"|-?[0-9][-+.0-9eE]*|null|true|false)'
_MOST_KNOWN = 8
"""A pattern costs milliseconds to make: whoever sends something new each time gets no more of them than these."""
_LONGEST = 1 << 16
_decoder = msgspec.json.Decoder(list[Any])


class Skeletons:
    """The bodies of one model's rows that came so far."""

    def __init__(self) -> None:
        self._known: list[tuple[bytes, re.Pattern[bytes], Layout]] = []

    def read(self, body: bytes) -> tuple[Layout, list[Any]] | None:
        """The values of a body like one that was learnt, of fitting types, with their layout; None for any other."""
        for number, (start, pattern, layout) in enumerate(self._known):
            if not body.startswith(start):
                continue
            found = pattern.fullmatch(body)
            if found is None:
                continue
            if number:
                self._known[0], self._known[number] = self._known[number], self._known[0]
            values = _decoded(found)
            return (layout, values) if values is not None and layout.fits(values) else None
        return None

    def learn(self, body: bytes, layout: Layout, values: Sequence[Any]) -> None:
        """A body of one row, with nothing beside its tensors, that was read exactly: remember what is around it."""
        if len(self._known) >= _MOST_KNOWN or len(body) > _LONGEST:
            return
        places = [found.span(1) for found in _DATA.finditer(body)]
        if len(places) != len(values):
            return
        ends = [0, *(end for _, end in places)]
        fixed = [body[end:start] for end, (start, _) in zip(ends, places, strict=False)]
        pattern = re.compile(_VALUE.join(map(re.escape, [*fixed, body[ends[-1] :]])), re.DOTALL)
        found = pattern.fullmatch(body)
        if found is not None and _decoded(found) == list(values):
            self._known.append((fixed[0], pattern, layout))


def _decoded(found: re.Match[bytes]) -> list[Any] | None:
    try:
        return _decoder.decode(b"[" + b",".join(found.groups()) + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
