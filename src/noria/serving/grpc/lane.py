"""The gRPC server: grpcio's own, in the event loop of the data plane. `noria[grpc]` brings it.

Handlers are generic: bytes in, bytes out, so nothing is registered with protobuf and a method answers at once in
the loop, as the HTTP handlers do. grpcio ends a call when its deadline passes; a call that arrives later than that
is not begun at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from noria.core.errors import BadInput, Conflict
from noria.serving.grpc.health import WATCH, Health
from noria.serving.grpc.method import Methods, Plane
from noria.serving.grpc.services import Services
from noria.serving.grpc.statuses import INTERNAL, Late, Outcome, Refused, refused
from noria.serving.sockets import listen

MOST_BYTES = 64 << 20
"""Largest message taken, and given."""
_GRACE_S = 10.0


class NoGrpc(BadInput):
    """grpcio is not installed."""

    code = "N6062"


class GrpcLane:
    """A gRPC server beside the HTTP one: `start` and `stop` are called in the loop of the data plane."""

    def __init__(self, services: Services, *, host: str, port: int, most_bytes: int = MOST_BYTES) -> None:
        try:
            import grpc
            import grpc.aio
        except ImportError:
            raise NoGrpc(
                "grpcio is not installed", hint="pip install 'noria[grpc]', or leave --grpc-port out"
            ) from None
        self._grpc = grpc
        self._services = services
        self._address = f"[{host}]" if ":" in host else host
        self._host, self.port = host, port
        self._most_bytes = most_bytes
        self._server: Any = None

    async def start(self) -> None:
        """Accept calls from now on; `port` is then the one that is listened on. Raises Conflict when it is taken."""
        limits = [(f"grpc.max_{way}_message_length", self._most_bytes) for way in ("receive", "send")]
        options = [*limits, ("grpc.so_reuseport", 0), ("grpc.max_metadata_size", 16 << 10)]
        self._server = self._grpc.aio.server(handlers=[_handlers(self._grpc, self._services)], options=options)
        try:
            self.port = self._server.add_insecure_port(f"{self._address}:{self.port}")
        except RuntimeError as error:
            raise Conflict(f"{self._host}:{self.port} cannot be listened on", hint="choose another port") from error
        await self._server.start()

    async def stop(self) -> None:
        """Take no more calls, and answer those that were taken."""
        if self._server is not None:
            self._services.health.leave()
            await self._server.stop(_GRACE_S)


def open_lane(plane: Plane, host: str, port: int) -> GrpcLane:
    """The lane of a data plane, not started yet. Raises NoGrpc, or Conflict when the port is taken."""
    if port:
        listen(host, port).close()
    return GrpcLane(Services(plane), host=host, port=port)


def _handlers(grpc: Any, services: Services) -> Any:
    codes = {code.value[0]: code for code in grpc.StatusCode}
    methods = services.methods

    async def end(context: Any, outcome: Refused) -> None:
        await context.abort(codes.get(outcome.status, codes[INTERNAL]), outcome.message)

    def unary(path: str) -> Any:
        async def answer(request: bytes, context: Any) -> bytes | None:
            outcome = await _answer(methods, path, request, context.time_remaining())
            if isinstance(outcome, bytes):
                return outcome
            await end(context, outcome)
            return None

        return grpc.unary_unary_rpc_method_handler(answer)

    def stream(path: str) -> Any:
        async def answer(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            async for request in requests:
                outcome = await _answer(methods, path, request, context.time_remaining())
                if isinstance(outcome, Refused):
                    await end(context, outcome)
                else:
                    yield outcome

        return grpc.stream_stream_rpc_method_handler(answer)

    made = {path: unary(path) for path in methods.unary} | {path: stream(path) for path in methods.streams}
    made[WATCH] = grpc.unary_stream_rpc_method_handler(_watch(services.health))

    class Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: Any) -> Any:
            path = details.method
            return made.get(path) or unary(path)  # which says what methods there are

    return Handlers()


async def _answer(methods: Methods, path: str, request: bytes, left: float | None) -> Outcome:
    if left is not None and left <= 0:
        return refused(Late(f"the deadline of {path} had passed before it began", hint="give it more time"))
    outcome = methods.begin(path, request)
    return outcome if isinstance(outcome, bytes | Refused) else await outcome


def _watch(health: Health) -> Any:
    async def watch(request: bytes, _context: Any) -> AsyncIterator[bytes]:
        last = None
        while True:
            state = health.watched(request)
            if state != last:
                yield state
                last = state
            if health.leaving:
                return  # else the server would wait for its watchers
            await asyncio.sleep(health.POLL_S)

    return watch
