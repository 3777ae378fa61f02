"""The model repository extension: what there is, taking it up anew, and no taking away.

Specification: github.com/triton-inference-server/server, `docs/protocol/extension_model_repository.md`. `load` reads
the routing again, so that a version that was just promoted answers; which versions there are the registry says, so
files and configurations that come over the wire are refused, and so is `unload`.
"""

from __future__ import annotations

from typing import Any

from noria.serving.contracts.model import Contract, House, NotPermitted, Route
from noria.serving.contracts.open_inference import refuse
from noria.serving.json_body import answer, decode_object, kind_of
from noria.serving.model import BadPayload, Request, Response, UnknownModel


def index(house: House, request: Request) -> Response:
    """Every model and version in memory, and those that wait for one."""
    only_ready = (decode_object(request.body) if request.body else {}).get("ready", False)
    if not isinstance(only_ready, bool):
        raise BadPayload(f"ready is {kind_of(only_ready)}, not a boolean")
    board = house.board
    found: list[dict[str, Any]] = [
        {"name": model, "version": str(loaded.number), "state": "READY", "reason": lineup.trouble}
        for model, lineup in sorted(board.lineups.items())
        for loaded in lineup.versions
    ]
    if not only_ready:
        found += [
            {"name": model, "state": "UNAVAILABLE", "reason": reason} for model, reason in sorted(board.waiting.items())
        ]
    return answer(found)


async def load(house: House, request: Request, model: str) -> Response:
    """Take up what the routing names now. Raises UnknownModel, NotReady, NotPermitted."""
    body = decode_object(request.body) if request.body else {}
    if body.get("parameters"):
        raise NotPermitted(
            "models do not come over the wire, nor do their configurations", hint="register a version, and promote it"
        )
    _known(house, model)
    await house.follow()
    house.board.lineup(model)
    return answer({})


def unload(house: House, _request: Request, model: str) -> Response:
    """Refused: the versions in memory are those that the routing names."""
    _known(house, model)
    raise NotPermitted(f"{model!r} is not unloaded by its clients", hint="roll it back, or stop serving it")


def _known(house: House, model: str) -> None:
    if model not in house.board.models:
        raise UnknownModel("model", model, house.board.models)


CONTRACT = Contract(
    "model-repository",
    "Model repository extension of v2",
    (
        Route("POST", "/v2/repository/index", index, "models and their state"),
        Route("POST", "/v2/repository/models/{model}/load", load, "take up the version that the routing names"),
        Route("POST", "/v2/repository/models/{model}/unload", unload, "refused: the routing decides"),
    ),
    refuse,
)
