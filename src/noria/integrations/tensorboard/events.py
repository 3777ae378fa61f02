"""TensorBoard's `Event` messages: taken apart and put together.

A scalar is a float of its own (`simple_value`, TF1, PyTorch) or a tensor with the plugin `scalars` (TF2); text,
histograms and images likewise. The plugin is named only in the first event of a tag, so a reader remembers it.
Field numbers from tensorboard/compat/proto (event, summary, tensor, histogram); Apache-2.0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from noria.integrations.wire import Torn, Value, double, fields, put, put_single, raw, signed, single, text, whole

FLOAT, DOUBLE, INT32, STRING, INT64 = 1, 2, 3, 7, 9
_NUMBERS = {
    1: "<f4",
    2: "<f8",
    3: "<i4",
    4: "u1",
    5: "<i2",
    6: "i1",
    9: "<i8",
    10: "?",
    19: "<f2",
    22: "<u4",
    23: "<u8",
}
_LISTED = {5: ("<f4", "packed"), 6: ("<f8", "packed"), 7: ("<i4", "varint"), 10: ("<i8", "varint"), 11: ("?", "varint")}


@dataclass(frozen=True)
class Event:
    """One event: when (seconds), at which step, and the raw values of its summary."""

    wall_time: float
    step: int
    values: Sequence[bytes]
    version: str = ""


@dataclass(frozen=True)
class Tensor:
    """A tensor of numbers (`numbers`, flat) or of byte strings (`strings`)."""

    shape: tuple[int, ...]
    numbers: Any
    strings: Sequence[bytes]


@dataclass(frozen=True)
class Logged:
    """One value of an event: its tag, plugin and plugin data, and whichever form it had."""

    tag: str
    plugin: str = ""
    content: bytes = b""
    scalar: float | None = None
    tensor: Tensor | None = None
    histogram: bytes | None = None
    image: bytes | None = None
    audio: bytes | None = None


def parse_event(data: bytes) -> Event:
    """An event's frame; its values stay bytes until asked for. Raises Torn."""
    wall_time, step, version = 0.0, 0, ""
    values: list[bytes] = []
    for number, value in fields(data):
        if number == 1:
            wall_time = double(value)
        elif number == 2:
            step = signed(value)
        elif number == 3:
            version = text(value)
        elif number == 5:
            values += [raw(one) for n, one in fields(raw(value)) if n == 1]
    return Event(wall_time, step, values, version)


def parse_value(data: bytes) -> Logged:
    """One summary value. Raises Torn."""
    found: dict[str, Any] = {"tag": ""}
    for number, value in fields(data):
        if number == 1:
            found["tag"] = text(value)
        elif number == 2:
            found["scalar"] = single(value)
        elif number == 8:
            found["tensor"] = parse_tensor(raw(value))
        elif number in (4, 6):
            encoded = b"".join(raw(one) for n, one in fields(raw(value)) if n == 4 and isinstance(one, bytes))
            found["image" if number == 4 else "audio"] = encoded
        elif number == 5:
            found["histogram"] = raw(value)
        elif number == 9:
            found["plugin"], found["content"] = _plugin(raw(value))
    return Logged(**found)


def _plugin(metadata: bytes) -> tuple[str, bytes]:
    name, content = "", b""
    for number, value in fields(metadata):
        if number == 1:
            for inner, one in fields(raw(value)):
                if inner == 1:
                    name = text(one)
                elif inner == 2:
                    content = raw(one)
    return name, content


def parse_tensor(data: bytes) -> Tensor:
    """A tensor, whether its numbers are packed in `tensor_content` or listed by type. Raises Torn."""
    import numpy as np

    kind, content, shape = 0, b"", tuple[int, ...]()
    strings: list[bytes] = []
    listed: list[Any] = []
    for number, value in fields(data):
        if number == 1:
            kind = whole(value)
        elif number == 2:
            shape = tuple(_extent(raw(one)) for n, one in fields(raw(value)) if n == 2)
        elif number == 4:
            content = raw(value)
        elif number == 8:
            strings.append(raw(value))
        elif number in _LISTED:
            listed += _listed(number, value)
    if content and kind in _NUMBERS:
        form = np.dtype(_NUMBERS[kind])
        if len(content) % form.itemsize:
            raise Torn(f"{len(content)} bytes are no whole number of {form}")
        return Tensor(shape, np.frombuffer(content, form), strings)
    return Tensor(shape, np.asarray(listed, dtype=float), strings)


def _extent(message: bytes) -> int:
    return next((signed(value) for number, value in fields(message) if number == 1), 0)


def _listed(number: int, value: Value) -> list[Any]:
    import numpy as np

    form, how = _LISTED[number]
    if isinstance(value, int):
        return [signed(value)]
    if how == "packed":
        if len(value) % np.dtype(form).itemsize:
            raise Torn("a list of numbers that does not come out even")
        return list(np.frombuffer(value, form).tolist())
    return [signed(one) for one in _varints(value)]


def _varints(data: bytes) -> Iterator[int]:
    from noria.integrations.wire import varint

    at = 0
    while at < len(data):
        number, at = varint(data, at)
        yield number


def histogram(data: bytes) -> dict[str, Any]:
    """A histogram message: min, max, num, sum, sum_squares, the upper limits of its buckets, what is in them."""
    names = {1: "min", 2: "max", 3: "num", 4: "sum", 5: "sum_squares"}
    found: dict[str, Any] = {**dict.fromkeys(names.values(), 0.0), "bucket_limit": [], "bucket": []}
    for number, value in fields(data):
        if number in names:
            found[names[number]] = double(value)
        elif number in (6, 7):
            packed = raw(value)
            if len(packed) % 8:
                raise Torn("a histogram's buckets do not come out even")
            found["bucket_limit" if number == 6 else "bucket"] += struct.unpack(f"<{len(packed) // 8}d", packed)
    return found


def event(wall_time: float, step: int, values: Sequence[bytes]) -> bytes:
    """An event with these summary values."""
    summary = b"".join(put(1, value) for value in values)
    return put(1, wall_time) + put(2, step) + put(5, summary)


def file_version(wall_time: float) -> bytes:
    """The event that every event file begins with."""
    return put(1, wall_time) + put(3, "brain.Event:2")


def metadata(plugin: str, content: bytes = b"") -> bytes:
    """Which plugin a tag is for."""
    return put(9, put(1, put(1, plugin) + (put(2, content) if content else b"")))


def scalar_value(tag: str, value: float) -> bytes:
    """A scalar in 32 bits, the form that every reader of event files knows; TensorBoard's page has no other."""
    return put(1, tag) + put_single(2, value)


def image_value(tag: str, encoded: bytes) -> bytes:
    """A picture, encoded as PNG, JPEG or GIF."""
    return put(1, tag) + put(4, put(4, encoded))


def text_value(tag: str, said: str) -> bytes:
    """Text, which TensorBoard shows as Markdown."""
    shape = put(2, put(1, 1))
    return put(1, tag) + put(8, put(1, STRING) + put(2, shape) + put(8, said)) + metadata("text")
