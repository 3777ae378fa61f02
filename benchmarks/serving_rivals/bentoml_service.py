"""BentoML's service: `bentoml serve bentoml_service:Service` with BENCH_MODEL in the environment."""

import os

import bentoml
import numpy as np
import onnxruntime as ort


@bentoml.service(workers=1, traffic={"timeout": 30})
class Service:
    def __init__(self) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(os.environ["BENCH_MODEL"], options)
        self.name = self.session.get_inputs()[0].name

    @bentoml.api
    def predict(self, rows: list[list[float]]) -> list[float]:
        return self.session.run(None, {self.name: np.asarray(rows, dtype=np.float32)})[-1][:, -1].tolist()
