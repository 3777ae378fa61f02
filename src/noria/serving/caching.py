"""Answers that are remembered: by the package's digest and the features that the model saw.

Off unless the project declares it. A model answers the same features alike for as long as it lives, so what is kept
cannot be wrong; `ttl` bounds memory and what a shared Redis holds, not staleness: new features make a new key.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from hashlib import blake2b
from typing import Any, Protocol

import msgspec

from noria.core.clock import monotonic
from noria.core.errors import BadInput
from noria.serving.model import CacheRules

_encode = msgspec.msgpack.Encoder().encode


class Shared(Protocol):
    """A cache that several servers use. Its methods wait for the network, and raise nothing."""

    def get_many(self, keys: Sequence[bytes]) -> list[float | None]:
        """What is known of each key."""
        ...

    def put_many(self, answers: Mapping[bytes, float]) -> None:
        """Keep answers, if possible."""
        ...

    def close(self) -> None:
        """Close connections."""
        ...


class CacheWatch(Protocol):
    """Is told how often the cache helps."""

    def looked(self, hits: int, misses: int) -> None:
        """So many rows were known, so many not."""
        ...


class PredictionCache:
    """The answers of one version: the `size` most recently used, none older than `ttl` seconds."""

    def __init__(
        self,
        rules: CacheRules,
        digest: str,
        columns: Sequence[str],
        *,
        shared: Shared | None = None,
        watch: CacheWatch | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.shared = shared
        self.flights: dict[bytes, Future[float]] = {}
        """Answers under way, for those who ask the same meanwhile."""
        self.tasks: set[asyncio.Future[None]] = set()
        """Those who fetch them; kept here so that they are not collected meanwhile."""
        self._rules = rules
        self._digest = bytes.fromhex(digest)
        self._columns = tuple(columns)
        self._watch = watch
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def key(self, features: Mapping[str, Any]) -> bytes:
        """What names an answer: 128 bits of the package and the features, in the model's own order of columns.

        Raises BadInput for a whole number beyond 64 bits and a text that is no Unicode: no model takes these.
        """
        try:
            values = _encode([features[name] for name in self._columns])
        except (OverflowError, ValueError) as error:
            raise BadInput(f"this row does not fit the model: {error}") from error
        return blake2b(values, digest_size=16, key=self._digest).digest()

    def get(self, key: bytes) -> float | None:
        """The answer that is kept, if it is and is not too old."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            if found[1] < self._clock():
                del self._kept[key]
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: bytes, answer: float) -> None:
        """Keep an answer; the one longest unused gives way."""
        with self._lock:
            self._kept[key] = (answer, self._clock() + self._rules.ttl)
            self._kept.move_to_end(key)
            if len(self._kept) > self._rules.size:
                self._kept.popitem(last=False)

    def looked(self, hits: int, misses: int) -> None:
        """Count."""
        if self._watch is not None:
            self._watch.looked(hits, misses)
