"""HTTP/2 as far as gRPC needs it: one connection of clients' calls, answered in the data plane's own event loop.

A call whose answer is there at once costs no task, and the answers to one read leave in one write. RFC 9113; what a
hostile client may do is limited in `own.py`: frames without progress, streams, headers, bytes that are held.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from noria.serving.grpc import frames
from noria.serving.grpc.answering import Answering
from noria.serving.grpc.frames import NUMBER, Fault, frame
from noria.serving.grpc.heads import MOST_HEADERS
from noria.serving.grpc.reading import ROUND_TRIP, FrameReader

if TYPE_CHECKING:
    from noria.serving.grpc.own import OwnLane


class Http2Protocol(asyncio.Protocol):
    """The server's side of one connection; its lane looks at it every second and closes what takes too long."""

    def __init__(self, lane: OwnLane) -> None:
        self._lane = lane
        self._limits = lane.limits
        self._transport: asyncio.Transport = None  # type: ignore[assignment]
        self._answering = Answering(lane, self._write, self._progressed)
        self._reader = FrameReader(lane, self._answering)
        self._closed = False
        """Whether nothing is read any more."""

    # what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(self._limits.unsent)
        peer = transport.get_extra_info("peername")
        self._answering.peer = peer[0] if peer else None
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

    def _write(self, data: bytes) -> None:
        self._transport.write(data)

    def _progressed(self) -> None:
        self._reader.progressed()

    def pause_writing(self) -> None:
        self._reader.since = self._lane.now()
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
            self._reader.feed(data)
        except Fault as fault:
            self._fail(fault)
        self._answering.flush()
        self._end_if_done()

    def eof_received(self) -> bool:
        return False

    # the end

    def _fail(self, fault: Fault) -> None:
        self._closed = True
        told = frames.TWO_NUMBERS.pack(self._reader.last, fault.code) + fault.why.encode()
        self._answering.add(frame(frames.GOAWAY, 0, 0, told))
        self._answering.flush()
        self._answering.end()
        self._transport.close()

    def drain(self) -> None:
        """Ask the client to open no more streams; close when those that are open have been answered."""
        if self._reader.draining or self._closed:
            return
        self._reader.draining = True
        told = frames.TWO_NUMBERS.pack(frames.LARGEST_WINDOW, frames.NO_ERROR)
        self._answering.add(frame(frames.GOAWAY, 0, 0, told) + frame(frames.PING, 0, 0, ROUND_TRIP))
        self._answering.flush()

    def _end_if_done(self) -> None:
        if self._reader.gone and not self._answering.calls and not self._closed:
            self._closed = True
            self._transport.close()

    def answered(self) -> None:
        """An answer that was waited for is out."""
        self._end_if_done()

    def look(self, now: float) -> None:
        """Close what has taken too long."""
        limits, calls = self._limits, self._answering.calls
        if self._answering.paused or self._closed:
            if now - self._reader.since > limits.stalled_seconds:
                self._transport.abort()
        elif not calls:
            if now - self._reader.since > (limits.idle_seconds if self._reader.settled else limits.request_seconds):
                self.abort()
        else:
            for call in list(calls.values()):
                slow = limits.request_seconds + call.size / limits.slowest
                if not call.ended and call.inbox is None and now - call.arrived > slow:
                    self._answering.add(frames.reset(call.id, frames.CANCEL))
                    self._answering.forget(call.id)
            self._reader.since = now
            self._answering.flush()

    def abort(self) -> None:
        """Close without another word."""
        self._closed = True
        self._transport.abort()
