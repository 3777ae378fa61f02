"""Triton's gRPC client, sync and aio, asks; what it is told goes to standard output. Takes the address and a row."""

import asyncio
import json
import sys

import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from tritonclient.utils import InferenceServerException

ADDRESS, MODEL, ROW = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])


def inputs(module, row):
    made = []
    for name, value in row.items():
        text = isinstance(value, str)
        tensor = module.InferInput(name, [1], "BYTES" if text else "FP64")
        tensor.set_data_from_numpy(np.array([value.encode() if text else value], object if text else np.float64))
        made.append(tensor)
    return made


def sync():
    client = triton.InferenceServerClient(ADDRESS)
    told = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready(MODEL, "1"),
        "server": client.get_server_metadata(as_json=True),
        "model": client.get_model_metadata(MODEL, as_json=True),
        "index": client.get_model_repository_index(as_json=True),
    }
    client.load_model(MODEL)
    result = client.infer(MODEL, inputs(triton, ROW), request_id="seven", outputs=[triton.InferRequestedOutput("late")])
    told["id"] = result.get_response().id
    told["output"] = float(result.as_numpy("late")[0])
    told["errors"] = {}
    for name, call in {
        "unknown model": lambda: client.infer("latness", inputs(triton, ROW)),
        "unknown input": lambda: client.infer(MODEL, inputs(triton, {"orgin": "JFK"})),
        "unload": lambda: client.unload_model(MODEL),
        "statistics": lambda: client.get_inference_statistics(MODEL),
    }.items():
        try:
            call()
        except InferenceServerException as error:
            told["errors"][name] = [error.status(), error.message()]
    answers = []
    client.start_stream(
        lambda result, error: answers.append(str(error) if error else float(result.as_numpy("late")[0]))
    )
    client.async_stream_infer(MODEL, inputs(triton, ROW))
    client.async_stream_infer(MODEL, inputs(triton, {"orgin": "JFK"}))
    client.async_stream_infer(MODEL, inputs(triton, ROW))
    client.stop_stream()
    told["stream"] = answers
    client.close()
    return told


async def aio():
    async with triton_aio.InferenceServerClient(ADDRESS) as client:
        results = await asyncio.gather(*(client.infer(MODEL, inputs(triton_aio, ROW)) for _ in range(20)))
        return [float(result.as_numpy("late")[0]) for result in results]


print(json.dumps({**sync(), "aio": asyncio.run(aio())}))
