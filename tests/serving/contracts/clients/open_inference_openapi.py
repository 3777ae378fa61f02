"""The client generated of the Open Inference specification asks a running server."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version

from open_inference.openapi.client import OpenInferenceClient
from open_inference.openapi.core.api_error import ApiError
from open_inference.openapi.types import InferenceRequest, RequestInput, TensorData

url, model, rows, label = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), sys.argv[4]
client = OpenInferenceClient(base_url=url)
client.check_server_liveness(), client.check_server_readiness(), client.check_model_readiness(model)
client.check_model_version_readiness(model, "1")
assert client.read_server_metadata().name == "noria"
assert client.read_model_metadata(model).name == model


def request(chosen: list[str]) -> InferenceRequest:
    made = []
    for name in chosen:
        values = [row[name] for row in rows]
        kind = "FP64" if isinstance(values[0], float) else "BYTES"
        made.append(RequestInput(name=name, shape=[len(rows)], datatype=kind, data=TensorData(__root__=values)))
    return InferenceRequest(id="9", inputs=made)


result = client.model_infer(model, request=request(list(rows[0])))
assert result.id == "9"
proofs = [("open-inference", "model_infer", next(one for one in result.outputs if one.name == label).data.__root__)]
refused = {}
for what, call in {
    "unknown model": lambda: client.read_model_metadata("nobody"),
    "missing column": lambda: client.model_infer(model, request=request(list(rows[0])[1:])),
}.items():
    try:
        call()
    except ApiError as error:
        body = error.body if isinstance(error.body, dict) else error.body.dict()
        refused[what] = [error.status_code, body["error"]]
about = f"open-inference-openapi {version('open-inference-openapi')}"
print(json.dumps({"client": about, "proofs": proofs, "refused": refused}))
