"""Calls of one connection and their answers: at once, awaited, or in pieces as the client's window allows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from noria.serving.grpc import frames, heads
from noria.serving.grpc.calls import Call
from noria.serving.grpc.frames import NUMBER, frame
from noria.serving.grpc.health import WATCH
from noria.serving.grpc.method import Caller
from noria.serving.grpc.sending import Sending
from noria.serving.grpc.statuses import RESOURCE_EXHAUSTED, UNAVAILABLE, Late, Outcome, Pending, Refused, refused
from noria.serving.promise import Promise

if TYPE_CHECKING:
    from noria.serving.grpc.own import OwnLane


class Answering(Sending):
    """What is open on a connection, and how it is answered."""

    def __init__(self, lane: OwnLane, write: Callable[[bytes], None], progressed: Callable[[], None]) -> None:
        """`progressed` is told when a call ends or bytes of an answer leave."""
        super().__init__(write, progressed)
        self._lane = lane
        self._methods = lane.methods
        self._flushing = False
        self.peer: str | None = None
        """The address of the client."""

    # calls come in

    def opened(self, call: Call) -> None:
        """A call's headers are here."""
        head = call.head
        if head.wrong:
            self._finish(call, heads.plain(head.wrong))
        elif head.path == WATCH or head.path in self._methods.streams:
            call.inbox, call.sent = asyncio.Queue(), asyncio.Event()
            self._run(call, self._watch(call) if head.path == WATCH else self._converse(call))
        elif head.path not in self._methods.unary:
            outcome = self._begin(call, b"")
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
            self._refuse_unasked(call, message)
        elif call.deadline is not None and self._lane.now() >= call.deadline:
            self._refuse_unasked(call, _late(call))
        elif self._lane.waiting >= self._lane.limits.waiting:
            full = "too many calls wait for their answers (try again in a moment)"
            self._refuse_unasked(call, Refused(UNAVAILABLE, full))
        else:
            outcome = self._begin(call, message)
            if isinstance(outcome, bytes | Refused):
                self._conclude(call, outcome)
            elif isinstance(outcome, Promise):
                outcome.then(partial(self._kept, call))
            else:
                self._run(call, self._await(call, outcome))

    def _caller(self, call: Call) -> Caller:
        return Caller(self.peer, call.name, call.head.trace)

    def _begin(self, call: Call, message: bytes) -> Pending:
        return self._methods.begin(call.head.path, message, self._caller(call))

    def _refuse_unasked(self, call: Call, outcome: Refused) -> None:
        """Refuse what no method has heard of."""
        self._methods.refused(call.head.path, outcome, self._caller(call))
        self.refuse(call, outcome)

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
            outcome = message if isinstance(message, Refused) else self._begin(call, message)
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

    async def _watch(self, call: Call) -> None:
        """Tell a state of health, and each change of it, until nobody wants to know."""
        assert call.inbox is not None
        message = await call.inbox.get()
        if isinstance(message, bytes):
            async for state in self._lane.health.watch(message):
                if call.id not in self.calls:
                    return
                self._tell(call, state, last=False)
                self.flush()
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


def _late(call: Call) -> Refused:
    return refused(Late(f"the deadline of {call.head.path} passed before it was answered", hint="give it more time"))
