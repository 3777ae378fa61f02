"""The usual ModelInfer, quickly: one row, raw contents, the same columns as last time.

In such a request everything before the values is the same bytes each time. Those were read exactly once; after them
come the values, whose places are then known. Whatever else there is goes the exact way, so nothing is checked less:
this only ever says "the same as before" or "ask the other".
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from typing import Any

from noria.serving.contracts.datatypes import PREDICTION_ID
from noria.serving.contracts.shape import Shape
from noria.serving.grpc.columns import RAW_TYPES
from noria.serving.rows import Ask

_INPUT, _RAW = 0x2A, 0x3A
"""What stands before an input, and before raw contents: field 5 and field 7 of the request, with their lengths."""
_BEFORE = (0x0A, 0x12, _INPUT)
"""Model, version, inputs: no id, which differs each time, no parameters, no outputs."""
_KNOWN = 16
_CODES = {"BOOL": "?", "FP16": "e", "FP32": "f", "FP64": "d", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q",
          "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q"}  # fmt: skip
assert _CODES.keys() == RAW_TYPES.keys()


@dataclass(frozen=True)
class _Run:
    """Columns of numbers that lie behind each other: their values with what stands before each, in one go."""

    names: tuple[str, ...]
    values: struct.Struct
    before: tuple[int, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """Where the values of a known request are."""

    prefix: bytes
    shape: Shape
    steps: tuple[str | _Run, ...]

    def row(self, body: bytes) -> dict[str, Any] | None:
        """The values of a request that begins as the known one; None when it goes on otherwise."""
        row: dict[str, Any] = {}
        at, end = len(self.prefix), len(body)
        for step in self.steps:
            if isinstance(step, str):
                stop = at + 2 + body[at + 1] if at + 6 <= end else end + 1
                if stop > end or body[at] != _RAW or body[at + 1] > 127 or body[at + 2] != body[at + 1] - 4:
                    return None
                if body[at + 3 : at + 6] != b"\0\0\0":
                    return None
                try:
                    row[step] = str(body[at + 6 : stop], "utf-8")
                except UnicodeDecodeError:
                    return None
                at = stop
                continue
            if at + step.values.size > end:
                return None
            found = step.values.unpack_from(body, at)
            values, total = found[2::3], sum(found[2::3])
            if found[0::3] != step.before or found[1::3] != step.sizes or total != total:
                return None
            row.update(zip(step.names, values, strict=True))
            at += step.values.size
        return row if at == end else None


class QuickReader:
    """The requests that were read lately."""

    def __init__(self) -> None:
        self._plans: deque[Plan] = deque(maxlen=_KNOWN)

    def read(self, body: bytes) -> tuple[Shape, Ask] | None:
        """The row of a request like one that was learnt, and the shape that it had; None for any other."""
        for plan in self._plans:
            if body.startswith(plan.prefix):
                row = plan.row(body)
                if row is None:
                    return None
                return plan.shape, Ask(row)
        return None

    def forget(self, shape: Shape) -> None:
        """Rows look otherwise now."""
        self._plans = deque((plan for plan in self._plans if plan.shape is not shape), _KNOWN)

    def learn(self, body: bytes, request: Any, shape: Shape) -> None:
        """A request that was found right: remember how it begins, if that is worth it."""
        start = _start_of_values(body)
        inputs = request.inputs
        one_row = all(list(one.shape) in ([1], [1, 1]) and not one.parameters for one in inputs)
        if start and one_row and not any(plan.prefix == body[:start] for plan in self._plans):
            named = [(one.name, one.datatype) for one in inputs]
            if not any(name == PREDICTION_ID for name, _ in named):
                self._plans.appendleft(Plan(body[:start], shape, _steps(named)))


def _steps(columns: list[tuple[str, str]]) -> tuple[str | _Run, ...]:
    steps: list[str | _Run] = []
    run: list[tuple[str, str]] = []
    for name, datatype in [*columns, ("", "BYTES")]:
        if datatype != "BYTES":
            run.append((name, _CODES[datatype]))
            continue
        if run:
            values = struct.Struct("<" + "".join(f"BB{code}" for _, code in run))
            sizes = tuple(struct.calcsize(code) for _, code in run)
            steps.append(_Run(tuple(one for one, _ in run), values, (_RAW,) * len(run), sizes))
            run = []
        if name:
            steps.append(name)
    return tuple(steps)


def _start_of_values(body: bytes) -> int:
    """Where the raw contents begin; 0 when there are none, or something else is among or before them."""
    at, start, end = 0, 0, len(body)
    while at < end:
        tag = body[at]
        if tag == _RAW and not start:
            start = at
        if (tag != _RAW) if start else (tag not in _BEFORE):
            return 0
        size, at = _varint(body, at + 1)
        at += size
    return start


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
