"""gRPC methods whose answers are told to a witness: a line of the access log and a span each.

In the log the method is `GRPC` and the status gRPC's own (0 is OK). A stream's messages are told one by one. Names of
spans and their attributes are those of OpenTelemetry's semantic conventions for RPC.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from noria.core.clock import monotonic
from noria.serving.access import trace_id
from noria.serving.grpc.method import NOBODY, Caller, Methods
from noria.serving.grpc.statuses import (
    CANCELLED,
    DEADLINE_EXCEEDED,
    INTERNAL,
    OK,
    UNAVAILABLE,
    UNIMPLEMENTED,
    UNKNOWN,
    Outcome,
    Pending,
    Refused,
)
from noria.serving.promise import Promise
from noria.serving.witness import Witness

_FAULTS = (UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE)
"""Statuses that are the server's fault, by the conventions."""


class ObservedMethods(Methods):
    """The methods of another, watched."""

    def __init__(self, methods: Methods, witness: Witness) -> None:
        super().__init__(methods.metrics, methods.unary, methods.streams)
        self._methods, self._witness = methods, witness

    def begin(self, path: str, body: bytes, caller: Caller = NOBODY) -> Pending:
        call = _Call(self._witness, path, caller)
        outcome = self._methods.begin(path, body, caller)
        if isinstance(outcome, bytes | Refused):
            return call.ended(outcome)
        if isinstance(outcome, Promise):
            return outcome.into(call.ended)
        return _later(call, outcome)

    def refused(self, path: str, outcome: Refused, caller: Caller) -> None:
        _Call(self._witness, path, caller).ended(outcome)


async def _later(call: _Call, outcome: Awaitable[Outcome]) -> Outcome:
    try:
        return call.ended(await outcome)
    except asyncio.CancelledError:
        call.ended(Refused(CANCELLED, "the caller does not wait for the answer any more"))
        raise


class _Call:
    """One call until its answer is there."""

    def __init__(self, witness: Witness, path: str, caller: Caller) -> None:
        self._witness, self._path, self._caller = witness, path, caller
        self._started = monotonic()
        self._span: Any = None
        if witness.spans is not None:
            service, _, method = path[1:].rpartition("/")
            told = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
            self._span = witness.spans.span(path[1:], caller.headers, told)

    def ended(self, outcome: Outcome) -> Outcome:
        status = outcome.status if isinstance(outcome, Refused) else OK
        if self._span is not None:
            self._span.end({"rpc.grpc.status_code": status}, failed=status in _FAULTS)
        if self._witness.access is not None:
            caller, size = self._caller, len(outcome) if isinstance(outcome, bytes) else 0
            seconds, trace = monotonic() - self._started, trace_id(caller.headers)
            self._witness.access.note(caller.id, "GRPC", self._path, status, size, seconds, caller.peer, trace)
        return outcome
