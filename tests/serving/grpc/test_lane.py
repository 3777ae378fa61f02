"""grpcio's lane: its port, its limits, health that is watched, and reflection that a client can build on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import grpc
import grpc.aio
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_requests import MESSAGES

from noria.core.errors import Conflict
from noria.serving.grpc.lane import GrpcLane, open_lane
from noria.serving.grpc.services import Services

WATCH = "/grpc.health.v1.Health/Watch"
REFLECT = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


def run(plane: object, test: Callable[[GrpcLane, grpc.aio.Channel], Awaitable[None]], **options: int) -> None:
    """A test's coroutine beside a lane on a free port."""

    async def main() -> None:
        lane = GrpcLane(Services(plane), host="127.0.0.1", port=0, **options)
        await lane.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{lane.port}") as channel:
                await asyncio.wait_for(test(lane, channel), 30)
        finally:
            await lane.stop()

    asyncio.run(main())


def test_a_port_that_is_taken_is_told_before_anything_starts(call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(Conflict, match="cannot be listened on"):
        open_lane(lambda: Services(call.plane), "127.0.0.1", other.getsockname()[1])


def test_watched_health_tells_that_the_server_leaves(call) -> None:
    async def test(lane: GrpcLane, channel: grpc.aio.Channel) -> None:
        read = MESSAGES["grpc.health.v1.HealthCheckResponse"].FromString
        watched = channel.unary_stream(WATCH, response_deserializer=read)(b"")
        assert (await watched.read()).status == 1
        stopping = asyncio.ensure_future(lane.stop())
        assert (await watched.read()).status == 2
        await stopping

    run(call.plane, test)


def test_reflection_gives_files_that_a_client_can_build_on(call) -> None:
    async def test(_lane: GrpcLane, channel: grpc.aio.Channel) -> None:
        asked = MESSAGES["grpc.reflection.v1alpha.ServerReflectionRequest"]
        read = MESSAGES["grpc.reflection.v1alpha.ServerReflectionResponse"].FromString
        stream = channel.stream_stream(REFLECT, asked.SerializeToString, read)()
        await stream.write(asked(list_services="*"))
        services = [one.name for one in (await stream.read()).list_services_response.service]
        assert {"inference.GRPCInferenceService", "tensorflow.serving.PredictionService"} <= set(services)
        pool = descriptor_pool.DescriptorPool()
        known: set[str] = set()
        for service in services:
            await stream.write(asked(file_containing_symbol=service))
            files = (await stream.read()).file_descriptor_response.file_descriptor_proto
            for data in reversed(files):
                name = descriptor_pb2.FileDescriptorProto.FromString(data).name
                if name not in known:
                    pool.AddSerializedFile(data)
                    known.add(name)
            assert pool.FindServiceByName(service).methods
        await stream.write(asked(file_containing_symbol="nobody.Here"))
        assert (await stream.read()).error_response.error_code == 5
        await stream.done_writing()

    run(call.plane, test)


def test_messages_beyond_the_limit_are_refused(call) -> None:
    async def test(_lane: GrpcLane, channel: grpc.aio.Channel) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(b"\x0a" * 2000)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED

    run(call.plane, test, most_bytes=1000)
