"""KServe's Python server: `python kserve_model.py MODEL.onnx PORT`."""

import sys

import numpy as np
import onnxruntime as ort
from kserve import Model, ModelServer


class Graph(Model):
    def __init__(self) -> None:
        super().__init__("bench")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(sys.argv[1], options)
        self.input = self.session.get_inputs()[0].name
        self.ready = True

    def predict(self, payload: dict, headers: dict | None = None) -> dict:  # noqa: ARG002
        rows = np.asarray(payload["instances"], dtype=np.float32)
        return {"predictions": self.session.run(None, {self.input: rows})[-1][:, -1].tolist()}


if __name__ == "__main__":
    ModelServer(http_port=int(sys.argv[2]), enable_grpc=False, workers=1, access_log_format=None).start([Graph()])
