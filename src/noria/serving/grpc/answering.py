"""Calls of one connection and their answers: at once, awaited, or in pieces as the client's window allows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from noria.serving.grpc import frames, heads
from noria.serving.grpc.calls import Call
from noria.serving.grpc.frames import HEAD, NUMBER, Fault, frame
from noria.serving.grpc.statuses import RESOURCE_EXHAUSTED, UNAVAILABLE, Late, Outcome, Refused, refused
from noria.serving.promise import Promise

if TYPE_CHECKING:
    from noria.serving.grpc.own import OwnLane

_OPENED, _CLOSED = frames.END_HEADERS, frames.END_HEADERS | frames.END_STREAM


class Answering:
    """What is open on a connection, and what may be written to it."""

    def __init__(self, lane: OwnLane, write: Callable[[bytes], None], progressed: Callable[[], None]) -> None:
        """`progressed` is told when a call ends or bytes of an answer leave."""
        self._lane = lane
        self._methods = lane.methods
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
        self._flushing = False
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

    # calls come in

    def opened(self, call: Call) -> None:
        """A call's headers are here."""
        head = call.head
        if head.wrong:
            self._finish(call, heads.plain(head.wrong))
        elif head.path in self._methods.streams:
            call.inbox, call.sent = asyncio.Queue(), asyncio.Event()
            self._run(call, self._converse(call))
        elif head.path not in self._methods.unary:
            outcome = self._methods.begin(head.path, b"")
            self.refuse(call, outcome if isinstance(outcome, Refused) else refused(Late("", hint="")))

    def arrived(self, call: Call) -> None:
        """More of a stream's messages is here."""
        if call.inbox is None:
            return
        for message in call.messages(self._lane.most_bytes):
            call.inbox.put_nowait(message)
        if call.inbox.qsize() > self._lane.limits.backlog:
            self.refuse(call, Refused(RESOURCE_EXHAUSTED, "too many messages of one stream wait to be answered"))

    def give_back(self, call: Call) -> None:
        """Let the client send more of a request, unless messages of it wait already."""
        if call.taken > self._lane.limits.stream_window // 2 and (call.inbox is None or call.inbox.empty()):
            self.add(frame(frames.WINDOW_UPDATE, 0, call.id, NUMBER.pack(call.taken)))
            call.taken = 0

    def complete(self, call: Call) -> None:
        """The whole request is here."""
        if call.inbox is not None:
            self.arrived(call)
            call.inbox.put_nowait(None)
            return
        message = call.whole(self._lane.most_bytes)
        self._drop(call, 0)
        if isinstance(message, Refused):
            self.refuse(call, message)
        elif call.deadline is not None and self._lane.now() >= call.deadline:
            self.refuse(call, _late(call))
        elif self._lane.waiting >= self._lane.limits.waiting:
            self.refuse(call, Refused(UNAVAILABLE, "too many calls wait for their answers (try again in a moment)"))
        else:
            outcome = self._methods.begin(call.head.path, message)
            if isinstance(outcome, bytes | Refused):
                self._conclude(call, outcome)
            elif isinstance(outcome, Promise):
                outcome.then(partial(self._kept, call))
            else:
                self._run(call, self._await(call, outcome))

    def _conclude(self, call: Call, outcome: Outcome) -> None:
        if isinstance(outcome, bytes):
            self._answer(call, outcome)
        else:
            self.refuse(call, outcome)

    def _kept(self, call: Call, outcome: Outcome) -> None:
        """An answer that was promised for the end of the turn; with the others of this connection it goes out then."""
        if self.calls.get(call.id) is not call:
            return
        self._conclude(call, outcome)
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush_kept)

    def _flush_kept(self) -> None:
        self._flushing = False
        self.flush()
        self._lane.looked()

    def _drop(self, call: Call, kept: int) -> None:
        self.held -= call.size - kept
        call.size = kept

    # answers that are awaited

    def _run(self, call: Call, work: Awaitable[None]) -> None:
        self._lane.waiting += 1
        call.task = task = asyncio.ensure_future(work)
        task.add_done_callback(self._ran)
        if call.deadline is not None:
            call.late = asyncio.get_running_loop().call_at(call.deadline, self._expire, call)

    def _ran(self, task: asyncio.Future[None]) -> None:
        self._lane.waiting -= 1
        if not task.cancelled() and task.exception() is not None:
            self._lane.failed(task.exception())
        self.flush()
        self._lane.looked()

    def _expire(self, call: Call) -> None:
        if call.id in self.calls and call.closing is None:
            self.refuse(call, _late(call))
            if call.task is not None:
                call.task.cancel()
            self.flush()

    async def _await(self, call: Call, outcome: Awaitable[Outcome]) -> None:
        found = await outcome
        if call.id in self.calls:
            self._tell(call, found, last=True)

    async def _converse(self, call: Call) -> None:
        """Answer a stream's messages one by one, in order, and none while the client does not take its answers."""
        assert call.inbox is not None
        while (message := await call.inbox.get()) is not None:
            outcome = message if isinstance(message, Refused) else self._methods.begin(call.head.path, message)
            found = outcome if isinstance(outcome, bytes | Refused) else await outcome
            if call.id not in self.calls:
                return
            if isinstance(message, bytes):
                self._drop(call, max(0, call.size - len(message)))
            self._tell(call, found, last=False)
            if isinstance(found, Refused):
                return
            self.give_back(call)
            self.flush()
            while len(call.out) > self._lane.limits.unsent:
                call.sent.clear()
                await call.sent.wait()
        if call.id in self.calls:
            call.closing = heads.CLOSING
            self._send(call, b"")

    def _tell(self, call: Call, outcome: Outcome, *, last: bool) -> None:
        if isinstance(outcome, Refused):
            self.refuse(call, outcome)
            return
        if last:
            call.closing = heads.CLOSING
        self._send(call, b"\0" + NUMBER.pack(len(outcome)) + outcome)

    # answers go out

    def _answer(self, call: Call, message: bytes) -> None:
        """The answer of a unary call, in one piece when the windows have room for it."""
        size, stream = len(message) + 5, call.id
        if size > call.window or size > self._window or size > self.frame or self.paused or self._waiting:
            call.closing = heads.CLOSING
            self._send(call, b"\0" + NUMBER.pack(len(message)) + message)
            return
        self._window -= size
        self._out += (
            HEAD.pack(0, len(heads.OPENING), frames.HEADERS, _OPENED, stream), heads.OPENING,
            HEAD.pack(size >> 16, size & 0xFFFF, frames.DATA, 0, stream), b"\0", NUMBER.pack(len(message)), message,
            HEAD.pack(0, len(heads.CLOSING), frames.HEADERS, _CLOSED, stream), heads.CLOSING,
        )  # fmt: skip
        del self.calls[stream]
        self._progressed()

    def _send(self, call: Call, data: bytes) -> None:
        if not call.opened:
            call.opened = True
            self._out.append(frame(frames.HEADERS, _OPENED, call.id, heads.OPENING))
        call.out += data
        self._waiting[call.id] = call
        self.pump()

    def refuse(self, call: Call, outcome: Refused) -> None:
        """End a call by its status."""
        if call.opened:
            self._finish(call, heads.closing(outcome.status, outcome.message))
        else:
            self._finish(call, heads.refusing(outcome.status, outcome.message))

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


def _late(call: Call) -> Refused:
    return refused(Late(f"the deadline of {call.head.path} passed before it was answered", hint="give it more time"))
