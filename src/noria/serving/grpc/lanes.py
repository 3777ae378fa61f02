"""The ways to speak gRPC with a data plane: ours on the port of HTTP, grpcio's on one of its own. Made when wanted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from noria.serving.http.tls import Tls
from noria.serving.witness import UNSEEN, Witness

if TYPE_CHECKING:
    from noria.serving.grpc.lane import GrpcLane
    from noria.serving.grpc.method import Methods, Plane
    from noria.serving.grpc.own import OwnLane
    from noria.serving.grpc.services import Services


class Lanes:
    """Nothing is imported before the first call comes, or a port was given.

    Raises NoGrpc when a port was given and grpcio is missing, Conflict when the port is taken.
    """

    def __init__(
        self, plane: Plane, host: str, port: int | None, witness: Witness = UNSEEN, tls: Tls | None = None
    ) -> None:
        self._plane = plane
        self._witness = witness
        self._own: OwnLane | None = None
        self._grpcio: GrpcLane | None = None
        if port is not None:
            from noria.serving.grpc.lane import open_lane

            self._grpcio = open_lane(self._services, host, port, tls)

    def http2(self) -> asyncio.Protocol:
        """For a connection that begins with HTTP/2's preface."""
        if self._own is None:
            from noria.serving.grpc.own import OwnLane

            self._own = OwnLane(self._services())
            self._own.begin()
        return self._own.protocol()

    def _services(self) -> Services:
        from noria.serving.grpc.services import Services

        services = Services(self._plane)
        services.methods = self._methods(services.methods)
        return services

    def _methods(self, methods: Methods) -> Methods:
        if not self._witness:
            return methods
        from noria.serving.grpc.observed import ObservedMethods

        return ObservedMethods(methods, self._witness)

    async def start(self) -> None:
        """Take calls from now on. Raises Conflict when the port is taken."""
        if self._grpcio is not None:
            await self._grpcio.start()

    async def stop(self) -> None:
        """Answer what was begun, and close every connection."""
        if self._grpcio is not None:
            await self._grpcio.stop()
        if self._own is not None:
            await self._own.stop()
