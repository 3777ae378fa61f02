"""The Open Inference Protocol, version 2, over gRPC: `inference.GRPCInferenceService`, with its repository extension.

What the messages say is handed to the readers of the JSON contract, so both refuse and answer alike. Requests may
bring typed `contents` or `raw_input_contents`; answers come raw when the request did, or asked for nothing, else
typed. `ModelStreamInfer` follows Triton: an answer or an error message for each request of the stream.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from noria.core.clock import monotonic
from noria.serving import open_inference
from noria.serving.grpc.columns import count, from_bytes, from_raw, missing, to_raw_bytes
from noria.serving.grpc.messages import Messages
from noria.serving.grpc.method import Answers, Method, Show
from noria.serving.lineup import Lineup
from noria.serving.model import BadPayload, NotReady, PredictionRecord, UnknownModel

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
        read = messages["inference.ModelInferRequest"].FromString
        self.methods = {
            f"/{SERVICE}/{name}": Method(messages[f"inference.{name}Request"].FromString, handler)
            for name, handler in plain.items()
        } | {f"/{SERVICE}/ModelInfer": Method(read, self._infer, counted=True)}
        self.streams = {
            f"/{SERVICE}/ModelStreamInfer": Method(
                read, self._infer, counted=True, wrap=self._streamed, refuse=self._stream_refused
            )
        }

    def _live(self, _request: Any) -> Any:
        return self._messages["inference.ServerLiveResponse"](live=True)

    def _ready(self, _request: Any) -> Any:
        return self._messages["inference.ServerReadyResponse"](ready=not self._plane.board.waiting)

    def _model_ready(self, request: Any) -> Any:
        """A model without a version is not ready; one that is not served at all is an error."""
        try:
            ready = self._lineup(request.name, request.version) is not None
        except NotReady:
            ready = False
        return self._messages["inference.ModelReadyResponse"](ready=ready)

    def _server(self, _request: Any) -> Any:
        return self._messages["inference.ServerMetadataResponse"](
            name="noria", version="2", extensions=["model_repository"]
        )

    def _model(self, request: Any) -> Any:
        told = open_inference.metadata(self._lineup(request.name, request.version))
        return self._messages["inference.ModelMetadataResponse"](**told)

    def _index(self, request: Any) -> Any:
        board = self._plane.board
        models: list[dict[str, str]] = []
        for model, lineup in sorted(board.lineups.items()):
            models += [{"name": model, "version": str(one.number), "state": "READY"} for one in lineup.versions]
        if not request.ready:
            models += [
                {"name": model, "state": "UNAVAILABLE", "reason": reason}
                for model, reason in sorted(board.waiting.items())
            ]
        return self._messages["inference.RepositoryIndexResponse"](models=models)

    async def _load(self, request: Any) -> Any:
        """Read the routing again now: what a model answers with is decided by its alias, not by the caller."""
        name = request.model_name or request.repository_name  # KServe's message has the model's name first
        await self._plane.follow()
        self._lineup(name)
        return self._messages["inference.RepositoryModelLoadResponse"](model_name=name, isLoaded=True)

    def _unload(self, request: Any) -> Any:
        name = request.model_name or request.repository_name
        self._lineup(name)
        raise BadPayload(
            f"model {name!r} is served for as long as an alias names it", hint="`noria serve` says which models"
        )

    def _lineup(self, model: str, version: str = "") -> Lineup:
        lineup = self._plane.board.lineup(model)
        numbers = [str(one.number) for one in lineup.versions]
        if version and version not in numbers:
            raise UnknownModel(f"version of {model!r}", version[:40], numbers)
        return lineup

    def _infer(self, request: Any) -> Any:
        started = monotonic()
        lineup = self._lineup(request.model_name, request.model_version)
        raw = bool(request.raw_input_contents)
        infer = open_inference.read_infer(_as_json(request), lineup)
        typed = not raw and any(True for _ in request.inputs)
        show: Show = partial(self._show, infer, lineup, typed)
        return self._answers.give(lineup, infer.asks, started, show)

    def _show(
        self, infer: open_inference.Infer, lineup: Lineup, typed: bool, records: Sequence[PredictionRecord]
    ) -> Any:
        told = open_inference.show_infer(infer, lineup, records)
        response = self._response(
            model_name=told["model_name"], model_version=told.get("model_version", ""), id=told.get("id", "")
        )
        for one in told["outputs"]:
            made = response.outputs.add(name=one["name"], datatype=one["datatype"])
            made.shape.extend(one["shape"])
            data = one["data"]
            if not typed:
                text = one["datatype"] == "BYTES"
                response.raw_output_contents.append(
                    to_raw_bytes(data) if text else struct.pack(f"<{len(data)}d", *data)
                )
            elif one["datatype"] == "BYTES":
                made.contents.bytes_contents.extend(text.encode() for text in data)
            else:
                made.contents.fp64_contents.extend(data)
        return response

    def _streamed(self, response: Any) -> Any:
        return self._messages["inference.ModelStreamInferResponse"](infer_response=response)

    def _stream_refused(self, message: str) -> Any:
        return self._messages["inference.ModelStreamInferResponse"](error_message=message)


def _as_json(request: Any) -> dict[str, Any]:
    inputs, raws = request.inputs, request.raw_input_contents
    if raws:
        if len(raws) != len(inputs):
            raise BadPayload(f"{len(inputs)} inputs, but {len(raws)} raw_input_contents", hint="give one for each")
        read = [_raw_tensor(one, raw) for one, raw in zip(inputs, raws, strict=True)]
    else:
        read = [_typed_tensor(one) for one in inputs]
    body: dict[str, Any] = {"inputs": read}
    if request.id:
        body["id"] = request.id
    if request.outputs:
        body["outputs"] = [{"name": one.name} for one in request.outputs]
    return body


def _raw_tensor(tensor: Any, raw: bytes) -> dict[str, Any]:
    name, datatype, shape = tensor.name, tensor.datatype, list(tensor.shape)
    if tensor.HasField("contents"):
        raise BadPayload(
            f"input {name[:80]!r} has contents beside raw_input_contents", hint="send one or the other for all inputs"
        )
    return {
        "name": name,
        "datatype": datatype,
        "shape": shape,
        "data": from_raw(name, datatype, count(name, shape), raw),
    }


def _typed_tensor(tensor: Any) -> dict[str, Any]:
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
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}
