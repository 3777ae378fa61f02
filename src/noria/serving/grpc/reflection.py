"""`grpc.reflection.v1`, and `v1alpha`: which services there are, and their files, for grpcurl and the like.

The files describe messages; a service's methods are added to the file of its package here.
Specification: github.com/grpc/grpc `doc/server-reflection.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf import descriptor_pb2

from noria.serving.grpc.messages import Messages
from noria.serving.grpc.method import Method
from noria.serving.grpc.statuses import NOT_FOUND, UNIMPLEMENTED

_PACKAGES = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
_METHODS = {
    "inference.GRPCInferenceService": (
        *(f"{name} {name}" for name in ("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata")),
        *(f"{name} {name}" for name in ("ModelInfer", "RepositoryIndex", "RepositoryModelLoad")),
        "RepositoryModelUnload RepositoryModelUnload",
        "*ModelStreamInfer ModelInfer ModelStreamInfer",
    ),
    "tensorflow.serving.PredictionService": ("Predict Predict", "GetModelMetadata GetModelMetadata"),
    "tensorflow.serving.ModelService": ("GetModelStatus GetModelStatus",),
    "grpc.health.v1.Health": ("Check HealthCheck", ">Watch HealthCheck"),
}
"""Each method with the stem of its messages, request and response; `*` streams both ways, `>` its answers."""


class Reflection:
    """The reflection service, in both of its versions."""

    def __init__(self, messages: Messages, services: Sequence[str]) -> None:
        self._services = services
        self._files = {name: _with_services(one) for name, one in messages.files.items()}
        self._where = {symbol: name for name, one in self._files.items() for symbol in _symbols(one)}
        self.streams = {}
        for package in _PACKAGES:
            read = messages[f"{package}.ServerReflectionRequest"].FromString
            tell = _Teller(self, messages[f"{package}.ServerReflectionResponse"])
            self.streams[f"/{package}.ServerReflection/ServerReflectionInfo"] = Method(read, tell)

    def services(self) -> list[str]:
        """The names of all services, these ones included."""
        return [*self._services, *(f"{package}.ServerReflection" for package in _PACKAGES)]

    def named(self, filename: str) -> list[bytes]:
        """A file with the files it imports; empty when there is none of that name."""
        if filename not in self._files:
            return []
        one = self._files[filename]
        return [one.SerializeToString(), *(data for other in one.dependency for data in self.named(other))]

    def holding(self, symbol: str) -> list[bytes]:
        """The file of a service, method or message, with the files it imports."""
        while symbol and symbol not in self._where:
            symbol = symbol.rpartition(".")[0]
        return self.named(self._where.get(symbol, ""))


class _Teller:
    """Answers a request with messages of one version."""

    def __init__(self, reflection: Reflection, response: Any) -> None:
        self._reflection = reflection
        self._response = response

    def __call__(self, request: Any) -> Any:
        response = self._response(valid_host=request.host, original_request=request)
        asked = request.WhichOneof("message_request")
        if asked == "list_services":
            for name in self._reflection.services():
                response.list_services_response.service.add(name=name)
            return response
        files: list[bytes] = []
        if asked == "file_by_filename":
            files = self._reflection.named(request.file_by_filename)
        elif asked == "file_containing_symbol":
            files = self._reflection.holding(request.file_containing_symbol)
        if files:
            response.file_descriptor_response.file_descriptor_proto.extend(files)
        else:
            known = asked in ("file_by_filename", "file_containing_symbol")
            response.error_response.error_code = NOT_FOUND if known else UNIMPLEMENTED
            response.error_response.error_message = "there is no such file or symbol" if known else "there are none"
        return response


def _with_services(file: Any) -> Any:
    made = descriptor_pb2.FileDescriptorProto()
    made.CopyFrom(file)
    for service, methods in _METHODS.items():
        package, _, name = service.rpartition(".")
        if package == file.package:
            described = made.service.add(name=name)
            for method in methods:
                _add_method(described, package, method)
    if file.package in _PACKAGES:
        described = made.service.add(name="ServerReflection")
        _add_method(described, file.package, "*ServerReflectionInfo ServerReflection")
    return made


def _add_method(service: Any, package: str, line: str) -> None:
    name, request, *other = line.lstrip("*>").split(" ")
    made = service.method.add(name=name)
    made.input_type, made.output_type = f".{package}.{request}Request", f".{package}.{(other or [request])[0]}Response"
    made.client_streaming, made.server_streaming = line[0] == "*", line[0] in "*>"


def _symbols(file: Any) -> list[str]:
    return [f"{file.package}.{one.name}" for one in (*file.message_type, *file.service)]
