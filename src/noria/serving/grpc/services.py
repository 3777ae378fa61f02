"""Every service that is spoken over gRPC, put together for a lane."""

from __future__ import annotations

from noria.serving.grpc import health, inference, reflection, tensorflow
from noria.serving.grpc.messages import Messages
from noria.serving.grpc.method import Answers, Methods, Plane


class Services:
    """The methods of all services, and the health that a lane tells when it leaves."""

    def __init__(self, plane: Plane) -> None:
        messages = Messages()
        answers = Answers(plane)
        names = (inference.SERVICE, tensorflow.PREDICTION, tensorflow.MODELS)
        self.health = health.Health(messages, plane, names)
        infer = inference.Inference(messages, answers)
        tensors = tensorflow.TensorFlowServing(messages, answers)
        described = reflection.Reflection(messages, (*names, health.SERVICE))
        unary = {**infer.methods, **tensors.methods, **self.health.methods}
        self.methods = Methods(plane.metrics, unary, {**infer.streams, **described.streams})
