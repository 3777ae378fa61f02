"""`grpc.health.v1.Health`: whether the server, a service or a model can answer.

Specification: github.com/grpc/grpc `doc/health-checking.md`. The empty name is the whole server; the name of a
service, or of a model, may be asked for too. `Watch` tells a name that is not known instead of failing.
"""

from __future__ import annotations

from collections.abc import Collection
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

    POLL_S = 0.25

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

    def watched(self, request: bytes) -> bytes:
        """The state of the name in a request of `Watch`; bytes that are no request ask for an unknown name."""
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
