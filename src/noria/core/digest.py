"""Content digests: the same content has the same name, whoever computes it and in whatever order.

Values are written as canonical JSON (sorted keys, no spaces, UTF-8, NaN refused) before hashing, so a
digest does not depend on dictionary order. Everything is SHA-256, in lower-case hexadecimal.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Any


def canonical(value: Any) -> str:
    """A value as canonical JSON. Dataclasses become objects, tuples lists, enums their values.

    Raises TypeError for a value that has no JSON form, ValueError for NaN, infinity and half a surrogate pair.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain)


def digest(value: Any) -> str:
    """The SHA-256 of a JSON-like value.

    >>> digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    True
    """
    return digest_bytes(canonical(value).encode())


def digest_bytes(data: bytes) -> str:
    """The SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def digest_chunks(chunks: Iterable[bytes]) -> str:
    """The SHA-256 of bytes that come in pieces."""
    hasher = hashlib.sha256()
    for chunk in chunks:
        hasher.update(chunk)
    return hasher.hexdigest()


def digest_file(path: Path) -> str:
    """The SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short(digest_text: str) -> str:
    """The first twelve characters: enough for people to tell two digests apart."""
    return digest_text[:12]


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Path):
        return value.as_posix()
    raise TypeError(f"{type(value).__name__} has no canonical JSON form")
