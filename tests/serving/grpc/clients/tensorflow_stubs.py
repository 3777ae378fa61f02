"""TensorFlow Serving's stubs ask; what they are told goes to standard output. Takes the address and a row.

The stubs want TensorFlow for a few messages. TensorBoard's wheel carries those, made from TensorFlow's own files
under names of its own; here they get their first names back, so that half a gigabyte need not be installed.
"""

import importlib
import importlib.abc
import importlib.machinery
import json
import struct
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool

_POOL = descriptor_pool.Default()
_ABSENT = {
    "tensorflow/core/example/feature.proto": ("tensorflow", ["Features", "FeatureList"], []),
    "tensorflow/core/example/example.proto": ("tensorflow", ["Example"], []),
    "tensorflow/core/protobuf/error_codes.proto": ("tensorflow.error", [], ["Code"]),
}
"""Not in TensorBoard's wheel, and only named by the stubs that are used here."""


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, _path, _target=None):
        ours = name == "tensorflow" or name.startswith("tensorflow.")
        return importlib.machinery.ModuleSpec(name, self, is_package=not name.endswith("_pb2")) if ours else None

    def exec_module(self, module):
        if module.__name__.endswith("_pb2"):
            add(module.__name__.replace(".", "/").removesuffix("_pb2") + ".proto")
            module.xla_dot_tsl_dot_protobuf_dot_error__codes__pb2 = None  # one of them names another it imports


def add(name):
    try:
        _POOL.FindFileByName(name)
        return
    except KeyError:
        pass
    made = descriptor_pb2.FileDescriptorProto()
    if name in _ABSENT:
        package, messages, enums = _ABSENT[name]
        made = descriptor_pb2.FileDescriptorProto(name=name, package=package, syntax="proto3")
        for one in messages:
            made.message_type.add(name=one)
        for one in enums:
            made.enum_type.add(name=one).value.add(name="OK", number=0)
    else:
        stem = name.rpartition("/")[2].removesuffix(".proto")
        theirs = importlib.import_module(f"tensorboard.compat.proto.{stem}_pb2").DESCRIPTOR
        theirs.CopyToProto(made)
        rename(made, name)
    for other in made.dependency:
        if other.startswith("tensorflow/"):
            add(other)
    _POOL.AddSerializedFile(made.SerializeToString())


def rename(file, name):
    file.name, file.package = name, "tensorflow"
    for number, other in enumerate(file.dependency):
        if other.startswith("tensorboard/compat/proto/"):
            file.dependency[number] = home(other.rpartition("/")[2])
    for message in file.message_type:
        rename_types(message)


def rename_types(message):
    for field in message.field:
        if field.type_name:
            field.type_name = field.type_name.replace(".tensorboard.", ".tensorflow.")
    for nested in message.nested_type:
        rename_types(nested)


def home(name):
    protobuf = ("struct", "saved_object_graph", "trackable_object_graph", "saver", "meta_graph", "saved_model")
    return f"tensorflow/core/{'protobuf' if name.removesuffix('.proto') in protobuf else 'framework'}/{name}"


sys.meta_path.insert(0, _Finder())

from tensorflow_serving.apis import (  # noqa: E402
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

ADDRESS, MODEL, ROW = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
DOUBLE, STRING = 2, 7


def request(row, content):
    made = predict_pb2.PredictRequest()
    made.model_spec.name = MODEL
    for name, value in row.items():
        tensor = made.inputs[name]
        tensor.tensor_shape.dim.add(size=1)
        if isinstance(value, str):
            tensor.dtype = STRING
            tensor.string_val.append(value.encode())
        elif content:
            tensor.dtype, tensor.tensor_content = DOUBLE, struct.pack("<d", value)
        else:
            tensor.dtype = DOUBLE
            tensor.double_val.append(value)
    return made


channel = grpc.insecure_channel(ADDRESS)
stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
answers = [stub.Predict(request(ROW, content), timeout=10) for content in (False, True)]
metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
metadata.model_spec.name = MODEL
described = stub.GetModelMetadata(metadata)
signatures = get_model_metadata_pb2.SignatureDefMap()
assert described.metadata["signature_def"].Unpack(signatures)
status = get_model_status_pb2.GetModelStatusRequest()
status.model_spec.name = MODEL
states = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(status).model_version_status
told = {
    "outputs": [one.outputs["late"].double_val[0] for one in answers],
    "version": answers[0].model_spec.version.value,
    "ids": [one.decode() for one in answers[0].outputs["prediction_id"].string_val],
    "inputs": {name: info.dtype for name, info in signatures.signature_def["serving_default"].inputs.items()},
    "status": [[one.version, get_model_status_pb2.ModelVersionStatus.State.Name(one.state)] for one in states],
    "errors": {},
}
wrong = request(ROW, False)
wrong.model_spec.name = "latness"
for name, asked in {"unknown model": wrong, "unknown input": request({"orgin": "JFK"}, False)}.items():
    try:
        stub.Predict(asked)
    except grpc.RpcError as error:
        told["errors"][name] = [error.code().name, error.details()]
print(json.dumps(told))
