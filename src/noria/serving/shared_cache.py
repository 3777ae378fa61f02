"""Remembered answers in Redis. Whatever happens to it, nobody's answer fails: then nothing is known, for a while."""

from __future__ import annotations

import logging
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from noria.core.clock import monotonic

_log = logging.getLogger(__name__)
_DOUBLE = struct.Struct("<d")
_PATIENCE = 0.1
_REST = 5.0


class RedisAnswers:
    """Answers for `ttl` seconds under `noria:answer:KEY` as eight bytes each. Waits a tenth of a second at most.

    After a failure it is left alone for five seconds. Safe to use from several threads.
    """

    def __init__(self, url: str, ttl: float) -> None:
        import redis

        self._errors = (redis.RedisError, OSError)
        self._redis = redis.Redis.from_url(url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE)
        self._ttl = max(1, int(ttl * 1000))
        self._rests_until = 0.0

    def get_many(self, keys: Sequence[bytes]) -> list[float | None]:
        """What is known of each key."""
        if monotonic() >= self._rests_until:
            try:
                return [_number(one) for one in self._redis.mget([_name(key) for key in keys])]
            except self._errors as error:
                self._rest(error)
        return [None] * len(keys)

    def put_many(self, answers: Mapping[bytes, float]) -> None:
        """Keep answers, if possible."""
        if not answers or monotonic() < self._rests_until:
            return
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                for key, answer in answers.items():
                    pipe.set(_name(key), _DOUBLE.pack(answer), px=self._ttl)
                pipe.execute()
        except self._errors as error:
            self._rest(error)

    def close(self) -> None:
        """Close connections."""
        self._redis.close()

    def _rest(self, error: Exception) -> None:
        self._rests_until = monotonic() + _REST
        _log.warning("the shared cache of predictions does not answer, and is left alone for a while: %s", error)


def _number(kept: Any) -> float | None:
    if not isinstance(kept, bytes) or len(kept) != _DOUBLE.size:
        return None
    (number,) = _DOUBLE.unpack(kept)
    return float(number)


def _name(key: bytes) -> str:
    return f"noria:answer:{key.hex()}"
