"""The Open Inference Protocol, version 2, over HTTP: health, metadata, statistics, inference in JSON and in bytes.

Specifications: github.com/kserve/open-inference-protocol, `specification/protocol/inference_rest.md`; of statistics and
configuration github.com/triton-inference-server/server, `docs/protocol/extension_*.md`. A refusal is
`{"error": message}`, with Noria's code and hint beside it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from noria.core.clock import monotonic
from noria.core.errors import NoriaError
from noria.serving.contracts import infer_binary, infer_json
from noria.serving.contracts.datatypes import DATATYPES, PREDICTION_ID
from noria.serving.contracts.model import Contract, House, NotOffered, Pending, Route
from noria.serving.contracts.shape import Shape
from noria.serving.contracts.statistics import statistics
from noria.serving.contracts.tensors import show_infer
from noria.serving.contracts.versions import lineup_of
from noria.serving.json_body import answer, refusal
from noria.serving.manner import read_manner
from noria.serving.model import Request, Response

EXTENSIONS = ["binary_tensor_data", "model_configuration", "model_repository", "statistics"]


def refuse(error: NoriaError) -> Response:
    """`{"error": ...}`: clients show that alone, so the hint is in it too."""
    told = refusal(error)
    message = f"{error.message} ({error.hint})" if error.hint else error.message
    return Response(told.status, answer({**error.as_dict(), "error": message}).body, headers=told.headers)


def infer(house: House, request: Request, model: str, version: str | None = None) -> Pending:
    """Rows as tensors."""
    started = monotonic()
    lineup = house.board.lineup(model) if version is None else lineup_of(house.board, model, version)
    shape = house.shape(lineup)
    length = request.headers.get(infer_binary.HEADER)
    asked = infer_json.read(request.body, shape) if length is None else infer_binary.read(request.body, length, shape)
    show = infer_binary.show if asked.binary else show_infer
    manner = read_manner(request, asked.manner)
    return house.answer(lineup, asked.asks, started, partial(show, asked, shape), manner)


def metadata(shape: Shape) -> dict[str, Any]:
    """A model's description: its versions in memory, its request columns as inputs, its outputs."""
    lineup = shape.lineup
    return {
        "name": lineup.routing.model,
        "versions": [str(loaded.number) for loaded in lineup.versions],
        "platform": f"noria_{'graph' if lineup.champion.graph else lineup.champion.package.format}",
        "inputs": [
            {"name": column.name, "datatype": DATATYPES[column.dtype][0], "shape": [-1]}
            for column in shape.columns.values()
        ],
        "outputs": [
            {"name": shape.label, "datatype": "FP64", "shape": [-1]},
            {"name": PREDICTION_ID, "datatype": "BYTES", "shape": [-1]},
        ],
    }


def _metadata(house: House, _request: Request, model: str, version: str | None = None) -> Response:
    return answer(metadata(house.shape(lineup_of(house.board, model, version))))


def _model_ready(house: House, _request: Request, model: str, version: str | None = None) -> Response:
    """One that is not in memory but loaded on demand is ready: nobody would ever ask it otherwise."""
    ready = lineup_of(house.board, model, version).champion.able
    return answer({"name": model, "ready": ready}, 200 if ready else 503)


def _config(house: House, _request: Request, model: str, version: str | None = None) -> Response:
    """The model as Triton's model configuration describes one."""
    shape = house.shape(lineup_of(house.board, model, version))
    described = metadata(shape)

    def tensors(kind: str) -> list[dict[str, Any]]:
        return [
            {"name": one["name"], "data_type": _config_type(one["datatype"]), "dims": [-1]} for one in described[kind]
        ]

    return answer(
        {
            "name": model,
            "platform": described["platform"],
            "backend": "onnxruntime",
            "version_policy": {"specific": {"versions": [int(number) for number in described["versions"]]}},
            "max_batch_size": 0,
            "input": tensors("inputs"),
            "output": tensors("outputs"),
        }
    )


def _config_type(datatype: str) -> str:
    return "TYPE_STRING" if datatype == "BYTES" else f"TYPE_{datatype}"


def _stats(house: House, _request: Request, model: str | None = None, version: str | None = None) -> Response:
    models = list(house.board.lineups) if model is None else [model]
    lineups = [lineup_of(house.board, one, version) for one in models]
    return answer({"model_stats": statistics(lineups, house.counts())})


def _server(_house: House, _request: Request) -> Response:
    return answer({"name": "noria", "version": "2", "extensions": EXTENSIONS})


def _live(_house: House, _request: Request) -> Response:
    return answer({"live": True})


def ready(house: House, _request: Request) -> Response:
    """Whether every model has a version to answer with."""
    board = house.board
    state: dict[str, Any] = {"ready": not board.waiting, "degraded": board.degraded or None}
    if board.waiting:
        state["waiting"] = dict(board.waiting)
    return answer(state, 503 if board.waiting else 200)


def _models(house: House, _request: Request) -> Response:
    return answer({"models": house.board.models})


def _not_offered(_house: House, request: Request, *_parts: str) -> Response:
    raise NotOffered(f"{request.path[:200]} is an extension that this server does not have", hint="GET /v2 lists them")


_MODEL = "/v2/models/{model}"
_VERSION = "/v2/models/{model}/versions/{version}"
_ABSENT = (
    "/v2/systemsharedmemory/status", "/v2/systemsharedmemory/region/{name}/register",
    "/v2/systemsharedmemory/unregister", "/v2/systemsharedmemory/region/{name}/unregister",
    "/v2/cudasharedmemory/status", "/v2/cudasharedmemory/region/{name}/register",
    "/v2/cudasharedmemory/unregister", "/v2/cudasharedmemory/region/{name}/unregister",
    "/v2/trace/setting", "/v2/models/{model}/trace/setting", "/v2/logging",
)  # fmt: skip

CONTRACT = Contract(
    "open-inference",
    "Open Inference Protocol v2 (Triton, KServe, MLServer)",
    (
        Route("GET", "/v2", _server, "name, version and extensions"),
        Route("GET", "/v2/health/live", _live, "whether the server lives"),
        Route("GET", "/v2/health/ready", ready, "whether every model can answer"),
        Route("GET", "/v2/models", _models, "names of the models"),
        Route("GET", "/v2/models/stats", _stats, "counts of every model"),
        *(
            route
            for base in (_MODEL, _VERSION)
            for route in (
                Route("GET", base, _metadata, "inputs and outputs of a model"),
                Route("GET", f"{base}/ready", _model_ready, "whether a model can answer"),
                Route("GET", f"{base}/config", _config, "a model's configuration, as Triton writes it"),
                Route("GET", f"{base}/stats", _stats, "counts of a model"),
                Route("POST", f"{base}/infer", infer, "tensors in, tensors out, in JSON or in bytes", predicts=True),
            )
        ),
        *(Route(method, path, _not_offered) for path in _ABSENT for method in ("GET", "POST")),
    ),
    refuse,
    ("/v2",),
)
