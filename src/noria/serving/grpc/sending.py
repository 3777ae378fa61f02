"""What goes out on a connection: answers in one piece, or in as many as the client's windows allow."""

from __future__ import annotations

from collections.abc import Callable

from noria.serving.grpc import frames, heads
from noria.serving.grpc.calls import Call
from noria.serving.grpc.frames import HEAD, NUMBER, Fault, frame
from noria.serving.grpc.statuses import Refused

_OPENED, _CLOSED = frames.END_HEADERS, frames.END_HEADERS | frames.END_STREAM


class Sending:
    """The calls of a connection, and what may be written to it."""

    def __init__(self, write: Callable[[bytes], None], progressed: Callable[[], None]) -> None:
        self.calls: dict[int, Call] = {}
        self.held = 0
        """Bytes of requests in memory."""
        self.paused = False
        self.frame = frames.DEFAULT_FRAME
        """Largest frame that the client takes."""
        self.first_window = frames.DEFAULT_WINDOW
        self._window = frames.DEFAULT_WINDOW
        self._waiting: dict[int, Call] = {}
        """Calls with an answer that the client's windows hold up."""
        self._out: list[bytes] = []
        self._write = write
        self._progressed = progressed

    def end(self) -> None:
        """The connection is no more."""
        for call in self.calls.values():
            call.cancel()
        self.calls.clear()
        self._waiting.clear()
        self._write = lambda _: None

    def add(self, data: bytes) -> None:
        """Bytes to write with the next flush."""
        self._out.append(data)

    def flush(self) -> None:
        """Write what there is."""
        if self._out:
            self._write(b"".join(self._out) if len(self._out) > 1 else self._out[0])
            self._out = []

    def _answer(self, call: Call, message: bytes) -> None:
        """The answer of a unary call, in one piece when the windows have room for it."""
        size, stream = len(message) + 5, call.id
        if size > call.window or size > self._window or size > self.frame or self.paused or self._waiting:
            call.closing = heads.CLOSING
            self._send(call, b"\0" + NUMBER.pack(len(message)) + message)
            return
        self._window -= size
        opening = heads.opening(call.name)
        self._out += (
            HEAD.pack(0, len(opening), frames.HEADERS, _OPENED, stream), opening,
            HEAD.pack(size >> 16, size & 0xFFFF, frames.DATA, 0, stream), b"\0", NUMBER.pack(len(message)), message,
            HEAD.pack(0, len(heads.CLOSING), frames.HEADERS, _CLOSED, stream), heads.CLOSING,
        )  # fmt: skip
        del self.calls[stream]
        self._progressed()

    def _send(self, call: Call, data: bytes) -> None:
        if not call.opened:
            call.opened = True
            self._out.append(frame(frames.HEADERS, _OPENED, call.id, heads.opening(call.name)))
        call.out += data
        self._waiting[call.id] = call
        self.pump()

    def refuse(self, call: Call, outcome: Refused) -> None:
        """End a call by its status."""
        if call.opened:
            self._finish(call, heads.closing(outcome.status, outcome.message))
        else:
            self._finish(call, heads.refusing(call.name, outcome.status, outcome.message))

    def _finish(self, call: Call, block: bytes) -> None:
        """The last headers of a call; what its client still sends is not wanted."""
        self._out.append(frame(frames.HEADERS, _CLOSED, call.id, block))
        if not call.ended:
            self.add(frames.reset(call.id, frames.NO_ERROR))
        self._remove(call)
        self._progressed()

    def pump(self) -> None:
        """Send what waits, as far as the windows of the client have room."""
        for call in list(self._waiting.values()):
            if self.paused:
                return
            self._pump(call)

    def _pump(self, call: Call) -> None:
        room = min(call.window, self._window, len(call.out))
        at = 0
        while at < room:
            piece = call.out[at : min(at + self.frame, room)]
            self._out.append(frame(frames.DATA, 0, call.id, piece))
            at += len(piece)
        if at:
            call.window -= at
            self._window -= at
            call.out = call.out[at:]
            self._progressed()
            if call.inbox is not None:
                call.sent.set()
        if not call.out:
            self._waiting.pop(call.id, None)
            if call.closing is not None:
                self._finish(call, call.closing)

    def widen(self, stream: int, more: int) -> None:
        """The client has room for more bytes of a stream, or of the connection. Raises Fault when that is too much."""
        if stream == 0:
            self._window += more
            if self._window > frames.LARGEST_WINDOW:
                raise Fault(frames.FLOW_CONTROL_ERROR, "the connection's window is too large")
        else:
            call = self.calls.get(stream)
            if call is None:
                return
            call.window += more
            if more == 0 or call.window > frames.LARGEST_WINDOW:
                self.add(frames.reset(stream, frames.FLOW_CONTROL_ERROR if more else frames.PROTOCOL_ERROR))
                self.forget(stream)
        self.pump()

    def set_first_window(self, size: int) -> None:
        """What streams have at first, the open ones included. Raises Fault when one of them gets too much."""
        for call in self.calls.values():
            call.window += size - self.first_window
            if call.window > frames.LARGEST_WINDOW:
                raise Fault(frames.FLOW_CONTROL_ERROR, "a stream's window is too large")
        self.first_window = size

    def forget(self, stream: int) -> None:
        """Nobody waits for the answer of a stream any more."""
        call = self.calls.get(stream)
        if call is not None:
            self._remove(call)
            call.cancel()

    def _remove(self, call: Call) -> None:
        self.calls.pop(call.id, None)
        self._waiting.pop(call.id, None)
        self._drop(call, 0)
        call.parts = []
        if call.late is not None:
            call.late.cancel()

    def _drop(self, call: Call, kept: int) -> None:
        self.held -= call.size - kept
        call.size = kept
