"""KServe's own gRPC client asks, with typed contents; what it is told goes to standard output."""

import asyncio
import json
import sys

from kserve import InferenceGRPCClient, InferInput, InferRequest

ADDRESS, MODEL, ROW = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])


def request(row):
    made = []
    for name, value in row.items():
        text = isinstance(value, str)
        made.append(InferInput(name, [1], "BYTES" if text else "FP64", data=[value.encode() if text else value]))
    return InferRequest(MODEL, made, request_id="seven")


async def main():
    client = InferenceGRPCClient(ADDRESS)
    answer = await client.infer(request(ROW))
    outputs = {one.name: one for one in answer.outputs}
    told = {
        "live": await client.is_server_live(),
        "ready": await client.is_server_ready(),
        "model_ready": await client.is_model_ready(MODEL),
        "id": answer.id,
        "version": answer.model_version,
        "output": float(outputs["late"].as_numpy()[0]),
    }
    try:
        await client.infer(request({"orgin": "JFK"}))
    except Exception as error:
        told["error"] = str(error)
    return told


print(json.dumps(asyncio.run(main())))
