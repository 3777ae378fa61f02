"""LitServe: `python litserve_app.py MODEL.onnx PORT`. One worker; its faster transport (zmq) where it can."""

import sys

import litserve as ls
import numpy as np
import onnxruntime as ort


class Api(ls.LitAPI):
    def setup(self, _device: str) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(sys.argv[1], options)
        self.name = self.session.get_inputs()[0].name

    def decode_request(self, request: dict) -> np.ndarray:
        return np.asarray(request["rows"], dtype=np.float32)

    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.session.run(None, {self.name: rows})[-1][:, -1]

    def encode_response(self, answer: np.ndarray) -> dict:
        return {"predictions": answer.tolist()}


if __name__ == "__main__":
    server = ls.LitServer(Api(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[2]), num_api_servers=1, generate_client_file=False, log_level="warning"
    )
