"""Every contract that is answered. Where two have the same path, the first one's route is taken."""

from __future__ import annotations

from noria.serving.contracts import (
    azure_ml,
    invocations,
    kserve_v1,
    open_inference,
    repository,
    sagemaker,
    seldon,
    torchserve,
    vertex,
)
from noria.serving.contracts.model import Contract

CONTRACTS: tuple[Contract, ...] = (
    open_inference.CONTRACT,
    repository.CONTRACT,
    kserve_v1.CONTRACT,
    invocations.CONTRACT,
    sagemaker.RUNTIME,
    torchserve.CONTRACT,
    sagemaker.MULTI_MODEL,
    vertex.CONTRACT,
    azure_ml.CONTRACT,
    seldon.CONTRACT,
)
