"""Ray Serve: `python ray_app.py MODEL.onnx PORT`, one replica."""

import signal
import sys

import numpy as np
import onnxruntime as ort
import ray
from ray import serve
from starlette.requests import Request


@serve.deployment(num_replicas=1, ray_actor_options={"num_cpus": 0.5}, max_ongoing_requests=100)
class Graph:
    def __init__(self, path: str) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(path, options)
        self.name = self.session.get_inputs()[0].name

    async def __call__(self, request: Request) -> dict:
        rows = np.asarray((await request.json())["rows"], dtype=np.float32)
        return {"predictions": self.session.run(None, {self.name: rows})[-1][:, -1].tolist()}


ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100_000_000)
serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[2])})
serve.run(Graph.bind(sys.argv[1]), name="bench", route_prefix="/predict")
signal.pause()
