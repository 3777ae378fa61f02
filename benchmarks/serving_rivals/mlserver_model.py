"""MLServer's runtime for one ONNX graph; served in its own process without workers (`parallel_workers: 0`)."""

import numpy as np
import onnxruntime as ort
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Graph(MLModel):
    async def load(self) -> bool:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(self.settings.parameters.uri, options)
        self.name_of_input = self.session.get_inputs()[0].name
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32)
        found = self.session.run(None, {self.name_of_input: rows})[-1][:, -1]
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("predictions", found)])
