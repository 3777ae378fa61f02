"""An online store in a dictionary: for tests, and for state that may be rebuilt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


class MemoryOnlineStore:
    """Keeps everything in this process."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        values = self._values  # a write puts another dictionary in its place
        return [values.get(key) for key in keys]

    def put_many(self, items: Mapping[bytes, bytes | None]) -> None:
        both = {**self._values, **items}
        self._values = {key: value for key, value in both.items() if value is not None}

    def keys(self, prefix: bytes) -> Iterator[bytes]:
        return iter(sorted(key for key in self._values if key.startswith(prefix)))

    def clear(self, prefix: bytes) -> None:
        self._values = {key: value for key, value in self._values.items() if not key.startswith(prefix)}

    def sync(self) -> None:
        pass

    def close(self) -> None:
        self._values = {}
