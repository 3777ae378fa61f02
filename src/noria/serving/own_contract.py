"""What nobody else's contract has: rows by name, feedback, events, features, metrics."""

from __future__ import annotations

from noria.core.clock import monotonic
from noria.serving import feedback, rows
from noria.serving.contracts import documents
from noria.serving.contracts.model import Contract, House, Pending, Route
from noria.serving.feast_door import answer_feast
from noria.serving.features_door import Catalogue, look_up
from noria.serving.json_body import answer, decode, refusal
from noria.serving.manner import read_manner
from noria.serving.metrics import CONTENT_TYPE
from noria.serving.model import Request, Response
from noria.serving.plane import Plane


class OwnContract:
    """Noria's own routes over a data plane."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._catalogue: Catalogue | None = None

    def contract(self) -> Contract:
        """The routes, for the application."""
        return Contract(
            "noria",
            "Noria's own",
            (
                Route("POST", "/predict", _predict, "rows in, predictions out", predicts=True),
                Route("POST", "/feedback", self._feedback, "labels and outcomes by prediction id"),
                Route("POST", "/events", self._events, "events that features are made of"),
                Route("GET", "/events/positions", self._positions, "how far each stream of events was taken"),
                Route("POST", "/features", self._features, "features of entities"),
                Route("POST", "/get-online-features", self._feast, "the same in Feast's words"),
                Route("GET", "/metrics", self.metrics, "for Prometheus"),
                Route("POST", "/v2/repository/refresh", self._refresh, "read the routing again"),
            ),
            refusal,
        )

    def _feedback(self, _house: House, request: Request) -> Response:
        items = rows.read_feedback_items(decode(request.body))
        taken = feedback.take(self._plane.log, items, self._plane.clock.now())
        self._plane.metrics.learnt(taken.new)
        return answer(taken.show(), taken.status)

    def _events(self, _house: House, request: Request) -> Response:
        """Batches are taken in order; when one is refused those before it stay, and a stream knows them again."""
        batches = rows.read_events(decode(request.body))
        total = 0
        for one in batches:
            now = self._plane.clock.now()
            applied = self._plane.online.ingest(
                one.source, one.rows, stream=one.stream, position=one.position, ids=one.ids, now=now
            )
            self._plane.metrics.ingested(one.source, applied)
            total += applied
        return answer({"applied": total, "repeated": sum(len(one.rows) for one in batches) - total})

    def _features(self, _house: House, request: Request) -> Response:
        plane = self._plane
        return answer(look_up(decode(request.body), self._looked_up(), plane.online, plane.clock.now()))

    def _feast(self, _house: House, request: Request) -> Response:
        plane = self._plane
        return answer(answer_feast(decode(request.body), self._looked_up(), plane.online, plane.clock.now()))

    def _looked_up(self) -> Catalogue:
        if self._catalogue is None or self._catalogue.board is not self._plane.board:
            self._catalogue = Catalogue(self._plane.board, self._plane.models)
        return self._catalogue

    def _positions(self, _house: House, _request: Request) -> Response:
        return answer({"positions": self._plane.online.positions()})

    def metrics(self, _house: House, _request: Request) -> Response:
        """What Prometheus is told."""
        plane = self._plane
        body = plane.metrics.exposition(plane.online.freshness(), plane.clock.now(), plane.log.backlog())
        return Response(200, body, CONTENT_TYPE)

    async def _refresh(self, house: House, _request: Request) -> Response:
        await self._plane.follow()
        return answer(documents.served(house.board))


def _predict(house: House, request: Request) -> Pending:
    started = monotonic()
    lineup = house.board.lineup(house.only_model(request))
    asks = rows.read_asks(decode(request.body))
    return house.answer(lineup, asks, started, rows.show_predictions, read_manner(request))
