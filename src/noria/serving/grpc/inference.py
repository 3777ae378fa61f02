"""The Open Inference Protocol, version 2, over gRPC: `inference.GRPCInferenceService`, with its repository extension.

What the messages say is handed to the readers of the JSON contract, so both refuse and answer alike. Requests may
bring typed `contents` or `raw_input_contents`; answers come raw when the request did, or asked for nothing, else
typed. `ModelStreamInfer` follows Triton: an answer or an error message for each request of the stream.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from noria.core.clock import monotonic
from noria.serving.contracts.infer_json import Tensor, asks_of
from noria.serving.contracts.model import Show, Why
from noria.serving.contracts.open_inference import metadata
from noria.serving.contracts.shape import Shape
from noria.serving.contracts.tensors import Infer, read_infer, show_infer
from noria.serving.contracts.versions import lineup_of
from noria.serving.grpc.columns import count, from_bytes, from_raw, missing, to_raw_bytes
from noria.serving.grpc.messages import Messages
from noria.serving.grpc.method import Answers, Method
from noria.serving.grpc.quick import QuickReader
from noria.serving.lineup import Lineup
from noria.serving.model import BadPayload, NotReady, PredictionRecord

SERVICE = "inference.GRPCInferenceService"
_TYPED = {
    "BOOL": "bool_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
    "INT64": "int64_contents",
    "UINT64": "uint64_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
}
_ONE_EACH = "give each input either contents or, in the same order, raw_input_contents"


class _Asked(NamedTuple):
    """A request that was read; whether its answer is to be typed, too."""

    lineup: Lineup
    shape: Shape
    infer: Infer
    typed: bool
    started: float


class Inference:
    """The methods of the service, by name; `methods` take a message and give one."""

    def __init__(self, messages: Messages, answers: Answers) -> None:
        self._messages = messages
        self._answers = answers
        self._plane = answers.plane
        self._response = messages["inference.ModelInferResponse"]
        plain: dict[str, Callable[[Any], Any]] = {
            "ServerLive": self._live,
            "ServerReady": self._ready,
            "ModelReady": self._model_ready,
            "ServerMetadata": self._server,
            "ModelMetadata": self._model,
            "RepositoryIndex": self._index,
            "RepositoryModelLoad": self._load,
            "RepositoryModelUnload": self._unload,
        }
        self._request = messages["inference.ModelInferRequest"].FromString
        self._quick = QuickReader()
        self.methods = {
            f"/{SERVICE}/{name}": Method(messages[f"inference.{name}Request"].FromString, handler)
            for name, handler in plain.items()
        } | {f"/{SERVICE}/ModelInfer": Method(self._read, self._infer, counted=True)}
        self.streams = {
            f"/{SERVICE}/ModelStreamInfer": Method(
                self._read, self._infer, counted=True, wrap=self._streamed, refuse=self._stream_refused
            )
        }

    def _live(self, _request: Any) -> Any:
        return self._messages["inference.ServerLiveResponse"](live=True)

    def _ready(self, _request: Any) -> Any:
        return self._messages["inference.ServerReadyResponse"](ready=not self._plane.board.waiting)

    def _model_ready(self, request: Any) -> Any:
        """A model without a version is not ready; one that is not served at all is an error."""
        try:
            ready = self._lineup(request.name, request.version).champion.able
        except NotReady:
            ready = False
        return self._messages["inference.ModelReadyResponse"](ready=ready)

    def _server(self, _request: Any) -> Any:
        return self._messages["inference.ServerMetadataResponse"](
            name="noria", version="2", extensions=["model_repository"]
        )

    def _model(self, request: Any) -> Any:
        told = metadata(self._answers.shape(self._lineup(request.name, request.version)))
        return self._messages["inference.ModelMetadataResponse"](**told)

    def _index(self, request: Any) -> Any:
        board = self._plane.board
        models: list[dict[str, str]] = []
        for model, lineup in sorted(board.lineups.items()):
            models += [
                {"name": model, "version": str(one.number), "state": "UNAVAILABLE" if one.absent else "READY",
                 "reason": one.absent} for one in lineup.versions if not (request.ready and one.absent)
            ]  # fmt: skip
        if not request.ready:
            models += [
                {"name": model, "state": "UNAVAILABLE", "reason": reason}
                for model, reason in sorted(board.waiting.items())
            ]
        return self._messages["inference.RepositoryIndexResponse"](models=models)

    async def _load(self, request: Any) -> Any:
        """Read the routing again now: what a model answers with is decided by its alias, not by the caller."""
        name = request.model_name or request.repository_name  # KServe's message has the model's name first
        await self._plane.load(name)
        return self._messages["inference.RepositoryModelLoadResponse"](model_name=name, isLoaded=True)

    def _unload(self, request: Any) -> Any:
        name = request.model_name or request.repository_name
        self._plane.unload(name)
        return self._messages["inference.RepositoryModelUnloadResponse"](model_name=name, isUnloaded=True)

    def _lineup(self, model: str, version: str = "") -> Lineup:
        return lineup_of(self._plane.board, model, version or None)

    def _read(self, body: bytes) -> _Asked:
        started = monotonic()
        found = self._quick.read(body)
        if found is not None:
            shape, ask = found
            lineup = self._plane.board.lineups.get(shape.lineup.routing.model)
            if lineup is not None and self._answers.shape(lineup) is shape:
                return _Asked(lineup, shape, Infer((ask,)), False, started)
            self._quick.forget(shape)
        request = self._request(body)
        lineup = self._lineup(request.model_name, request.model_version)
        shape, raws = self._answers.shape(lineup), request.raw_input_contents
        infer = _read(request, raws, shape)
        if raws and not (request.model_version or request.id or request.outputs):
            self._quick.learn(body, request, shape)
        return _Asked(lineup, shape, infer, not raws and len(request.inputs) > 0, started)

    def _infer(self, asked: _Asked) -> Any:
        show: Show = partial(self._show, asked.infer, asked.shape, asked.typed)
        asks, manner = asked.infer.asks, asked.infer.manner
        if manner.explain:
            told = partial(_with_why, show)
            return self._answers.explain(asked.lineup, asks, asked.started, told, manner.priority)
        return self._answers.give(asked.lineup, asks, asked.started, show, manner.priority)

    def _show(self, infer: Infer, shape: Shape, typed: bool, records: Sequence[PredictionRecord]) -> Any:
        told = show_infer(infer, shape, records)
        response = self._response(
            model_name=told["model_name"], model_version=told.get("model_version", ""), id=told.get("id", "")
        )
        for one in told["outputs"]:
            made = response.outputs.add(name=one["name"], datatype=one["datatype"], shape=one["shape"])
            data, texts = one["data"], one["datatype"] == "BYTES"
            if not typed:
                raw = to_raw_bytes(data) if texts else struct.pack(f"<{len(data)}d", *data)
                response.raw_output_contents.append(raw)
            elif texts:
                made.contents.bytes_contents.extend(text.encode() for text in data)
            else:
                made.contents.fp64_contents.extend(data)
        return response

    def _streamed(self, response: Any) -> Any:
        return self._messages["inference.ModelStreamInferResponse"](infer_response=response)

    def _stream_refused(self, message: str) -> Any:
        return self._messages["inference.ModelStreamInferResponse"](error_message=message)


def _with_why(show: Show, records: Sequence[PredictionRecord], why: Sequence[Why]) -> Any:
    """The answer, with the explanations in a parameter, as the contract has it in JSON."""
    response = show(records)
    response.parameters["explanations"].string_param = json.dumps(why)
    return response


def _read(request: Any, raws: Sequence[bytes], shape: Shape) -> Infer:
    """The quick way of the JSON contract for what is as it should be, its exact way for the rest."""
    if raws:
        if len(raws) != len(request.inputs):
            raise BadPayload(f"{len(request.inputs)} inputs, but {len(raws)} raw_input_contents", hint=_ONE_EACH)
        tensors = [_raw_tensor(one, raw) for one, raw in zip(request.inputs, raws, strict=True)]
    else:
        tensors = [_typed_tensor(one) for one in request.inputs]
    asks = None if request.outputs or request.parameters else asks_of(tensors, shape)
    if asks is not None:
        return Infer(asks, request.id or None)
    body: dict[str, Any] = {
        "id": request.id or None,
        "inputs": [
            {"name": one.name, "datatype": one.datatype, "shape": one.shape, "data": one.data} for one in tensors
        ],
    }
    if request.parameters:
        body["parameters"] = {name: getattr(one, _chosen(one)) for name, one in request.parameters.items()}
    if request.outputs:
        body["outputs"] = [{"name": one.name} for one in request.outputs]
    return read_infer(body, shape)


def _chosen(parameter: Any) -> str:
    return parameter.WhichOneof("parameter_choice") or "string_param"


def _raw_tensor(tensor: Any, raw: bytes) -> Tensor:
    name, datatype, shape = tensor.name, tensor.datatype, list(tensor.shape)
    if tensor.HasField("contents"):
        raise BadPayload(f"input {name[:80]!r} has contents beside raw_input_contents", hint=_ONE_EACH)
    return Tensor(name, datatype, shape, from_raw(name, datatype, count(name, shape), raw))


def _typed_tensor(tensor: Any) -> Tensor:
    name, datatype, shape = tensor.name, tensor.datatype, list(tensor.shape)
    field = _TYPED.get(datatype)
    if field is None:
        raise BadPayload(
            f"input {name[:80]!r} has datatype {datatype[:40]!r}", hint=f"typed contents are {', '.join(_TYPED)}"
        )
    values, rows = getattr(tensor.contents, field), count(name, shape)
    if len(values) != rows:
        raise BadPayload(f"input {name[:80]!r} has {len(values)} values in {field}, but its shape says {rows}")
    data: list[Any] = from_bytes(name, values) if datatype == "BYTES" else list(values)
    if datatype in ("FP32", "FP64"):
        data = [missing(value) for value in data]
    return Tensor(name, datatype, shape, data)
