"""Where the newest state of entities is kept for serving: bytes by key, few verbs, quick reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol


class OnlineStore(Protocol):
    """A key-value store for serving. A backend implements these six verbs and nothing else.

    Obligations: `put_many` is all or nothing, and durable against the death of the process when it returns;
    keys come back in byte order; any thread may read while one writes.
    """

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of keys, in their order; None where there is none."""
        ...

    def put_many(self, items: Mapping[bytes, bytes | None]) -> None:
        """Write values (None removes a key), all of them or none. Raises StorageFull when there is no room."""
        ...

    def keys(self, prefix: bytes) -> Iterator[bytes]:
        """Every key that begins with `prefix`, in byte order."""
        ...

    def clear(self, prefix: bytes) -> None:
        """Remove every key that begins with `prefix`."""
        ...

    def sync(self) -> None:
        """Return when everything written so far would survive a power cut."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...
