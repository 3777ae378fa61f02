"""FastAPI and ONNX Runtime, as most people write it: `python fastapi_app.py MODEL.onnx PORT`."""

import sys

import numpy as np
import onnxruntime as ort
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(sys.argv[1], options)
name = session.get_inputs()[0].name
app = FastAPI()


class Asked(BaseModel):
    rows: list[list[float]]


@app.get("/health")
def health() -> dict[str, bool]:
    return {"ok": True}


@app.post("/predict")
async def predict(asked: Asked) -> dict[str, list[float]]:
    found = session.run(None, {name: np.asarray(asked.rows, dtype=np.float32)})[-1]
    return {"predictions": found[:, -1].tolist()}


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
