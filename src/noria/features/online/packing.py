"""States as bytes: MessagePack; a whole number beyond 64 bits, which it lacks, is an extension of it."""

from __future__ import annotations

from typing import Any

import msgspec

_BIG = 1
"""The extension's number: the decimal digits of a whole number."""


def packed(plain: Any) -> bytes:
    """A value made of numbers, text, None, lists and dictionaries as bytes."""
    try:
        return msgspec.msgpack.encode(plain)
    except OverflowError:
        return msgspec.msgpack.encode(_without_big(plain))


def _without_big(value: Any) -> Any:
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return msgspec.msgpack.Ext(_BIG, str(value).encode())
    if isinstance(value, list | tuple):
        return [_without_big(one) for one in value]
    if isinstance(value, dict):
        return {key: _without_big(one) for key, one in value.items()}
    return value


def _big(code: int, data: memoryview) -> int:
    if code != _BIG:
        raise ValueError(f"nobody wrote an extension {code}")
    return int(bytes(data))


unpacked = msgspec.msgpack.Decoder(ext_hook=_big, strict=False).decode
"""The value that `packed` made bytes of; tuples come back as lists."""


def unfolded(stored: bytes) -> Any:
    """The value that `packed` made bytes of, with what was packed within it opened too: `packed` takes it again."""
    return _opened(unpacked(stored))


def _opened(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return _opened(unpacked(value))
        except msgspec.DecodeError:
            return value
    if isinstance(value, list):
        return [_opened(one) for one in value]
    return {key: _opened(one) for key, one in value.items()} if isinstance(value, dict) else value
