"""What is served, told by the server itself: `/` in JSON with a command to copy for each model, a page, OpenAPI."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from noria.serving.contracts import openapi
from noria.serving.contracts.examples import curls
from noria.serving.contracts.model import Contract, House, Route
from noria.serving.contracts.page import page
from noria.serving.contracts.shape import Shape
from noria.serving.json_body import answer, refusal
from noria.serving.lineup import Board
from noria.serving.model import Request, Response

_MOST_SHOWN = 20


def served(board: Board) -> dict[str, Any]:
    """The models, their versions and how traffic is split between them."""
    models = [
        {
            "model": model,
            "version": lineup.champion.number,
            "challenger": lineup.challenger.number if lineup.challenger else None,
            "mode": lineup.routing.mode,
            "share": lineup.routing.share,
            "revision": lineup.routing.revision,
            "trouble": lineup.trouble or None,
        }
        for model, lineup in sorted(board.lineups.items())
    ]
    return {"models": models, "waiting": dict(board.waiting), "degraded": board.degraded or None}


def _index(house: House, request: Request) -> Response:
    """What is served, and how to ask for it; `status` is what KServe's clients look for."""
    shapes, told, only = _shown(house, request), house.contracts, len(house.board.lineups) == 1
    return answer(
        {
            "server": "noria",
            "status": "alive",
            **served(house.board),
            "paths": list(dict.fromkeys(f"{route.method} {route.path}" for one in told for route in one.routes)),
            "contracts": {contract.name: contract.title for contract in told},
            "examples": {shape.lineup.routing.model: curls(told, shape, request, only) for shape in shapes},
            "documents": ["/docs", "/openapi.json"],
        }
    )


def _openapi(house: House, _request: Request) -> Response:
    return answer(openapi.document(house.contracts, _shapes(house)))


def _docs(house: House, request: Request) -> Response:
    made = page(house.contracts, _shown(house, request), request, only=len(house.board.lineups) == 1)
    return Response(200, made.encode(), "text/html; charset=utf-8")


def _shown(house: House, request: Request) -> list[Shape]:
    """The models that commands are written for: `?model=NAME`, or the first few, as they are a page for each."""
    names = [name for name in parse_qs(request.query).get("model", ()) if name in house.board.lineups]
    return [house.shape(house.board.lineups[name]) for name in names or sorted(house.board.lineups)[:_MOST_SHOWN]]


def _shapes(house: House) -> list[Shape]:
    return [house.shape(lineup) for _, lineup in sorted(house.board.lineups.items())]


CONTRACT = Contract(
    "documents",
    "What is served",
    (
        Route("GET", "/", _index, "what is served"),
        Route("GET", "/docs", _docs, "the same as a page"),
        Route("GET", "/openapi.json", _openapi, "the same for tools"),
        Route("OPTIONS", "/", _openapi, "the same, where TorchServe has it"),
        Route("GET", "/api-description", _openapi, "the same, where TorchServe has it too"),
        Route("GET", "/swagger.json", _openapi, "the same, where Azure ML looks for it"),
    ),
    refusal,
)
