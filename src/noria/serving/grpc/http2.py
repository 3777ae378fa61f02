"""HTTP/2 as far as gRPC needs it: one connection of clients' calls, answered in the data plane's own event loop.

A call whose answer is there at once costs no task, and the answers to one read leave in one write. RFC 9113; what a
hostile client may do is limited in `limits.py`: frames without progress, streams, headers, bytes that are held.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from noria.serving.grpc import frames
from noria.serving.grpc.answering import Answering
from noria.serving.grpc.calls import Call
from noria.serving.grpc.frames import HEAD, NUMBER, PREFACE, Fault, frame
from noria.serving.grpc.heads import MOST_HEADERS, HeadReader
from noria.serving.grpc.statuses import RESOURCE_EXHAUSTED, Refused

if TYPE_CHECKING:
    from noria.serving.grpc.own import OwnLane

_ROUND_TRIP = b"draining"
_MOST_CONTINUATIONS = 8


class Http2Protocol(asyncio.Protocol):
    """The server's side of one connection; its lane looks at it every second and closes what takes too long."""

    def __init__(self, lane: OwnLane) -> None:
        self._lane = lane
        self._limits = lane.limits
        self._transport: asyncio.Transport = None  # type: ignore[assignment]
        self._answering = Answering(lane)
        self._heads = HeadReader()
        self._rest = b""
        self._greeted = self._settled = self._closed = False
        """Whether the preface was read, the client's SETTINGS, and whether nothing is read any more."""
        self._last = 0
        """The highest stream that the client has opened."""
        self._window = self._limits.connection_window
        self._block: list[bytes] = []
        self._block_of = (0, 0)
        """Stream and flags of the headers that go on in CONTINUATION frames; the stream is 0 when none do."""
        self._idle_frames = 0
        """Frames since the last progress."""
        self._draining = self._gone = False
        self._since = 0.0
        self._handlers = {
            frames.DATA: self._data,
            frames.HEADERS: self._headers,
            frames.PRIORITY: self._priority,
            frames.RST_STREAM: self._reset,
            frames.SETTINGS: self._settings,
            frames.PUSH_PROMISE: self._push,
            frames.PING: self._ping,
            frames.GOAWAY: self._goaway,
            frames.WINDOW_UPDATE: self._window_update,
        }

    # what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(self._limits.unsent)
        self._since = self._lane.now()
        self._answering.begin(self._transport, self._progressed)
        if not self._lane.welcome(self):
            self._closed = True
            self._transport.abort()
            return
        limits = self._limits
        self._answering.add(
            frames.settings(
                max_concurrent_streams=limits.streams,
                initial_window_size=limits.stream_window,
                max_frame_size=limits.frame,
                max_header_list_size=MOST_HEADERS,
            )
        )
        self._answering.add(
            frame(frames.WINDOW_UPDATE, 0, 0, NUMBER.pack(limits.connection_window - frames.DEFAULT_WINDOW))
        )
        self._answering.flush()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._closed = True
        self._answering.end()
        self._lane.lost(self)

    def pause_writing(self) -> None:
        self._since = self._lane.now()
        self._answering.paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._answering.paused = False
        self._transport.resume_reading()
        self._answering.pump()
        self._answering.flush()
        self._end_if_done()

    def data_received(self, data: bytes) -> None:
        if self._closed:
            return
        try:
            self._read(self._rest + data if self._rest else data)
        except Fault as fault:
            self._fail(fault)
        self._answering.flush()
        self._end_if_done()

    def eof_received(self) -> bool:
        return False

    # frames

    def _read(self, data: bytes) -> None:
        at = 0
        if not self._greeted:
            if not PREFACE.startswith(data[: len(PREFACE)]):
                raise Fault(frames.PROTOCOL_ERROR, "this is no preface of HTTP/2")
            if len(data) < len(PREFACE):
                self._rest = data
                return
            self._greeted, at = True, len(PREFACE)
        end, most = len(data), self._limits.frame
        while end - at >= 9:
            upper, lower, kind, flags, stream = HEAD.unpack_from(data, at)
            size = upper << 16 | lower
            if size > most:
                raise Fault(frames.FRAME_SIZE_ERROR, "a frame is larger than SETTINGS allow")
            stop = at + 9 + size
            if stop > end:
                break
            self._frame(kind, flags, stream & frames.LARGEST_WINDOW, data[at + 9 : stop])
            at = stop
        self._rest = data[at:] if at < end else b""

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if self._block_of[0]:
            if kind != frames.CONTINUATION or stream != self._block_of[0]:
                raise Fault(frames.PROTOCOL_ERROR, "headers were not continued")
            self._continue(flags, payload)
            return
        if not self._settled and kind != frames.SETTINGS:
            raise Fault(frames.PROTOCOL_ERROR, "the first frame is not SETTINGS")
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(flags, stream, payload)
        elif kind == frames.CONTINUATION:
            raise Fault(frames.PROTOCOL_ERROR, "CONTINUATION without headers")
        else:
            self._calm()

    def _calm(self) -> None:
        """Count a frame that brings nobody forward."""
        self._idle_frames += 1
        if self._idle_frames > self._limits.idle_frames:
            raise Fault(frames.ENHANCE_YOUR_CALM, "too many frames without progress")

    def _progressed(self) -> None:
        self._idle_frames = 0

    def _headers(self, flags: int, stream: int, payload: bytes) -> None:
        block = frames.unpadded(flags, payload)
        if flags & frames.PRIORITIZED:
            if len(block) < 5:
                raise Fault(frames.FRAME_SIZE_ERROR, "HEADERS are too short for their priority")
            block = block[5:]
        if not stream & 1:
            raise Fault(frames.PROTOCOL_ERROR, "a client's streams are odd")
        if flags & frames.END_HEADERS:
            self._asked(stream, flags, block)
        else:
            self._block, self._block_of = [block], (stream, flags)

    def _continue(self, flags: int, payload: bytes) -> None:
        self._block.append(payload)
        if len(self._block) > _MOST_CONTINUATIONS or sum(map(len, self._block)) > MOST_HEADERS:
            raise Fault(frames.ENHANCE_YOUR_CALM, "the headers are too long")
        if flags & frames.END_HEADERS:
            (stream, first), block = self._block_of, b"".join(self._block)
            self._block, self._block_of = [], (0, 0)
            self._asked(stream, first, block)

    def _asked(self, stream: int, flags: int, block: bytes) -> None:
        if len(block) > MOST_HEADERS:
            raise Fault(frames.ENHANCE_YOUR_CALM, "the headers are too long")
        head = self._heads.read(block)
        ends = bool(flags & frames.END_STREAM)
        if stream <= self._last:
            self._trailers(stream, ends)
            return
        self._last = stream
        calls = self._answering.calls
        if self._gone or len(calls) >= self._limits.streams:
            self._calm()
            self._answering.reset(stream, frames.REFUSED_STREAM)
            return
        call = Call(stream, head, self._answering.first_window, self._lane.now())
        calls[stream] = call
        self._idle_frames += 1
        self._since = call.arrived
        self._answering.opened(call)
        if ends and stream in calls:
            call.ended = True
            self._answering.complete(call)

    def _trailers(self, stream: int, ends: bool) -> None:
        call = self._answering.calls.get(stream)
        if call is None:
            self._calm()  # it was answered early, and this was under way
        elif call.ended or not ends:
            raise Fault(frames.PROTOCOL_ERROR, "headers come twice")
        else:
            call.ended = True
            self._answering.complete(call)

    def _data(self, flags: int, stream: int, payload: bytes) -> None:
        size = len(payload)
        self._window -= size
        if self._window < 0:
            raise Fault(frames.FLOW_CONTROL_ERROR, "more DATA than the connection's window")
        body = frames.unpadded(flags, payload)
        call = self._answering.calls.get(stream)
        if stream == 0 or stream > self._last:
            raise Fault(frames.PROTOCOL_ERROR, "DATA on a stream that was never opened")
        self._give_back_connection()
        if call is None:
            self._calm()
            return
        if call.ended:
            raise Fault(frames.STREAM_CLOSED, "DATA after the end of a stream")
        call.taken += size
        if call.taken > self._limits.stream_window:
            raise Fault(frames.FLOW_CONTROL_ERROR, "more DATA than the stream's window")
        if body:
            self._idle_frames = max(0, self._idle_frames - len(body) // 64)
            self._hold(call, body)
        else:
            self._calm()
        if stream not in self._answering.calls:
            return
        if flags & frames.END_STREAM:
            call.ended = True
            self._answering.complete(call)
        elif call.inbox is not None:
            self._answering.arrived(call)

    def _hold(self, call: Call, body: bytes) -> None:
        answering = self._answering
        call.parts.append(body)
        call.size += len(body)
        answering.held += len(body)
        most = self._lane.most_bytes
        if (call.inbox is None and call.size > most + 5) or answering.held > 2 * most:
            told = f"a message is more than {most:,} bytes, or all that are under way more than twice that"
            answering.refuse(call, Refused(RESOURCE_EXHAUSTED, told))
        else:
            answering.give_back(call)

    def _give_back_connection(self) -> None:
        full = self._limits.connection_window
        if self._window < full // 2:
            self._answering.add(frame(frames.WINDOW_UPDATE, 0, 0, NUMBER.pack(full - self._window)))
            self._window = full

    def _reset(self, _flags: int, stream: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise Fault(frames.FRAME_SIZE_ERROR, "RST_STREAM is not four bytes")
        if stream == 0 or stream > self._last:
            raise Fault(frames.PROTOCOL_ERROR, "RST_STREAM of a stream that was never opened")
        self._calm()
        self._answering.forget(stream)

    def _settings(self, flags: int, stream: int, payload: bytes) -> None:
        if stream:
            raise Fault(frames.PROTOCOL_ERROR, "SETTINGS belong to the connection")
        if flags & frames.ACK:
            if payload:
                raise Fault(frames.FRAME_SIZE_ERROR, "an acknowledgement has no payload")
            return
        self._settled = True
        self._calm()
        for name, value in frames.read_settings(payload):
            if name == frames.INITIAL_WINDOW_SIZE:
                self._answering.set_first_window(value)
            elif name == frames.MAX_FRAME_SIZE:
                self._answering.frame = min(value, self._limits.frame)
        self._answering.add(frame(frames.SETTINGS, frames.ACK, 0))
        self._answering.pump()

    def _ping(self, flags: int, stream: int, payload: bytes) -> None:
        if stream or len(payload) != 8:
            raise Fault(frames.PROTOCOL_ERROR if stream else frames.FRAME_SIZE_ERROR, "this is no PING")
        if not flags & frames.ACK:
            self._calm()
            self._answering.add(frame(frames.PING, frames.ACK, 0, payload))
        elif self._draining and payload == _ROUND_TRIP:
            self._leave()

    def _goaway(self, _flags: int, stream: int, payload: bytes) -> None:
        if stream or len(payload) < 8:
            raise Fault(frames.PROTOCOL_ERROR, "this is no GOAWAY")
        self._draining = self._gone = True

    def _window_update(self, _flags: int, stream: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise Fault(frames.FRAME_SIZE_ERROR, "WINDOW_UPDATE is not four bytes")
        more = NUMBER.unpack(payload)[0] & frames.LARGEST_WINDOW
        if stream > self._last or (more == 0 and stream == 0):
            raise Fault(frames.PROTOCOL_ERROR, "this is no WINDOW_UPDATE")
        self._calm()
        self._answering.widen(stream, more)

    def _priority(self, _flags: int, stream: int, payload: bytes) -> None:
        if len(payload) != 5 or not stream:
            raise Fault(frames.FRAME_SIZE_ERROR if stream else frames.PROTOCOL_ERROR, "this is no PRIORITY")
        self._calm()

    def _push(self, _flags: int, _stream: int, _payload: bytes) -> None:
        raise Fault(frames.PROTOCOL_ERROR, "clients do not push")

    # the end

    def _fail(self, fault: Fault) -> None:
        self._closed = True
        told = frames.TWO_NUMBERS.pack(self._last, fault.code) + fault.why.encode()
        self._answering.add(frame(frames.GOAWAY, 0, 0, told))
        self._answering.flush()
        self._answering.end()
        self._transport.close()

    def drain(self) -> None:
        """Ask the client to open no more streams; close when those that are open have been answered."""
        if self._draining or self._closed:
            return
        self._draining = True
        told = frames.TWO_NUMBERS.pack(frames.LARGEST_WINDOW, frames.NO_ERROR)
        self._answering.add(frame(frames.GOAWAY, 0, 0, told) + frame(frames.PING, 0, 0, _ROUND_TRIP))
        self._answering.flush()

    def _leave(self) -> None:
        """What the client has opened until it heard is known now: nothing else will be taken."""
        self._gone = True
        self._answering.add(frame(frames.GOAWAY, 0, 0, frames.TWO_NUMBERS.pack(self._last, frames.NO_ERROR)))

    def _end_if_done(self) -> None:
        if self._gone and not self._answering.calls and not self._closed:
            self._closed = True
            self._transport.close()

    def answered(self) -> None:
        """An answer that was waited for is out."""
        self._end_if_done()

    def look(self, now: float) -> None:
        """Close what has taken too long."""
        limits, calls = self._limits, self._answering.calls
        if self._answering.paused or self._closed:
            if now - self._since > limits.stalled_seconds:
                self._transport.abort()
        elif not calls:
            if now - self._since > (limits.idle_seconds if self._settled else limits.request_seconds):
                self.abort()
        else:
            for call in list(calls.values()):
                slow = limits.request_seconds + call.size / limits.slowest
                if not call.ended and call.inbox is None and now - call.arrived > slow:
                    self._answering.reset(call.id, frames.CANCEL)
                    self._answering.forget(call.id)
            self._since = now
            self._answering.flush()

    def abort(self) -> None:
        """Close without another word."""
        self._closed = True
        self._transport.abort()
