"""TensorFlow Serving over gRPC: `PredictionService` (Predict, GetModelMetadata) and `ModelService` (GetModelStatus).

A signature's inputs are the columns of the model's request source, one value a row, shape `[n]` or `[n, 1]`; its
outputs are the label and the prediction ids. Tensors may bring `tensor_content` or typed `*_val`, where fewer
values than the shape says repeat the last one, as TensorFlow has it. There is one signature, `serving_default`.
Source: github.com/tensorflow/serving `tensorflow_serving/apis`, tensorflow `core/framework/tensor.proto`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from noria.core.clock import monotonic
from noria.core.errors import NotFound
from noria.serving.contracts.open_inference import metadata
from noria.serving.contracts.shape import Shape
from noria.serving.contracts.tensors import Infer, read_infer, show_infer
from noria.serving.contracts.versions import lineup_of
from noria.serving.grpc.columns import count, from_bytes, from_raw, missing
from noria.serving.grpc.messages import Messages
from noria.serving.grpc.method import Answers, Method
from noria.serving.lineup import Lineup
from noria.serving.model import BadPayload, NotReady, PredictionRecord

PREDICTION = "tensorflow.serving.PredictionService"
MODELS = "tensorflow.serving.ModelService"
SIGNATURE = "serving_default"
METADATA = "signature_def"
_METHOD = "tensorflow/serving/predict"
_MAP_TYPE = "type.googleapis.com/tensorflow.serving.SignatureDefMap"
_START, _AVAILABLE = 10, 30

_TYPES = {
    1: ("FP32", "float_val"),
    2: ("FP64", "double_val"),
    3: ("INT32", "int_val"),
    4: ("UINT8", "int_val"),
    5: ("INT16", "int_val"),
    6: ("INT8", "int_val"),
    7: ("BYTES", "string_val"),
    9: ("INT64", "int64_val"),
    10: ("BOOL", "bool_val"),
    17: ("UINT16", "int_val"),
    19: ("FP16", "half_val"),
    22: ("UINT32", "uint32_val"),
    23: ("UINT64", "uint64_val"),
}
"""TensorFlow's DataType to the Open Inference Protocol's name, and the field of its typed values."""
_NUMBERS = {name: number for number, (name, _) in _TYPES.items()}


class UnknownSignature(NotFound):
    """The model has one signature, and it was another that was asked for."""

    code = "N6064"


class TensorFlowServing:
    """The methods of both services."""

    def __init__(self, messages: Messages, answers: Answers) -> None:
        self._messages = messages
        self._answers = answers
        self._plane = answers.plane
        read = {name: messages[f"tensorflow.serving.{name}Request"].FromString for name in (
            "Predict", "GetModelMetadata", "GetModelStatus",
        )}  # fmt: skip
        self.methods = {
            f"/{PREDICTION}/Predict": Method(read["Predict"], self._predict, counted=True),
            f"/{PREDICTION}/GetModelMetadata": Method(read["GetModelMetadata"], self._metadata),
            f"/{MODELS}/GetModelStatus": Method(read["GetModelStatus"], self._status),
        }

    def _lineup(self, spec: Any) -> Lineup:
        if spec.signature_name not in ("", SIGNATURE):
            raise UnknownSignature("signature", spec.signature_name[:80], [SIGNATURE])
        version = str(spec.version.value) if spec.HasField("version") else spec.version_label
        return lineup_of(self._plane.board, spec.name, version or None)

    def _predict(self, request: Any) -> Any:
        started = monotonic()
        lineup = self._lineup(request.model_spec)
        shape = self._answers.shape(lineup)
        body: dict[str, Any] = {
            "inputs": [_tensor(name[:80], tensor) for name, tensor in request.inputs.items()],
            "outputs": [{"name": name} for name in request.output_filter] or None,
        }
        infer = read_infer(body, shape)
        return self._answers.give(lineup, infer.asks, started, partial(self._show, infer, shape))

    def _show(self, infer: Infer, shape: Shape, records: Sequence[PredictionRecord]) -> Any:
        told = show_infer(infer, shape, records)
        response = self._messages["tensorflow.serving.PredictResponse"]()
        for one in told["outputs"]:
            tensor = response.outputs[one["name"]]
            tensor.dtype = _NUMBERS[one["datatype"]]
            for size in one["shape"]:
                tensor.tensor_shape.dim.add(size=size)
            if one["datatype"] == "BYTES":
                tensor.string_val.extend(text.encode() for text in one["data"])
            else:
                tensor.double_val.extend(one["data"])
        version = told.get("model_version", str(shape.lineup.champion.number))
        self._tell_spec(response.model_spec, shape.lineup, int(version))
        return response

    def _tell_spec(self, spec: Any, lineup: Lineup, version: int) -> None:
        spec.name, spec.signature_name = lineup.routing.model, SIGNATURE
        spec.version.value = version

    def _metadata(self, request: Any) -> Any:
        for field in request.metadata_field:
            if field != METADATA:
                raise BadPayload(f"there is no metadata {field[:80]!r}", hint=f"there is {METADATA!r}")
        if not request.metadata_field:
            raise BadPayload("metadata_field is empty", hint=f"ask for {METADATA!r}")
        lineup = self._lineup(request.model_spec)
        told = metadata(self._answers.shape(lineup))
        described = self._messages["tensorflow.serving.SignatureDefMap"]()
        signature = described.signature_def[SIGNATURE]
        signature.method_name = _METHOD
        for key, tensors in (("inputs", signature.inputs), ("outputs", signature.outputs)):
            for one in told[key]:
                info = tensors[one["name"]]
                info.name, info.dtype = f"{one['name']}:0", _NUMBERS[one["datatype"]]
                info.tensor_shape.dim.add(size=-1)
        response = self._messages["tensorflow.serving.GetModelMetadataResponse"]()
        self._tell_spec(response.model_spec, lineup, lineup.champion.number)
        packed = response.metadata[METADATA]
        packed.type_url, packed.value = _MAP_TYPE, described.SerializeToString()
        return response

    def _status(self, request: Any) -> Any:
        response = self._messages["tensorflow.serving.GetModelStatusResponse"]()
        try:
            lineup = self._lineup(request.model_spec)
        except NotReady:
            response.model_version_status.add(version=0, state=_START)
            return response
        for one in lineup.versions:
            made = response.model_version_status.add(version=one.number, state=_AVAILABLE)
            made.status.error_code = 0
        return response


def _tensor(name: str, tensor: Any) -> dict[str, Any]:
    if tensor.dtype not in _TYPES:
        raise BadPayload(f"input {name!r} has the unknown dtype {tensor.dtype}", hint="see tensorflow's types.proto")
    datatype, field = _TYPES[tensor.dtype]
    shape = [one.size for one in tensor.tensor_shape.dim[:3]]
    rows = count(name, shape)
    if tensor.tensor_content and datatype != "BYTES":
        return _input(name, datatype, shape, from_raw(name, datatype, rows, tensor.tensor_content))
    values = getattr(tensor, field)
    if len(values) > rows or (not values and rows):
        raise BadPayload(f"input {name!r} has {len(values)} values in {field}, but its shape says {rows}")
    return _input(name, datatype, shape, _typed(name, datatype, list(values) + [values[-1]] * (rows - len(values))))


def _typed(name: str, datatype: str, values: list[Any]) -> list[Any]:
    if datatype == "BYTES":
        return from_bytes(name, values)
    if datatype == "FP16":  # their bits, in the lower half of an int
        if any(not 0 <= one < 1 << 16 for one in values):
            raise BadPayload(f"input {name!r} has a half_val beyond 16 bits")
        return from_raw(name, datatype, len(values), np.array(values, "<u2").tobytes())
    return [missing(one) for one in values] if datatype in ("FP32", "FP64") else values


def _input(name: str, datatype: str, shape: list[int], data: list[Any]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}
