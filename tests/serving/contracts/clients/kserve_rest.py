"""KServe's REST client asks a running server in its first protocol and in the second."""

from __future__ import annotations

import asyncio
import json
import sys
from importlib.metadata import version

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

url, model, rows, label = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), sys.argv[4]
proofs: list[tuple[str, str, list[float]]] = []
refused = {}


def tensors(binary: bool) -> InferRequest:
    made = []
    for name in rows[0]:
        values = [row[name] for row in rows]
        number = isinstance(values[0], float)
        one = InferInput(name, [len(rows)], "FP64" if number else "BYTES")
        array = np.array(values, np.float64) if number else np.array([value.encode() for value in values], object)
        one.set_data_from_numpy(array, binary_data=binary)
        made.append(one)
    return InferRequest(model, made, request_id="3")


async def ask() -> None:
    v2 = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await v2.is_server_live(url) and await v2.is_server_ready(url) and await v2.is_model_ready(url, model)
    for binary in (True, False):
        result = await v2.infer(url, tensors(binary), model_name=model)
        assert result.id == "3"
        found = next(one for one in result.outputs if one.name == label)
        proofs.append(("open-inference", f"v2 infer, binary {binary}", list(map(float, found.data))))
    v1 = InferenceRESTClient(RESTConfig(protocol="v1"))
    assert await v1.is_server_live(url) and await v1.is_model_ready(url, model)
    result = await v1.infer(url, {"instances": rows}, model_name=model)
    proofs.append(("kserve-v1", "v1 infer, objects", result["predictions"]))
    result = await v1.infer(url, {"instances": [list(row.values()) for row in rows]}, model_name=model)
    proofs.append(("kserve-v1", "v1 infer, lists", result["predictions"]))
    result = await v1.explain(url, model, {"instances": rows})
    assert all(one["contributions"] for one in result["explanations"])
    proofs.append(("kserve-v1", "v1 explain", result["predictions"]))
    event = {
        "content-type": "application/json",
        "ce-id": "1",
        "ce-source": "test",
        "ce-type": "ask",
        "ce-specversion": "1.0",
    }
    result = await v1.infer(url, {"instances": rows}, model_name=model, headers=event)
    proofs.append(("kserve-v1", "v1 infer, CloudEvent", result["predictions"]))
    for what, name, body in (
        ("unknown model", "nobody", {"instances": rows}),
        ("missing column", model, {"instances": [{}]}),
    ):
        try:
            await v1.infer(url, body, model_name=name)
        except httpx.HTTPStatusError as error:
            refused[what] = [error.response.status_code, str(error)]


asyncio.run(ask())
about = f"kserve InferenceRESTClient {version('kserve')}"
print(json.dumps({"client": about, "proofs": proofs, "refused": refused}))
