"""An online store in Redis (or Valkey), for teams: one writer, any number of readers, on any machine.

Everything is one hash, so that it lies on one node of a cluster and nobody else's keys are walked through.
A write is one MULTI/EXEC that first looks whether the writer's mark is still the one it left: a second
writer, a server that lost what it had, or one that came back with an older copy are told, never written over.
(Transactions of Redis: https://redis.io/docs/latest/develop/using-commands/transactions/.)
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from noria.core.errors import BadInput, Conflict, NoriaError, StorageFull, Unavailable

if TYPE_CHECKING:
    import redis

T = TypeVar("T")
SCHEMES = ("redis", "rediss", "unix")
"""How a URL of this store begins."""
_ATONCE = 1000
_SECONDS = 30.0
"""How long an answer may take: a checkpoint of a large store is one transaction."""
_CONNECT_SECONDS = 3.0
_TRIES = 4
_GLOB = str.maketrans({letter: f"\\{letter}" for letter in "\\*?[]"})


class RedisOnlineStore:
    """State under the key `prefix` + `name` of the server at `url`.

    `url` is `redis://user:password@host:port/db`, `rediss://...` with TLS, or `unix:///socket?db=0`; what its
    query says beyond `prefix=` is the client's (`ssl_ca_certs=...`). Opening it asks the server once. It becomes
    the writer with its first write. Raises BadInput for a URL that cannot be used and a server that throws keys
    away when it is full, Unavailable when the server does not answer.
    """

    def __init__(self, url: str, name: str = "features") -> None:
        address, prefix = _split(url)
        self._shown = _without_password(address)
        self._hash, self._mark = f"{prefix}{{{name}}}", f"{prefix}{{{name}}}:writer"
        self._ours, self._written = secrets.token_hex(8), -1
        self._writing = threading.Lock()
        self._client: Any = _client(address, self._shown)
        with self._told():
            _refuse_forgetful(self._client, self._shown)
            if self._client.type(self._hash) not in (b"none", b"hash"):
                said = f"the key {self._hash} of {self._shown} is somebody else's"
                raise BadInput(said, hint="choose another one: write ?prefix=... at the end of the URL")

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        if not keys:
            return []
        with self._told():
            found: list[bytes | None] = self._client.hmget(self._hash, keys)
        return found

    def put_many(self, items: Mapping[bytes, bytes | None]) -> None:
        kept = [(key, value) for key, value in items.items() if value is not None]
        gone = [key for key, value in items.items() if value is None]

        def put(pipe: Any) -> None:
            for chunk in _chunks(kept):
                pipe.execute_command("HSET", self._hash, *chain.from_iterable(chunk))
            for names in _chunks(gone):
                pipe.execute_command("HDEL", self._hash, *names)

        if items:
            self._write(put)

    def keys(self, prefix: bytes) -> Iterator[bytes]:
        with self._told():
            return iter(sorted(self._found(prefix)))

    def clear(self, prefix: bytes) -> None:
        self.put_many(dict.fromkeys(self.keys(prefix)))

    def sync(self) -> None:
        """Return when the server has what was written; whether it outlives a power cut there is its `appendfsync`."""
        with self._told():
            self._client.ping()

    def close(self) -> None:
        self._client.close()

    def _found(self, prefix: bytes) -> set[bytes]:
        pattern = prefix.decode("latin-1").translate(_GLOB).encode("latin-1") + b"*"
        found: set[bytes] = set()
        cursor = 0
        while True:
            cursor, chunk = self._client.execute_command(
                "HSCAN", self._hash, cursor, "MATCH", pattern, "COUNT", _ATONCE
            )
            found.update(chunk)
            if cursor == 0:
                return found

    def _write(self, commands: Callable[[Any], None]) -> None:
        from redis.exceptions import WatchError

        with self._writing, self._told():
            if self._written < 0:  # takes over from whoever wrote before
                self._client.set(self._mark, f"{self._ours}:0")
                self._written = 0
            for _ in range(_TRIES):
                with suppress(WatchError):  # the mark moved, or the connection broke: looked at again, from the start
                    return self._transact(commands)
            said = f"{self._shown} went away, or changed hands, in the middle of a write"
            raise Unavailable(said, hint="it is written whole or not at all; write again")

    def _transact(self, commands: Callable[[Any], None]) -> None:
        """One try. Written again after an answer that never came, it leaves the same."""
        with self._client.pipeline(transaction=True) as pipe:
            pipe.watch(self._mark)
            number = self._number(pipe.get(self._mark))
            pipe.multi()
            pipe.set(self._mark, f"{self._ours}:{number + 1}")
            commands(pipe)
            pipe.execute()
            self._written = number + 1

    def _number(self, held: bytes | None) -> int:
        """The number of the last write; raises Conflict when that was not ours, or is gone."""
        whose, _, text = (held or b":").decode().partition(":")
        if whose == self._ours and (number := int(text)) - self._written in (0, 1):
            return number  # one more: a write whose answer was lost
        if whose in (self._ours, ""):
            said = f"{self._shown} has lost writes that it had acknowledged: was it restarted without its file?"
            raise Conflict(said, hint="start this process again: it finds out what is missing and fills it")
        said = f"another process writes the online store {self._hash} of {self._shown} now"
        raise Conflict(said, hint="one writer for a store; stop this process, or give it ?prefix=... of its own")

    @contextmanager
    def _told(self) -> Iterator[None]:
        from redis.exceptions import RedisError

        try:
            yield
        except RedisError as error:
            raise _translated(self._shown, error) from error


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + _ATONCE] for start in range(0, len(items), _ATONCE))


def is_redis(place: str) -> bool:
    """Whether a place is a URL of this store.

    >>> is_redis("rediss://host:6380/1"), is_redis("/var/lib/noria")
    (True, False)
    """
    return place.partition("://")[0] in SCHEMES and "://" in place


def _split(url: str) -> tuple[str, str]:
    """The client's part of a URL, and the prefix."""
    if not is_redis(url):
        said = f"{_without_password(url)} is no place for an online store"
        raise BadInput(said, hint="name a folder, or write redis://user:password@host:6379/0")
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    prefix = query.pop("prefix", "noria:")
    return urlunsplit(parts._replace(query=urlencode(query))), prefix


def _without_password(url: str) -> str:
    """A URL for messages: neither user nor password nor options.

    >>> _without_password("redis://ada:secret@host:6379/2?ssl_password=secret")
    'redis://host:6379/2'
    """
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


def _client(address: str, shown: str) -> redis.Redis:
    try:
        import redis
    except ImportError:
        raise BadInput(f"{shown} needs the Redis client", hint="pip install 'noria[redis]'") from None
    from redis.backoff import ExponentialBackoff
    from redis.retry import Retry

    patience = {"socket_timeout": _SECONDS, "socket_connect_timeout": _CONNECT_SECONDS}
    try:
        return redis.Redis.from_url(address, retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 3), **patience)
    except (ValueError, TypeError) as error:
        raise BadInput(f"the URL {shown} cannot be used: {error}") from error


def _refuse_forgetful(client: Any, shown: str) -> None:
    try:
        memory = client.info("memory")
    except TypeError as error:  # an option of the URL that no connection knows
        raise BadInput(f"the options of the URL {shown} cannot be used: {error}") from error
    policy = str(memory.get("maxmemory_policy", "noeviction"))
    if policy.startswith("allkeys"):
        said = f"{shown} throws away keys when it is full (maxmemory-policy {policy}): features would vanish"
        raise BadInput(said, hint="set maxmemory-policy to noeviction there, or take another server")


def _translated(shown: str, error: Exception) -> NoriaError:
    from redis.exceptions import AuthenticationError, ConnectionError, NoPermissionError, ReadOnlyError, TimeoutError
    from redis.exceptions import OutOfMemoryError as Full

    said = str(error).rpartition("caused error: ")[2]  # before that stands the command, with its values
    if isinstance(error, Full) or said.startswith("MISCONF"):
        return StorageFull(f"{shown} takes no more: {said}", hint="give it memory or disk; nothing was written")
    if isinstance(error, AuthenticationError | NoPermissionError) or said.startswith(("NOAUTH", "WRONGPASS")):
        hint = "write redis://user:password@...; the user needs its key's hash commands, GET, SET, TYPE, INFO, WATCH"
        return Unavailable(f"{shown} does not let us in: {said}", hint=hint)
    if isinstance(error, ReadOnlyError):
        return Unavailable(f"{shown} is a replica that takes no writes", hint="name the primary; nothing was written")
    if isinstance(error, ConnectionError | TimeoutError):
        hint = "is it running, and is the address right? nothing was acknowledged, the same call may succeed later"
        return Unavailable(f"the Redis server {shown} does not answer: {said}", hint=hint)
    return Unavailable(f"the Redis server {shown} refuses: {said}")
