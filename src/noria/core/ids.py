"""Names for new things: short, unique, and in the order they were made.

An id is a prefix that tells the kind (`run`, `turn`, `snap`), then 48 bits of milliseconds and 80 random
bits in Crockford's base 32, as in the ULID specification. Sorting ids sorts them by creation time.
This is the only module that draws randomness for names.
"""

from __future__ import annotations

import os
import secrets
from typing import Protocol

from noria.core.clock import Clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]
_OF_BYTES = bytes(ord(_ALPHABET[byte & 31]) for byte in range(256))
"""A character for each byte: 256 is a multiple of 32, so none of them is likelier."""


class Ids(Protocol):
    """Anything that can name a new thing."""

    def new(self, prefix: str) -> str:
        """A fresh id such as `run_01jd3…`."""
        ...

    def hex(self) -> str:
        """32 hexadecimal digits without any order, which is what other trackers' clients expect of an id."""
        ...


class TimeOrderedIds:
    """Ids that sort by the clock they were made with."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stamp = (0, encode(0, 10))

    def new(self, prefix: str) -> str:
        millis = self._clock.now() // 1000
        stamp = self._stamp
        if millis != stamp[0]:
            stamp = self._stamp = (millis, encode(millis, 10))
        return f"{prefix}_{stamp[1]}{os.urandom(16).translate(_OF_BYTES).decode()}"

    def hex(self) -> str:
        return secrets.token_hex(16)


def encode(number: int, length: int) -> str:
    """A non-negative integer in Crockford base 32, `length` characters (an even number), most significant first."""
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(5 * length - 10, -1, -10)])
