"""The model repository extension: what there is and what is in memory, taking it up anew, letting it go.

Specification: github.com/triton-inference-server/server, `docs/protocol/extension_model_repository.md`. `load` reads
the routing again, so that a version that was just promoted answers, and brings a model on demand into memory; `unload`
takes one out of it until the next request for it. Which versions there are the registry says, so files and
configurations that come over the wire are refused, and so is unloading what is there from the start.
"""

from __future__ import annotations

from typing import Any

from noria.serving.contracts.model import Contract, House, NotPermitted, Route
from noria.serving.contracts.open_inference import refuse
from noria.serving.json_body import answer, decode_object, kind_of
from noria.serving.model import BadPayload, Request, Response, UnknownModel


def index(house: House, request: Request) -> Response:
    """Every model and version, in memory or not, and the models that have none."""
    only_ready = (decode_object(request.body) if request.body else {}).get("ready", False)
    if not isinstance(only_ready, bool):
        raise BadPayload(f"ready is {kind_of(only_ready)}, not a boolean")
    board = house.board
    found: list[dict[str, Any]] = [
        {
            "name": model,
            "version": str(loaded.number),
            "state": "UNAVAILABLE" if loaded.absent else "READY",
            "reason": loaded.absent or lineup.trouble,
        }
        for model, lineup in sorted(board.lineups.items())
        for loaded in lineup.versions
        if not (only_ready and loaded.absent)
    ]
    if not only_ready:
        found += [
            {"name": model, "state": "UNAVAILABLE", "reason": reason} for model, reason in sorted(board.waiting.items())
        ]
    return answer(found)


async def load(house: House, request: Request, model: str) -> Response:
    """Take up what the routing names now, into memory. Raises UnknownModel, NotReady, NotPermitted, LoadFailed."""
    body = decode_object(request.body) if request.body else {}
    if body.get("parameters"):
        raise NotPermitted(
            "models do not come over the wire, nor do their configurations", hint="register a version, and promote it"
        )
    _known(house, model)
    await house.load(model)
    return answer({})


def unload(house: House, _request: Request, model: str) -> Response:
    """Out of memory with a model on demand; who is being answered is answered. Raises UnknownModel, NotPermitted."""
    _known(house, model)
    house.unload(model)
    return answer({})


def _known(house: House, model: str) -> None:
    if model not in house.board.models:
        raise UnknownModel("model", model, house.board.models)


CONTRACT = Contract(
    "model-repository",
    "Model repository extension of v2",
    (
        Route("POST", "/v2/repository/index", index, "models and their state"),
        Route(
            "POST",
            "/v2/repository/models/{model}/load",
            load,
            "take up what the routing names, into memory",
        ),
        Route("POST", "/v2/repository/models/{model}/unload", unload, "out of memory with a model on demand"),
    ),
    refuse,
)
