"""Triton's HTTP client asks a running server: URL, MODEL, ROWS. Prints what it was told."""

from __future__ import annotations

import asyncio
import json
import sys
from importlib.metadata import version

import numpy as np
import tritonclient.http as http
import tritonclient.http.aio as aio
from tritonclient.utils import InferenceServerException

url, model, rows = sys.argv[1].removeprefix("http://"), sys.argv[2], json.loads(sys.argv[3])
label = sys.argv[4]
proofs: list[tuple[str, str, list[float]]] = []


def inputs(kind: type, binary: bool, shape: tuple[int, ...] = (-1,)) -> list[object]:
    made = []
    for name in rows[0]:
        values = [row[name] for row in rows]
        number = isinstance(values[0], float)
        array = np.array(values, np.float64) if number else np.array([str(one).encode() for one in values], object)
        array = array.reshape(shape)
        one = kind(name, list(array.shape), "FP64" if number else "BYTES")
        one.set_data_from_numpy(array, binary_data=binary)
        made.append(one)
    return made


def outputs(kind: type, binary: bool) -> list[object]:
    return [kind(label, binary_data=binary), kind("prediction_id", binary_data=not binary)]


client = http.InferenceServerClient(url)
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(model)
assert client.is_model_ready(model, "1")
described = client.get_model_metadata(model)
assert {"name": label, "datatype": "FP64", "shape": [-1]} in described["outputs"], described
assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
assert client.get_model_config(model)["name"] == model
assert [one["state"] for one in client.get_model_repository_index()] == ["READY"]
client.load_model(model)

for way, binary in (("binary", True), ("JSON", False)):
    result = client.infer(model, inputs(http.InferInput, binary), request_id="7")
    assert result.get_response()["id"] == "7"
    proofs.append(("open-inference", f"infer, {way} in, bytes out", result.as_numpy(label).tolist()))
    result = client.infer(
        model, inputs(http.InferInput, binary, (-1, 1)), outputs=outputs(http.InferRequestedOutput, not binary)
    )
    assert len(result.as_numpy("prediction_id")) == len(rows)
    proofs.append(("open-inference", f"infer, {way} in, mixed out", result.as_numpy(label).tolist()))
result = client.infer(model, inputs(http.InferInput, True), model_version="1")
proofs.append(("open-inference", "infer of a version", result.as_numpy(label).tolist()))
for binary in (True, False):
    reasons = client.infer(model, inputs(http.InferInput, binary), priority=1, parameters={"explain": True})
    told = json.loads(reasons.get_response()["parameters"]["explanations"])
    assert len(told) == len(rows) and all(one["contributions"] for one in told), told
    proofs.append(("open-inference", f"infer with reasons, binary {binary}", reasons.as_numpy(label).tolist()))
counted = client.get_inference_statistics(model)["model_stats"][0]
assert counted["inference_count"] >= 5 * len(rows), counted

refused = {}
calls = {
    "unknown model": lambda: client.infer("nobody", inputs(http.InferInput, True)),
    "unknown version": lambda: client.infer(model, inputs(http.InferInput, True), model_version="99"),
    "missing column": lambda: client.infer(model, inputs(http.InferInput, True)[1:]),
    "unload": lambda: client.unload_model(model),
    "shared memory": client.get_system_shared_memory_status,
}
for what, call in calls.items():
    try:
        call()
    except InferenceServerException as error:
        refused[what] = [error.status(), error.message()]


async def ask() -> None:
    async with aio.InferenceServerClient(url) as other:
        assert await other.is_server_live() and await other.is_model_ready(model)
        for binary in (True, False):
            result = await other.infer(
                model, inputs(aio.InferInput, binary), outputs=outputs(aio.InferRequestedOutput, binary)
            )
            proofs.append(("open-inference", f"aio infer, binary {binary}", result.as_numpy(label).tolist()))
        assert (await other.get_model_repository_index())[0]["name"] == model
        await other.load_model(model)
        proofs.append(("model-repository", "load, then infer", result.as_numpy(label).tolist()))


asyncio.run(ask())
print(json.dumps({"client": f"tritonclient.http {version('tritonclient')}", "proofs": proofs, "refused": refused}))
