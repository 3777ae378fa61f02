"""Triton's clients, HTTP and gRPC, load and unload models on demand and ask a graph: URL, ROW. Prints what they saw."""

from __future__ import annotations

import json
import sys

import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

url, row = sys.argv[1].removeprefix("http://"), json.loads(sys.argv[2])
client = http.InferenceServerClient(url)
seen: dict[str, object] = {}


def states() -> dict[str, str]:
    return {one["name"]: one["state"] for one in client.get_model_repository_index()}


def ask(model: str) -> float:
    inputs = []
    for name, value in row.items():
        number = isinstance(value, float)
        one = http.InferInput(name, [1], "FP64" if number else "BYTES")
        one.set_data_from_numpy(np.array([value] if number else [str(value).encode()], float if number else object))
        inputs.append(one)
    return float(client.infer(model, inputs).as_numpy("late")[0])


assert client.is_server_ready() and client.is_model_ready("m000") and client.is_model_ready("both")
seen["at first"] = states()
client.load_model("m000")
seen["loaded"] = states()
client.unload_model("m000")
seen["unloaded"] = states()
seen["answers"] = {name: ask(name) for name in ("both", "m000", "m001")}
seen["asked"] = states()
seen["platform"] = client.get_model_metadata("both")["platform"]
seen["refused"] = []
for name in ("both", "m999"):
    try:
        client.unload_model(name)
    except InferenceServerException as error:
        seen["refused"].append([error.status(), error.message()])
print(json.dumps(seen))
