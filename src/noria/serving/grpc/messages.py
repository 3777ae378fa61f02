"""The protobuf messages of every gRPC contract, in a descriptor pool of our own.

The clients' generated modules (kserve, mlserver, tritonclient) all register `inference.*` in protobuf's default
pool and cannot be imported beside each other; nothing of ours is registered there, so Noria can be imported beside
any of them. Messages are built from the lines below: `name kind number`, where `*kind` is repeated, `{kind}` a
map from strings, and `kind@group` one of a group. Enums are sent as the int32 they are on the wire.

Sources: github.com/triton-inference-server/common `protobuf/grpc_service.proto`, kserve/open-inference-protocol
`specification/protocol/open_inference_grpc.proto`, tensorflow/serving `tensorflow_serving/apis/*.proto`, tensorflow
`tensorflow/core/framework/tensor.proto`, grpc/grpc-proto `grpc/health/v1/health.proto`, `grpc/reflection/v1`.
"""

from __future__ import annotations

import re
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_INFERENCE = """
ServerLiveRequest:
ServerLiveResponse: live bool 1
ServerReadyRequest:
ServerReadyResponse: ready bool 1
ModelReadyRequest: name string 1, version string 2
ModelReadyResponse: ready bool 1
ServerMetadataRequest:
ServerMetadataResponse: name string 1, version string 2, extensions *string 3
ModelMetadataRequest: name string 1, version string 2
ModelMetadataResponse.TensorMetadata: name string 1, datatype string 2, shape *int64 3
ModelMetadataResponse: name string 1, versions *string 2, platform string 3,
  inputs *ModelMetadataResponse.TensorMetadata 4, outputs *ModelMetadataResponse.TensorMetadata 5
InferParameter: bool_param bool@parameter_choice 1, int64_param int64@parameter_choice 2,
  string_param string@parameter_choice 3, double_param double@parameter_choice 4, uint64_param uint64@parameter_choice 5
InferTensorContents: bool_contents *bool 1, int_contents *int32 2, int64_contents *int64 3, uint_contents *uint32 4,
  uint64_contents *uint64 5, fp32_contents *float 6, fp64_contents *double 7, bytes_contents *bytes 8
ModelInferRequest.InferInputTensor: name string 1, datatype string 2, shape *int64 3, parameters {InferParameter} 4,
  contents InferTensorContents 5
ModelInferRequest.InferRequestedOutputTensor: name string 1, parameters {InferParameter} 2
ModelInferRequest: model_name string 1, model_version string 2, id string 3, parameters {InferParameter} 4,
  inputs *ModelInferRequest.InferInputTensor 5, outputs *ModelInferRequest.InferRequestedOutputTensor 6,
  raw_input_contents *bytes 7
ModelInferResponse.InferOutputTensor: name string 1, datatype string 2, shape *int64 3, parameters {InferParameter} 4,
  contents InferTensorContents 5
ModelInferResponse: model_name string 1, model_version string 2, id string 3, parameters {InferParameter} 4,
  outputs *ModelInferResponse.InferOutputTensor 5, raw_output_contents *bytes 6
ModelStreamInferResponse: error_message string 1, infer_response ModelInferResponse 2
RepositoryIndexRequest: repository_name string 1, ready bool 2
RepositoryIndexResponse.ModelIndex: name string 1, version string 2, state string 3, reason string 4
RepositoryIndexResponse: models *RepositoryIndexResponse.ModelIndex 1
RepositoryModelLoadRequest: repository_name string 1, model_name string 2
RepositoryModelLoadResponse: model_name string 1, isLoaded bool 2
RepositoryModelUnloadRequest: repository_name string 1, model_name string 2
RepositoryModelUnloadResponse: model_name string 1, isUnloaded bool 2
"""
_WRAPPERS = """
Int64Value: value int64 1
Any: type_url string 1, value bytes 2
"""
_TENSORFLOW = """
TensorShapeProto.Dim: size int64 1, name string 2
TensorShapeProto: dim *TensorShapeProto.Dim 2, unknown_rank bool 3
TensorProto: dtype int32 1, tensor_shape TensorShapeProto 2, version_number int32 3, tensor_content bytes 4,
  float_val *float 5, double_val *double 6, int_val *int32 7, string_val *bytes 8, int64_val *int64 10,
  bool_val *bool 11, half_val *int32 13, uint32_val *uint32 16, uint64_val *uint64 17
TensorInfo: name string 1, dtype int32 2, tensor_shape TensorShapeProto 3
SignatureDef: inputs {TensorInfo} 1, outputs {TensorInfo} 2, method_name string 3
"""
_TF_SERVING = """
ModelSpec: name string 1, version .google.protobuf.Int64Value@version_choice 2, signature_name string 3,
  version_label string@version_choice 4
PredictRequest: model_spec ModelSpec 1, inputs {.tensorflow.TensorProto} 2, output_filter *string 3
PredictResponse: outputs {.tensorflow.TensorProto} 1, model_spec ModelSpec 2
SignatureDefMap: signature_def {.tensorflow.SignatureDef} 1
GetModelMetadataRequest: model_spec ModelSpec 1, metadata_field *string 2
GetModelMetadataResponse: model_spec ModelSpec 1, metadata {.google.protobuf.Any} 2
GetModelStatusRequest: model_spec ModelSpec 1
StatusProto: error_code int32 1, error_message string 2
ModelVersionStatus: version int64 1, state int32 2, status StatusProto 3
GetModelStatusResponse: model_version_status *ModelVersionStatus 1
"""
_HEALTH = """
HealthCheckRequest: service string 1
HealthCheckResponse: status int32 1
"""
_REFLECTION = """
ExtensionRequest: containing_type string 1, extension_number int32 2
ServerReflectionRequest: host string 1, file_by_filename string@message_request 3,
  file_containing_symbol string@message_request 4, file_containing_extension ExtensionRequest@message_request 5,
  all_extension_numbers_of_type string@message_request 6, list_services string@message_request 7
FileDescriptorResponse: file_descriptor_proto *bytes 1
ServiceResponse: name string 1
ListServiceResponse: service *ServiceResponse 1
ErrorResponse: error_code int32 1, error_message string 2
ServerReflectionResponse: valid_host string 1, original_request ServerReflectionRequest 2,
  file_descriptor_response FileDescriptorResponse@message_response 4,
  list_services_response ListServiceResponse@message_response 6, error_response ErrorResponse@message_response 7
"""
_FILES = {
    "google.protobuf": _WRAPPERS,
    "inference": _INFERENCE,
    "tensorflow": _TENSORFLOW,
    "tensorflow.serving": _TF_SERVING,
    "grpc.health.v1": _HEALTH,
    "grpc.reflection.v1": _REFLECTION,
    "grpc.reflection.v1alpha": _REFLECTION,
}
_IMPORTS = {"tensorflow.serving": ("google.protobuf", "tensorflow")}

_Field = descriptor_pb2.FieldDescriptorProto
_KINDS = {
    name: getattr(_Field, f"TYPE_{name.upper()}")
    for name in ("bool", "int32", "int64", "uint32", "uint64", "float", "double", "string", "bytes")
}


class Messages:
    """Message classes by full name: `messages["inference.ModelInferRequest"]`."""

    def __init__(self) -> None:
        self.files = {_filename(package): _file(package, text) for package, text in _FILES.items()}
        self._pool = descriptor_pool.DescriptorPool()
        for one in self.files.values():
            self._pool.AddSerializedFile(one.SerializeToString())
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = message_factory.GetMessageClass(self._pool.FindMessageTypeByName(name))
        return self._known[name]


def _filename(package: str) -> str:
    return f"noria/{package}.proto"


def _file(package: str, text: str) -> Any:
    made = descriptor_pb2.FileDescriptorProto(name=_filename(package), package=package, syntax="proto3")
    made.dependency.extend(_filename(one) for one in _IMPORTS.get(package, ()))
    found: dict[str, Any] = {}
    for line in re.sub(r",\n\s+", ", ", text).strip().splitlines():
        path, _, fields = line.partition(":")
        outer, _, name = path.rpartition(".")
        if outer and outer not in found:
            found[outer] = made.message_type.add(name=outer)
        if path not in found:
            found[path] = found[outer].nested_type.add(name=name) if outer else made.message_type.add(name=name)
        for field in filter(None, fields.strip().split(", ")):
            _add_field(package, path, found[path], *field.split(" "))
    return made


def _add_field(package: str, path: str, message: Any, name: str, kind: str, number: str) -> None:
    kind, _, group = kind.partition("@")
    field = message.field.add(name=name, number=int(number), label=_Field.LABEL_OPTIONAL)
    if group:
        groups = [one.name for one in message.oneof_decl]
        if group not in groups:
            message.oneof_decl.add(name=group)
            groups.append(group)
        field.oneof_index = groups.index(group)
    if kind[0] == "{":
        entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        _set_kind(package, entry.field.add(name="key", number=1, label=_Field.LABEL_OPTIONAL), "string")
        _set_kind(package, entry.field.add(name="value", number=2, label=_Field.LABEL_OPTIONAL), kind[1:-1])
        field.label, kind = _Field.LABEL_REPEATED, f"{path}.{entry.name}"
    elif kind[0] == "*":
        field.label, kind = _Field.LABEL_REPEATED, kind[1:]
    _set_kind(package, field, kind)


def _set_kind(package: str, field: Any, kind: str) -> None:
    if kind in _KINDS:
        field.type = _KINDS[kind]
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, kind if kind[0] == "." else f".{package}.{kind}"
