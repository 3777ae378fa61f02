"""Our own HTTP/2: grpcio's client asks it, raw frames provoke it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import grpc
import grpc.aio
import hpack
import pytest
from grpc_requests import INFER, MESSAGES, ROW, infer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noria.serving.grpc import frames
from noria.serving.grpc.frames import PREFACE, frame
from noria.serving.grpc.method import Method, Methods
from noria.serving.grpc.own import Http2Limits, OwnLane
from noria.serving.grpc.services import Services

LIVE = "/inference.GRPCInferenceService/ServerLive"
STREAM = "/inference.GRPCInferenceService/ModelStreamInfer"
SLOW = "/test.Slow/Wait"
HELLO = PREFACE + frame(frames.SETTINGS, 0, 0)
EMPTY = b"\0\0\0\0\0"
CODES = {getattr(frames, name): name for name in dir(frames) if name.endswith(("_ERROR", "CLOSED", "CALM", "CANCEL"))}


class Fixture:
    """A lane listening on a free port, in the loop of the test."""

    def __init__(self, lane: OwnLane, port: int) -> None:
        self.lane, self.port = lane, port
        self.release = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def slow(self, _request: object) -> object:
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return MESSAGES["inference.ServerLiveResponse"](live=True)

    def channel(self, *options: tuple[str, int]) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(
            f"127.0.0.1:{self.port}", options=[("grpc.use_local_subchannel_pool", 1), *options]
        )

    async def raw(self, *sent: bytes) -> Raw:
        raw = Raw(*await asyncio.open_connection("127.0.0.1", self.port))
        raw.write(b"".join(sent))
        return raw


class Raw:
    """The client's side of a connection, frame by frame."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.write = writer.write

    async def next(self) -> tuple[int, int, int, bytes]:
        upper, lower, kind, flags, stream = frames.HEAD.unpack(await self.reader.readexactly(9))
        return kind, flags, stream, await self.reader.readexactly(upper << 16 | lower)

    async def until(self, wanted: int, stream: int | None = None) -> tuple[int, int, int, bytes]:
        while True:
            found = await self.next()
            if found[0] == wanted and stream in (None, found[2]):
                return found

    async def went_away(self) -> str:
        _, _, _, payload = await self.until(frames.GOAWAY)
        return CODES[frames.TWO_NUMBERS.unpack_from(payload)[1]]


@pytest.fixture
def run(call) -> Callable[..., None]:
    """Runs a test's coroutine with a lane."""

    @asynccontextmanager
    async def serving(**limits: object) -> AsyncIterator[Fixture]:
        services = Services(call.plane)
        most = limits.pop("most_bytes", 1 << 26)
        lane = OwnLane(services, Http2Limits(**limits), most)
        server = await asyncio.get_running_loop().create_server(lane.protocol, "127.0.0.1", 0)
        fixture = Fixture(lane, server.sockets[0].getsockname()[1])
        read = MESSAGES["inference.ServerLiveRequest"].FromString
        lane.methods = Methods(
            call.plane.metrics, {**services.methods.unary, SLOW: Method(read, fixture.slow)}, services.methods.streams
        )
        lane.begin()
        try:
            yield fixture
        finally:
            server.close()
            await lane.stop()

    def running(test: Callable[[Fixture], Awaitable[None]], **limits: object) -> None:
        async def main() -> None:
            async with serving(**limits) as fixture:
                await asyncio.wait_for(test(fixture), 30)

        asyncio.run(main())

    return running


def headers(path: str = LIVE, **more: str) -> bytes:
    """A block that leaves HPACK's table as it is."""
    fields = {":method": "POST", ":scheme": "http", ":path": path, "content-type": "application/grpc", "te": "trailers"}
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return hpack.Encoder().encode(
        [hpack.NeverIndexedHeaderTuple(*one) for one in {**fields, **named}.items()], huffman=False
    )


def asking(stream: int, path: str = LIVE, message: bytes = EMPTY, **more: str) -> bytes:
    opening = frame(frames.HEADERS, frames.END_HEADERS, stream, headers(path, **more))
    return opening + frame(frames.DATA, frames.END_STREAM, stream, message)


def status(block: bytes) -> str:
    return dict(hpack.Decoder().decode(block))["grpc-status"]


def test_watched_health_tells_that_the_server_leaves(run) -> None:
    async def test(fixture: Fixture) -> None:
        read = MESSAGES["grpc.health.v1.HealthCheckResponse"].FromString
        async with fixture.channel() as channel:
            watch = channel.unary_stream("/grpc.health.v1.Health/Watch", response_deserializer=read)
            everything, unknown, left = watch(b""), watch(b"\x0a\x01x"), watch(b"")
            assert (await everything.read()).status == 1
            assert (await unknown.read()).status == 3
            assert (await left.read()).status == 1
            left.cancel()
            stopping = asyncio.ensure_future(fixture.lane.stop())
            assert (await everything.read()).status == 2
            assert await everything.read() == grpc.aio.EOF
            await stopping

    run(test)


def test_a_thousand_calls_on_one_connection(run) -> None:
    async def test(fixture: Fixture) -> None:
        async with fixture.channel() as channel:
            ask = channel.unary_unary(LIVE)
            answers = await asyncio.gather(*(ask(b"") for _ in range(1000)))
            assert set(answers) == {b"\x08\x01"}

    run(test)


def test_large_messages_both_ways_and_one_that_is_too_large(run) -> None:
    def with_text(size: int) -> bytes:
        return MESSAGES["inference.ModelInferRequest"](**infer({**ROW, "dest": "B" * size})).SerializeToString()

    names = ["prediction_id", *ROW]
    columns = [
        (name, [f"{name}{row:0240}" if name == "prediction_id" else ROW[name] for row in range(1000)]) for name in names
    ]
    many = MESSAGES["inference.ModelInferRequest"](
        model_name="lateness",
        inputs=[
            {"name": name, "datatype": "FP64" if isinstance(data[0], float) else "BYTES", "shape": [1000]}
            for name, data in columns
        ],
        raw_input_contents=[
            struct.pack("<1000d", *data)
            if isinstance(data[0], float)
            else b"".join(struct.pack("<I", len(one)) + one.encode() for one in data)
            for _, data in columns
        ],
    )

    async def test(fixture: Fixture) -> None:
        async with fixture.channel(("grpc.max_send_message_length", -1)) as channel:
            ask = channel.unary_unary(INFER, request_serializer=None)
            one, answer, refused = await asyncio.gather(
                ask(with_text(64_000_000)),
                ask(many.SerializeToString()),
                ask(with_text(68_000_000)),
                return_exceptions=True,
            )
        assert len(MESSAGES["inference.ModelInferResponse"].FromString(one).raw_output_contents) == 2
        assert len(MESSAGES["inference.ModelInferResponse"].FromString(answer).raw_output_contents[1]) > 200_000
        assert refused.code() == grpc.StatusCode.RESOURCE_EXHAUSTED

    run(test)


def test_no_more_is_sent_than_the_client_has_room_for(run) -> None:
    async def test(fixture: Fixture) -> None:
        small = frame(frames.SETTINGS, 0, 0, frames.SETTING.pack(frames.INITIAL_WINDOW_SIZE, 3))
        raw = await fixture.raw(PREFACE, small, asking(1))
        assert (await raw.until(frames.DATA))[3] == b"\0\0\0"
        raw.write(frame(frames.PING, 0, 0, b"12345678"))
        assert (await raw.next())[0] == frames.PING  # and no DATA before it
        raw.write(frame(frames.WINDOW_UPDATE, 0, 1, frames.NUMBER.pack(100)))
        assert (await raw.until(frames.DATA))[3] == b"\0\x02\x08\x01"
        assert status((await raw.until(frames.HEADERS))[3]) == "0"

    run(test)


def test_packed_messages_are_taken_and_bombs_are_not(run) -> None:
    async def test(fixture: Fixture) -> None:
        sound = MESSAGES["inference.ModelInferRequest"](**infer(ROW)).SerializeToString()
        bomb = MESSAGES["inference.ModelInferRequest"](**infer({**ROW, "dest": "B" * 2_000_000})).SerializeToString()
        async with fixture.channel() as channel:
            ask = channel.unary_unary(INFER)
            assert await ask(sound, compression=grpc.Compression.Gzip)
            assert await ask(sound, compression=grpc.Compression.Deflate)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ask(bomb, compression=grpc.Compression.Gzip)
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED

    run(test, most_bytes=1_000_000)


def test_a_deadline_ends_a_call_and_a_reset_its_work(run) -> None:
    async def test(fixture: Fixture) -> None:
        raw = await fixture.raw(HELLO, asking(1, SLOW, grpc_timeout="20m"), asking(3, SLOW))
        assert status((await raw.until(frames.HEADERS, 1))[3]) == "4"
        await asyncio.wait_for(fixture.cancelled.wait(), 10)
        fixture.cancelled.clear()
        raw.write(frame(frames.RST_STREAM, 0, 3, frames.NUMBER.pack(frames.CANCEL)))
        await asyncio.wait_for(fixture.cancelled.wait(), 10)
        raw.write(asking(5))
        assert (await raw.until(frames.DATA))[2] == 5

    run(test)


def test_what_was_begun_is_answered_before_the_connection_ends(run) -> None:
    async def test(fixture: Fixture) -> None:
        async with fixture.channel() as channel:
            asked = asyncio.ensure_future(channel.unary_unary(SLOW)(b""))
            while fixture.lane.waiting == 0:
                await asyncio.sleep(0.01)
            stopping = asyncio.ensure_future(fixture.lane.stop())
            await asyncio.sleep(0)
            fixture.release.set()
            assert await asked == b"\x08\x01"
            await asyncio.wait_for(stopping, 5)

    run(test)


def test_more_waiting_calls_than_there_is_place_for_are_told_to_come_again(run) -> None:
    async def test(fixture: Fixture) -> None:
        raw = await fixture.raw(HELLO, *(asking(stream, SLOW) for stream in (1, 3, 5)))
        assert status((await raw.until(frames.HEADERS, 5))[3]) == "14"
        fixture.release.set()
        assert (await raw.until(frames.DATA, 3))[3]

    run(test, waiting=2)


def test_what_is_no_grpc_call_gets_an_http_status(run) -> None:
    async def test(fixture: Fixture) -> None:
        raw = await fixture.raw(HELLO, asking(1, content_type="application/json"))
        assert dict(hpack.Decoder().decode((await raw.until(frames.HEADERS))[3])) == {":status": "415"}
        raw.write(asking(3, "/nobody/Here"))
        assert status((await raw.until(frames.HEADERS, 3))[3]) == "12"
        raw.write(asking(5, message=b"\0\0\0\0\x09x"))
        assert status((await raw.until(frames.HEADERS, 5))[3]) == "3"

    run(test)


OPEN = frame(frames.HEADERS, frames.END_HEADERS, 1, headers(SLOW))
BOMB = hpack.Encoder().encode([("x", "y" * 3000)], huffman=False)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", "PROTOCOL_ERROR"),
        (PREFACE + frame(frames.PING, 0, 0, b"12345678"), "PROTOCOL_ERROR"),
        (HELLO + frames.HEAD.pack(1, 0, frames.DATA, 0, 1), "FRAME_SIZE_ERROR"),
        (HELLO + frame(frames.HEADERS, 4, 2, headers()), "PROTOCOL_ERROR"),
        (HELLO + frame(frames.HEADERS, 4, 0, headers()), "PROTOCOL_ERROR"),
        (HELLO + frame(frames.HEADERS, 4, 1, b"\xff\xff\xff\xff\xff"), "COMPRESSION_ERROR"),
        (HELLO + frame(frames.HEADERS, 4, 1, BOMB + b"\xbe" * 1000), "COMPRESSION_ERROR"),
        (HELLO + frame(frames.HEADERS, 0, 1, b"") + frame(frames.CONTINUATION, 0, 1) * 100, "ENHANCE_YOUR_CALM"),
        (HELLO + frame(frames.HEADERS, 0, 1, b"\x00" * 16000) + frame(frames.CONTINUATION, 0, 1, b"\0" * 16000),
         "ENHANCE_YOUR_CALM"),
        (HELLO + frame(frames.HEADERS, 0, 1, b"") + frame(frames.PING, 0, 0, b"12345678"), "PROTOCOL_ERROR"),
        (HELLO + frame(frames.CONTINUATION, 4, 1), "PROTOCOL_ERROR"),
        (HELLO + OPEN + OPEN, "PROTOCOL_ERROR"),
        (HELLO + frame(frames.DATA, 0, 1, b"x"), "PROTOCOL_ERROR"),
        (HELLO + OPEN + frame(frames.DATA, 8, 1, b"\xffx"), "PROTOCOL_ERROR"),
        (HELLO + asking(1, SLOW) + frame(frames.DATA, 0, 1, b"x"), "STREAM_CLOSED"),
        (HELLO + OPEN + frame(frames.DATA, 0, 1, b"\0" * 16384), "FLOW_CONTROL_ERROR"),
        (HELLO + frame(frames.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"), "FLOW_CONTROL_ERROR"),
        (HELLO + frame(frames.WINDOW_UPDATE, 0, 0, b"\0\0\0\0"), "PROTOCOL_ERROR"),
        (HELLO + frame(frames.SETTINGS, 0, 0, frames.SETTING.pack(4, 1 << 31)), "FLOW_CONTROL_ERROR"),
        (HELLO + frame(frames.SETTINGS, 0, 0, b"12345"), "FRAME_SIZE_ERROR"),
        (HELLO + frame(frames.PUSH_PROMISE, 0, 1, b"1234"), "PROTOCOL_ERROR"),
        (HELLO + frame(frames.PING, 0, 0, b"12345678") * 2000, "ENHANCE_YOUR_CALM"),
        (HELLO + frame(frames.SETTINGS, 0, 0) * 2000, "ENHANCE_YOUR_CALM"),
        (HELLO + frame(frames.PRIORITY, 0, 1, b"12345") * 2000, "ENHANCE_YOUR_CALM"),
        (HELLO + OPEN + frame(frames.DATA, 0, 1) * 2000, "ENHANCE_YOUR_CALM"),
        (HELLO + b"".join(frame(frames.HEADERS, 4, n, headers(SLOW)) + frame(frames.RST_STREAM, 0, n, b"\0\0\0\x08")
                          for n in range(1, 4000, 2)), "ENHANCE_YOUR_CALM"),
    ],
)  # fmt: skip
def test_hostile_frames_end_the_connection_and_nothing_else(run, sent: bytes, code: str) -> None:
    async def test(fixture: Fixture) -> None:
        raw = await fixture.raw(sent)
        assert await raw.went_away() == code
        other = await fixture.raw(HELLO, asking(1))
        assert (await other.until(frames.DATA))[3] == b"\0\0\0\0\x02\x08\x01"

    run(test, stream_window=10_000, connection_window=1 << 20)


def test_streams_beyond_the_limit_are_refused(run) -> None:
    async def test(fixture: Fixture) -> None:
        raw = await fixture.raw(HELLO, *(asking(stream, SLOW) for stream in (1, 3, 5)))
        assert (await raw.until(frames.RST_STREAM))[2:] == (5, frames.NUMBER.pack(frames.REFUSED_STREAM))

    run(test, streams=2)


pieces = st.one_of(
    st.builds(asking, st.sampled_from([1, 3, 5, 7]), st.sampled_from([LIVE, INFER, SLOW]), st.binary(max_size=30)),
    st.builds(
        frame, st.integers(0, 10), st.sampled_from([0, 1, 4, 5, 8, 32, 255]), st.sampled_from([0, 1, 2, 3, 5, 9]),
        st.one_of(st.binary(max_size=20), st.just(headers(SLOW)), st.just(headers(STREAM)),
                  st.just(frames.NUMBER.pack(70_000)), st.just(frames.SETTING.pack(4, 5))),
    ),
    st.binary(max_size=30),
)  # fmt: skip


def test_any_frames_leave_it_answering(run) -> None:
    @settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(pieces, max_size=12), st.integers(1, 60))
    def fuzz(sent: list[bytes], step: int) -> None:
        async def test(fixture: Fixture) -> None:
            faults: list[dict] = []
            asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
            data = b"".join(sent)
            raw = await fixture.raw(HELLO)
            for at in range(0, len(data), step):
                raw.write(data[at : at + step])
                await asyncio.sleep(0)
            raw.writer.close()
            other = await fixture.raw(HELLO, asking(1))
            assert (await other.until(frames.DATA))[3] == b"\0\0\0\0\x02\x08\x01"
            other.writer.close()
            while fixture.lane._connections:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert fixture.lane.waiting == 0
            assert not faults

        run(test)

    fuzz()
