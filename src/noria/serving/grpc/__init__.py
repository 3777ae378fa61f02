"""The data plane over gRPC: the Open Inference Protocol, TensorFlow Serving's services, health and reflection."""
