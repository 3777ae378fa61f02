"""`grpc.health.v1.Health`: whether the server, a service or a model can answer.

Specification: github.com/grpc/grpc `doc/health-checking.md`. The empty name is the whole server; the name of a
service, or of a model, may be asked for too. `Watch` tells a name that is not known instead of failing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Any

from noria.core.errors import NotFound
from noria.serving.grpc.messages import Messages
from noria.serving.grpc.method import Method, Plane

SERVICE = "grpc.health.v1.Health"
WATCH = f"/{SERVICE}/Watch"
SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3


class UnknownService(NotFound):
    """Health was asked of a service or model that is not here."""

    code = "N6063"


class Health:
    """The states of names, read from the board."""

    POLL_SECONDS = 0.25

    def __init__(self, messages: Messages, plane: Plane, services: Collection[str]) -> None:
        self._request = messages["grpc.health.v1.HealthCheckRequest"]
        self._response = messages["grpc.health.v1.HealthCheckResponse"]
        self._plane = plane
        self._services = services
        self.leaving = False
        self.methods = {f"/{SERVICE}/Check": Method(self._request.FromString, self._check)}

    def leave(self) -> None:
        """From now on nothing is serving: the server is about to stop."""
        self.leaving = True

    async def watch(self, request: bytes, _context: object = None) -> AsyncIterator[bytes]:
        """The state of the name in a request of `Watch`, and each other one that it comes to have."""
        last = None
        while True:
            state = self._watched(request)
            if state != last:
                yield state
                last = state
            if self.leaving:
                return  # else the server would wait for its watchers
            await asyncio.sleep(self.POLL_SECONDS)

    def _watched(self, request: bytes) -> bytes:
        """Bytes that are no request ask for an unknown name."""
        try:
            state = self._state(self._request.FromString(request).service)
        except Exception:
            state = SERVICE_UNKNOWN
        data: bytes = self._response(status=state).SerializeToString()
        return data

    def _check(self, request: Any) -> Any:
        state = self._state(request.service)
        if state == SERVICE_UNKNOWN:
            raise UnknownService(
                "service or model", request.service[:200], [*self._services, *self._plane.board.models]
            )
        return self._response(status=state)

    def _state(self, name: str) -> int:
        board = self._plane.board
        if name in board.models:
            able = name in board.lineups
        elif name == "" or name in self._services:
            able = not board.waiting
        else:
            return SERVICE_UNKNOWN
        return SERVING if able and not self.leaving else NOT_SERVING
