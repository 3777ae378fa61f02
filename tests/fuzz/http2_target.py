"""Our HTTP/2 with any bytes: whatever comes in and however it is cut, what comes out is frames."""

from __future__ import annotations

import asyncio
import weakref

import hpack
from fuzz_targets import Target, Wire

from noria.serving.data_plane import DataPlane
from noria.serving.grpc import frames
from noria.serving.grpc.frames import PREFACE, frame
from noria.serving.grpc.http2 import Http2Protocol
from noria.serving.grpc.own import Http2Limits, OwnLane
from noria.serving.grpc.services import Services

_LIMITS = Http2Limits(streams=4, stream_window=300, connection_window=70_000, idle_frames=20)
_SERVICE = "/inference.GRPCInferenceService"


class _Wire(Wire):
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """It holds everything."""


def http2(served: DataPlane) -> Target:
    """What follows the preface and SETTINGS; the first byte says where it is cut."""
    services = Services(served)
    loop = asyncio.new_event_loop()

    async def speak(lane: OwnLane, data: bytes) -> bytes:
        protocol, wire = Http2Protocol(lane), _Wire()
        protocol.connection_made(wire)
        cut = data[0] * len(data) // 256
        for piece in (PREFACE + frame(frames.SETTINGS, 0, 0), data[1 : 1 + cut], data[1 + cut :]):
            if piece and not wire.closed:
                protocol.data_received(piece)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        protocol.connection_lost(None)
        while lane.waiting:
            await asyncio.sleep(0)
        return bytes(wire.written)

    def one(data: bytes) -> None:
        if data:
            _check(loop.run_until_complete(speak(OwnLane(services, _LIMITS, 1000), data)))

    weakref.finalize(one, loop.close)
    return Target(one, _seeds())


def _check(written: bytes) -> None:
    at, kinds = 0, []
    while at < len(written):
        upper, lower, kind, _, stream = frames.HEAD.unpack_from(written, at)
        at += 9 + (upper << 16 | lower)
        kinds.append(kind)
        assert kind != frames.HEADERS or stream
    assert at == len(written)
    assert kinds[:2] == [frames.SETTINGS, frames.WINDOW_UPDATE]


def _seeds() -> list[bytes]:
    def headers(path: str, **more: str) -> bytes:
        fields = {":method": "POST", ":scheme": "http", ":path": path, "content-type": "application/grpc", **more}
        return hpack.Encoder().encode(list(fields.items()))

    def asking(stream: int, path: str, message: bytes = b"\0\0\0\0\0", **more: str) -> bytes:
        opening = frame(frames.HEADERS, frames.END_HEADERS, stream, headers(path, **more))
        return opening + frame(frames.DATA, frames.END_STREAM, stream, message)

    block = headers(f"{_SERVICE}/ServerReady")
    small = frame(frames.SETTINGS, 0, 0, frames.SETTING.pack(frames.INITIAL_WINDOW_SIZE, 3))
    pieces = [
        asking(1, f"{_SERVICE}/ServerLive"),
        asking(3, f"{_SERVICE}/ModelStreamInfer", b"\0\0\0\0\0" * 3),
        asking(5, f"{_SERVICE}/ServerLive", **{"grpc-timeout": "1n", "grpc-encoding": "gzip"}),
        frame(frames.HEADERS, 0, 7, block[:9]) + frame(frames.CONTINUATION, frames.END_HEADERS, 7, block[9:]),
        small + asking(1, f"{_SERVICE}/ServerLive"),
        frame(frames.WINDOW_UPDATE, 0, 1, b"\0\0\0\x09") + frame(frames.PING, 0, 0, b"12345678"),
        asking(1, f"{_SERVICE}/RepositoryModelLoad") + frame(frames.RST_STREAM, 0, 1, b"\0\0\0\x08"),
        frame(frames.GOAWAY, 0, 0, bytes(8)) + frame(frames.PRIORITY, 0, 1, b"12345"),
    ]
    return [b"\x60" + piece for piece in pieces] + [b"\x90" + b"".join(pieces)]
