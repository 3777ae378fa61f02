"""The gRPC server: grpcio's own, in the event loop of the data plane. `noria[grpc]` brings it.

Handlers are generic: bytes in, bytes out, so nothing is registered with protobuf and a method answers at once in
the loop, as the HTTP handlers do. grpcio ends a call when its deadline passes; a call that arrives later than that
is not begun at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from noria.core.errors import BadInput, Conflict
from noria.serving.grpc.health import WATCH
from noria.serving.grpc.method import Caller, Methods
from noria.serving.grpc.services import Services
from noria.serving.grpc.statuses import INTERNAL, Late, Outcome, Refused, refused
from noria.serving.http.tls import Tls
from noria.serving.request_ids import HEADER, new_ids, valid_id
from noria.serving.sockets import listen

MOST_BYTES = 64 << 20
"""Largest message taken, and given."""
_GRACE_S = 10.0


class NoGrpc(BadInput):
    """grpcio is not installed."""

    code = "N6062"


class GrpcLane:
    """A gRPC server beside the HTTP one: `start` and `stop` are called in the loop of the data plane."""

    def __init__(
        self, services: Services, *, host: str, port: int, most_bytes: int = MOST_BYTES, tls: Tls | None = None
    ) -> None:
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
        self._most_bytes, self._tls = most_bytes, tls
        self._server: Any = None

    async def start(self) -> None:
        """Accept calls from now on; `port` is then the one that is listened on. Raises Conflict when it is taken."""
        limits = [(f"grpc.max_{way}_message_length", self._most_bytes) for way in ("receive", "send")]
        options = [*limits, ("grpc.so_reuseport", 0), ("grpc.max_metadata_size", 16 << 10)]
        self._server = self._grpc.aio.server(handlers=[_handlers(self._grpc, self._services)], options=options)
        try:
            self.port = self._listened(f"{self._address}:{self.port}")
        except RuntimeError as error:
            raise Conflict(f"{self._host}:{self.port} cannot be listened on", hint="choose another port") from error
        await self._server.start()

    def _listened(self, address: str) -> int:
        if self._tls is None:
            return int(self._server.add_insecure_port(address))
        pairs, clients = [(self._tls.key.read_bytes(), self._tls.certificate.read_bytes())], self._tls.clients
        root = None if clients is None else clients.read_bytes()
        credentials = self._grpc.ssl_server_credentials(pairs, root, require_client_auth=clients is not None)
        return int(self._server.add_secure_port(address, credentials))

    async def stop(self) -> None:
        """Take no more calls, and answer those that were taken."""
        if self._server is not None:
            self._services.health.leave()
            await self._server.stop(_GRACE_S)


def open_lane(services: Callable[[], Services], host: str, port: int, tls: Tls | None = None) -> GrpcLane:
    """The lane of a data plane, not started yet. Raises NoGrpc, or Conflict when the port is taken."""
    if port:
        listen(host, port).close()
    return GrpcLane(services(), host=host, port=port, tls=tls)


def _handlers(grpc: Any, services: Services) -> Any:
    codes = {code.value[0]: code for code in grpc.StatusCode}
    methods, next_id = services.methods, new_ids()

    async def end(context: Any, outcome: Refused) -> None:
        await context.abort(codes.get(outcome.status, codes[INTERNAL]), outcome.message)

    def unary(path: str) -> Any:
        async def answer(request: bytes, context: Any) -> bytes | None:
            outcome = await _answer(methods, path, request, context, await _named(context, next_id))
            if isinstance(outcome, bytes):
                return outcome
            await end(context, outcome)
            return None

        return grpc.unary_unary_rpc_method_handler(answer)

    def stream(path: str) -> Any:
        async def answer(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            caller = await _named(context, next_id)
            async for request in requests:
                outcome = await _answer(methods, path, request, context, caller)
                if isinstance(outcome, Refused):
                    await end(context, outcome)
                else:
                    yield outcome

        return grpc.stream_stream_rpc_method_handler(answer)

    made = {path: unary(path) for path in methods.unary} | {path: stream(path) for path in methods.streams}
    made[WATCH] = grpc.unary_stream_rpc_method_handler(services.health.watch)

    class Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: Any) -> Any:
            path = details.method
            return made.get(path) or unary(path)  # which says what methods there are

    return Handlers()


async def _named(context: Any, next_id: Callable[[], str]) -> Caller:
    """Who calls; is told the id of the request."""
    headers = {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
    given = valid_id(headers.get(HEADER, "")) or next_id()
    await context.send_initial_metadata(((HEADER, given),))
    return Caller(context.peer(), given, headers)


async def _answer(methods: Methods, path: str, request: bytes, context: Any, caller: Caller) -> Outcome:
    left = context.time_remaining()
    if left is not None and left <= 0:
        late = refused(Late(f"the deadline of {path} had passed before it began", hint="give it more time"))
        methods.refused(path, late, caller)
        return late
    outcome = methods.begin(path, request, caller)
    return outcome if isinstance(outcome, bytes | Refused) else await outcome
