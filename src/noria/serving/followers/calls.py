"""gRPC calls that come to a follower: the leader answers them."""

from __future__ import annotations

from noria.core.errors import NoriaError
from noria.serving.followers.frames import Call, Called, Reply
from noria.serving.followers.link import Link
from noria.serving.grpc.method import NOBODY, Caller, Methods
from noria.serving.grpc.statuses import Outcome, Refused, refused
from noria.serving.model import ServerFault
from noria.serving.promise import Promise


class ForwardedCalls(Methods):
    """gRPC methods that are all answered by the leader."""

    def __init__(self, methods: Methods, link: Link) -> None:
        super().__init__(methods.metrics, methods.unary, methods.streams)
        self._link = link

    def begin(self, path: str, body: bytes, _caller: Caller = NOBODY) -> Promise[Outcome]:
        """Ask the leader."""
        promise: Promise[Outcome] = Promise()

        def told(reply: Reply | NoriaError) -> None:
            if isinstance(reply, Called):
                promise.keep(Refused(reply.status, reply.message) if reply.status else reply.body)
            else:
                promise.keep(refused(reply if isinstance(reply, NoriaError) else ServerFault("no call was answered")))

        self._link.say(Call(self._link.number(), path, body), told)
        return promise
