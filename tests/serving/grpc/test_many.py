"""Models on demand and graphs over gRPC: states, loading, unloading, answers."""

from __future__ import annotations

import asyncio
import struct

import many_airlines
import tiny_airline
from caller import Caller
from grpc_requests import MESSAGES, ROW, infer

from noria.serving.data_plane import DataPlane
from noria.serving.graphs.model import GraphSpec, StepSpec
from noria.serving.grpc.services import Services
from noria.serving.grpc.statuses import PERMISSION_DENIED, Refused
from noria.serving.model import LoadRules

_SERVICE = "inference.GRPCInferenceService"


def test_what_is_not_in_memory_says_so_and_comes_when_it_is_asked(ws) -> None:
    names = many_airlines.names(2)
    many_airlines.add_models(ws, names)
    models = many_airlines.served(names[:1]) | many_airlines.served(names[1:], LoadRules())
    both = GraphSpec("both", "ensemble", tuple(StepSpec(name, name) for name in names), "max")
    plane = DataPlane(ws, models, tiny_airline.FUNCTIONS, graphs=[both])
    plane.refresh()
    services = Services(plane)

    def ask(method: str, **fields: object) -> object:
        body = MESSAGES[f"inference.{method}Request"](**fields).SerializeToString()
        outcome = services.methods.begin(f"/{_SERVICE}/{method}", body)
        found = outcome if isinstance(outcome, bytes | Refused) else asyncio.run(_awaited(outcome))
        return found if isinstance(found, Refused) else MESSAGES[f"inference.{method}Response"].FromString(found)

    def states() -> dict[str, str]:
        return {one.name: one.state for one in ask("RepositoryIndex").models}

    def output(model: str) -> float:
        answer = ask("ModelInfer", **infer(ROW, model_name=model))
        return struct.unpack("<d", answer.raw_output_contents[0])[0]

    try:
        assert states() == {"both": "READY", "m000": "UNAVAILABLE", "m001": "READY"}
        assert [one.name for one in ask("RepositoryIndex", ready=True).models] == ["both", "m001"]
        assert ask("ModelReady", name="m000").ready and ask("ModelReady", name="both").ready
        assert ask("ModelMetadata", name="both").platform == "noria_graph"
        assert ask("RepositoryModelLoad", model_name="m000").isLoaded
        assert states()["m000"] == "READY"
        assert ask("RepositoryModelUnload", model_name="m000").isUnloaded
        assert states()["m000"] == "UNAVAILABLE"
        assert output("both") == max(output("m000"), output("m001"))
        assert states()["m000"] == "READY"
        alone = Caller(plane).json("POST", "/predict?model=m000", ROW)["predictions"][0]["output"]
        assert output("m000") == alone
        assert ask("RepositoryModelUnload", model_name="both").status == PERMISSION_DENIED
    finally:
        plane.close()


async def _awaited(outcome: object) -> object:
    return await outcome
