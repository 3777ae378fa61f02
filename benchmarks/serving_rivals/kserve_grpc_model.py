"""KServe's Python server over gRPC: `python kserve_grpc_model.py MODEL.onnx HTTP_PORT GRPC_PORT`."""

import sys

import numpy as np
import onnxruntime as ort
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer


class Graph(Model):
    def __init__(self) -> None:
        super().__init__("bench")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(sys.argv[1], options)
        self.input = self.session.get_inputs()[0].name
        self.ready = True

    def predict(self, payload: InferRequest, headers: dict | None = None) -> InferResponse:  # noqa: ARG002
        rows = payload.inputs[0].as_numpy().astype(np.float32)
        found = self.session.run(None, {self.input: rows})[-1][:, -1]
        output = InferOutput("predictions", list(found.shape), "FP32")
        output.set_data_from_numpy(found, binary_data=True)
        return InferResponse(response_id=payload.id, model_name="bench", infer_outputs=[output])


if __name__ == "__main__":
    server = ModelServer(http_port=int(sys.argv[2]), grpc_port=int(sys.argv[3]), workers=1, access_log_format=None)
    server.start([Graph()])
