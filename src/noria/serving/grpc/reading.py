"""What comes in on one connection of HTTP/2: frames, one after the other, and what each of them asks for.

RFC 9113. Frames that bring nobody forward are counted, headers and streams are limited, and both windows are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from noria.serving.grpc import frames
from noria.serving.grpc.answering import Answering
from noria.serving.grpc.calls import Call
from noria.serving.grpc.frames import HEAD, NUMBER, PREFACE, Fault, frame
from noria.serving.grpc.heads import MOST_HEADERS, HeadReader
from noria.serving.grpc.statuses import RESOURCE_EXHAUSTED, Refused

if TYPE_CHECKING:
    from noria.serving.grpc.own import OwnLane

ROUND_TRIP = b"draining"
"""The PING whose acknowledgement tells that the client has heard of our leaving."""
_MOST_CONTINUATIONS = 8


class FrameReader:
    """The state of the incoming side."""

    def __init__(self, lane: OwnLane, answering: Answering) -> None:
        self._lane = lane
        self._limits = lane.limits
        self._answering = answering
        self._heads = HeadReader()
        self._rest = b""
        self._greeted = self.settled = False
        """Whether the preface was read, and the client's SETTINGS."""
        self.last = 0
        """The highest stream that the client has opened."""
        self._window = self._limits.connection_window
        self._block: list[bytes] = []
        self._block_of = (0, 0)
        """Stream and flags of the headers that go on in CONTINUATION frames; the stream is 0 when none do."""
        self._idle_frames = 0
        """Frames since the last progress."""
        self.draining = self.gone = False
        """Whether one side has told that it leaves, and whether no further stream is taken."""
        self.since = lane.now()
        """When the last call came, or the stalling began."""
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

    def feed(self, data: bytes) -> None:
        """Handle every whole frame; the rest is kept. Raises Fault for what ends the connection."""
        if self._rest:
            data = self._rest + data
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
        if not self.settled and kind != frames.SETTINGS:
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

    def progressed(self) -> None:
        """Somebody was brought forward: frames may be counted anew."""
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
        if stream <= self.last:
            self._trailers(stream, ends)
            return
        self.last = stream
        calls = self._answering.calls
        if self.gone or len(calls) >= self._limits.streams:
            self._calm()
            self._answering.add(frames.reset(stream, frames.REFUSED_STREAM))
            return
        call = Call(stream, head, self._answering.first_window, self._lane.now(), head.id or self._lane.next_id())
        calls[stream] = call
        self._idle_frames += 1
        self.since = call.arrived
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
        if stream == 0 or stream > self.last:
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
        if stream == 0 or stream > self.last:
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
        self.settled = True
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
        elif self.draining and payload == ROUND_TRIP:
            self._leave()

    def _goaway(self, _flags: int, stream: int, payload: bytes) -> None:
        if stream or len(payload) < 8:
            raise Fault(frames.PROTOCOL_ERROR, "this is no GOAWAY")
        self.draining = self.gone = True

    def _window_update(self, _flags: int, stream: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise Fault(frames.FRAME_SIZE_ERROR, "WINDOW_UPDATE is not four bytes")
        more = NUMBER.unpack(payload)[0] & frames.LARGEST_WINDOW
        if stream > self.last or (more == 0 and stream == 0):
            raise Fault(frames.PROTOCOL_ERROR, "this is no WINDOW_UPDATE")
        self._calm()
        self._answering.widen(stream, more)

    def _priority(self, _flags: int, stream: int, payload: bytes) -> None:
        if len(payload) != 5 or not stream:
            raise Fault(frames.FRAME_SIZE_ERROR if stream else frames.PROTOCOL_ERROR, "this is no PRIORITY")
        self._calm()

    def _push(self, _flags: int, _stream: int, _payload: bytes) -> None:
        raise Fault(frames.PROTOCOL_ERROR, "clients do not push")

    def _leave(self) -> None:
        """What the client has opened until it heard is known now: nothing else will be taken."""
        self.gone = True
        self._answering.add(frame(frames.GOAWAY, 0, 0, frames.TWO_NUMBERS.pack(self.last, frames.NO_ERROR)))
