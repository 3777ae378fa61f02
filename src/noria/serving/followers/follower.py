"""A process that answers and writes nothing: what it answered is handed to the leader, and told when it is in the log.

Rows of models that need no online features, and that answer at once, are answered here. All else is forwarded whole.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from noria.core.errors import NoriaError
from noria.core.ids import Ids
from noria.features.online.features import OnlineFeatures
from noria.serving.app import App
from noria.serving.asked import Asked, same_model
from noria.serving.contracts.model import Pending, Show
from noria.serving.data_plane import DataPlane
from noria.serving.endpoint import Endpoint, by_lineup, misfit
from noria.serving.engines import HttpOptions, run_engine
from noria.serving.followers.frames import Answered, Failed, Forward, Keep, Kept, Reply
from noria.serving.followers.link import Link
from noria.serving.following import LastKnown
from noria.serving.footprint import use_systems_pool
from noria.serving.graphs.model import GraphSpec
from noria.serving.grpc.lanes import Lanes
from noria.serving.lineup import Lineup
from noria.serving.manner import Manner
from noria.serving.metrics import Metrics
from noria.serving.model import PredictionRecord, Request, Response, ServedModel
from noria.serving.promise import Promise
from noria.serving.rows import Ask
from noria.serving.witness import UNSEEN, Witness, open_witness
from noria.stores.online_memory import MemoryOnlineStore
from noria.workspace.workspace import Workspace

if TYPE_CHECKING:
    from noria.serving.grpc.method import Methods


class Elsewhere(Exception):
    """The leader must answer this."""


class NoLog:
    """Where a log would be."""

    def find(self, _prediction_id: str) -> PredictionRecord | None:
        """Nothing is known here; the leader looks."""
        return None

    def append_many(self, _records: Sequence[PredictionRecord], *, new: bool = False) -> None:  # noqa: ARG002
        """Only the leader writes."""
        raise Elsewhere

    def backlog(self) -> int:
        """Nothing."""
        return 0

    def close(self) -> None:
        """Nothing to close."""


class Reporting(Metrics):
    """Counts at the leader: what was answered when that is logged, what was refused by a word of its own."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link

    def failed(self, reason: str) -> None:
        self._link.mention(Failed(0, reason))


class HandingEndpoint(Endpoint):
    """Scores here, and tells answers when the leader has them."""

    def __init__(self, link: Link, ids: Ids, metrics: Metrics) -> None:
        super().__init__(NoLog(), ids, metrics)
        self._link = link

    def _answer_group(self) -> None:
        group = self._taken()
        for lineup, same in by_lineup(group):
            try:
                self._score(lineup, same)
            except Exception as error:  # whoever asked must hear something
                _fail(same, error)
        self._join(group)
        self._hand(group)

    def _hand(self, group: Sequence[Asked]) -> None:
        records = [record for asked in group for record in asked.fresh]
        if not records:
            _tell(group)
            return
        given = [record.prediction_id for asked in group if asked.given for record in asked.fresh]
        try:
            self._link.say(Keep(self._link.number(), records, given), partial(_kept, group))
        except OverflowError:
            if len(group) > 1:  # it is one's fault alone
                for asked in group:
                    self._hand([asked])
            else:
                _fail(group, misfit())
                _tell(group)


def _kept(group: Sequence[Asked], reply: Reply | NoriaError) -> None:
    if isinstance(reply, NoriaError):
        _fail([asked for asked in group if asked.fresh], reply)
    elif isinstance(reply, Kept) and reply.earlier:
        for asked in group:
            try:
                asked.known |= {
                    name: same_model(reply.earlier[name], asked.lineup) for name in asked.ids if name in reply.earlier
                }
            except NoriaError as error:
                _fail([asked], error)
            asked.fresh = [one for one in asked.fresh if one.prediction_id not in reply.earlier]
    _tell(group)


def _fail(group: Iterable[Asked], error: Exception) -> None:
    for asked in group:
        asked.error, asked.fresh = error, []


def _tell(group: Iterable[Asked]) -> None:
    for asked in group:
        asked.tell()


class FollowerApp(App):
    """Answers rows, and has the leader answer the rest."""

    def __init__(self, plane: Follower, link: Link) -> None:
        super().__init__(plane)
        self._link = link

    def begin(self, request: Request) -> Pending:
        if not self._routes.predicts(request.path):
            return self._forward(request)
        try:
            return super().begin(request)
        except Elsewhere:
            return self._forward(request)

    def _refused(self, request: Request, error: Exception) -> Response:
        if isinstance(error, Elsewhere):
            raise error
        return super()._refused(request, error)

    def answer(self, lineup: Lineup, asks: Sequence[Ask], started: float, show: Show, manner: Manner) -> Pending:
        if lineup.waits or any(one.package.inputs.views for one in lineup.versions):
            raise Elsewhere
        return super().answer(lineup, asks, started, show, manner)

    def explain(self, *_asked: Any) -> Pending:
        raise Elsewhere

    def _forward(self, request: Request) -> Promise[Response]:
        promise: Promise[Response] = Promise()
        promise.mend = partial(super()._refused, request)

        def told(reply: Reply | NoriaError) -> None:
            if isinstance(reply, Answered):
                promise.keep(Response(reply.status, reply.body, reply.content_type, reply.headers))
            else:
                promise.fail(reply if isinstance(reply, NoriaError) else Elsewhere())

        headers = dict(request.headers)
        number = self._link.number()
        self._link.say(Forward(number, request.method, request.path, headers, request.body, request.query), told)
        return promise


class FollowerLanes(Lanes):
    """HTTP/2 here too, with every call answered by the leader; and the link, for as long as the follower serves."""

    def __init__(self, plane: Follower, link: Link, witness: Witness) -> None:
        super().__init__(plane, "", None, witness)
        self._link = link

    def _methods(self, methods: Methods) -> Methods:
        from noria.serving.followers.calls import ForwardedCalls

        return super()._methods(ForwardedCalls(methods, self._link))

    async def start(self) -> None:
        self._link.start()

    async def stop(self) -> None:
        await super().stop()
        await self._link.stop()


class Follower(DataPlane):
    """A data plane that leaves writing to another process. Several at a time a workspace."""

    def __init__(
        self,
        ws: Workspace,
        models: Mapping[str, ServedModel],
        functions: Mapping[str, Callable[..., Any]],
        *,
        graphs: Sequence[GraphSpec] = (),
    ) -> None:
        self._link = Link(ws.folder("serving"))
        self._folder = TemporaryDirectory(prefix="noria-follower-", dir=ws.folder("serving"))
        super().__init__(ws, models, functions, graphs=graphs)

    def _open_metrics(self) -> Metrics:
        return Reporting(self._link)

    def _open_log(self) -> NoLog:  # type: ignore[override]
        return NoLog()

    def _open_online(self) -> OnlineFeatures:
        return OnlineFeatures((), MemoryOnlineStore(), Path(self._folder.name))

    def _open_app(self) -> App:
        self.endpoint = HandingEndpoint(self._link, self._ws.ids, self.metrics)
        return FollowerApp(self, self._link)

    def _remember(self, _last: LastKnown) -> None:
        """The leader does."""

    def close(self) -> None:
        """Let go of what is in memory. Closing again changes nothing."""
        super().close()
        self._folder.cleanup()

    def lanes(self, witness: Witness = UNSEEN) -> FollowerLanes:
        """What runs beside HTTP."""
        return FollowerLanes(self, self._link, witness)


def run_follower(
    ws: Workspace,
    models: Mapping[str, ServedModel],
    functions: Mapping[str, Callable[..., Any]],
    listening: socket.socket,
    *,
    http: HttpOptions | None = None,
    graphs: Sequence[GraphSpec] = (),
) -> None:
    """Answer on a socket that others listen on too, until SIGTERM or SIGINT."""
    options, witness = http or HttpOptions(), UNSEEN
    try:
        use_systems_pool()
        witness = open_witness(ws.clock, access_log=options.access_log)
        plane = Follower(ws, models, functions, graphs=graphs)
        lanes = plane.lanes(witness)
        run_engine(plane.app, plane.running(lanes), listening, options, lambda: None, witness, lanes.http2)
    finally:
        witness.close()
        listening.close()
