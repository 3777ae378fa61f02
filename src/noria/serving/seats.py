"""Versions on demand: in memory while they are asked for, out of it when they are idle or others need the room.

A `Seat` is one version's place; `Seats` are all of a server's, and the budget. The first who asks has the version
loaded in the loading thread, one after the other; all who ask meanwhile wait for that one load, on the event loop,
where others are answered. Whoever holds a seat keeps its version in memory. When room is needed, the version that was
held the longest ago goes, as far as nobody holds it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from noria.core.clock import monotonic
from noria.core.errors import NoriaError, Unavailable
from noria.serving.batching import Overloaded
from noria.serving.budget import Budget, DoesNotFit
from noria.serving.footprint import give_back, measured
from noria.serving.lineup import Loaded
from noria.serving.seat_metrics import SeatMetrics

_log = logging.getLogger(__name__)
Why = Literal["idle", "room", "asked", "replaced"]

_FIRST_REST, _TRIES = 5.0, 5
_PATIENCE = 5.0
"""Seconds for which a load waits for others to be done with theirs."""


class LoadFailed(Unavailable):
    """A version on demand cannot be brought into memory."""

    code = "N6090"


@dataclass(eq=False)
class _Stay:
    """One time of a version in memory. `users` hold it; a `leaving` one goes with the last of them."""

    seat: Seat
    loaded: Loaded
    size: int
    users: int
    used: float
    leaving: bool = False


class Seat:
    """The place of version `number` of `model`; `open_version` loads it, its files have `least` bytes."""

    def __init__(
        self, seats: Seats, name: str, digest: str, least: int, idle: float | None, open_version: Callable[[], Loaded]
    ) -> None:
        """`digest` names the package: versions of one package take the same memory. `idle` is in seconds."""
        self.name, self.digest, self.least, self.idle, self.open_version = name, digest, least, idle, open_version
        self.stay: _Stay | None = None
        self.coming: Future[_Stay] | None = None
        self.waiting = 0
        self.dropped = False
        self.apart = False
        """Whether a process of its own holds the version."""
        self.failures = 0
        self.rests_until = 0.0
        self.failed = ""
        """Why it could not be loaded the last time; "" when it could, or was not tried."""
        self._seats = seats

    @property
    def model(self) -> str:
        """The model's name."""
        return self.name.rpartition("/")[0]

    @property
    def absent(self) -> str:
        """Why the version is not in memory; "" while it is."""
        return "" if self.stay is not None else self.failed or "not in memory; the first request loads it"

    @asynccontextmanager
    async def held(self) -> AsyncIterator[Loaded]:
        """The version in memory until leaving. Raises LoadFailed, DoesNotFit, Overloaded."""
        stay = await self._seats.enter(self)
        try:
            yield stay.loaded
        finally:
            self._seats.leave(stay)


class Seats:
    """Every version on demand. `budget` is the memory in bytes that models may take, those loaded at the start too."""

    def __init__(self, budget: int | None, metrics: SeatMetrics, *, clock: Callable[[], float] = monotonic) -> None:
        self.budget = Budget(budget)
        self._metrics = metrics
        self._clock = clock
        self._change = threading.Condition()
        self._stays: dict[Seat, _Stay] = {}
        """Those in memory that are not leaving; the one held last is the last."""
        self._gone: list[_Stay] = []
        """Those that nobody holds any more, to be closed."""
        self._closed = False
        self._warm = False
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="loading")
        metrics.budget(budget)

    @property
    def present(self) -> list[str]:
        """Names of the versions on demand that are in memory, the one held last at the end."""
        with self._change:
            return [seat.name for seat in self._stays]

    def pin(self, key: tuple[str, int], size: int | None) -> None:
        """A version loaded at the start takes so many bytes; None: it is there no more."""
        with self._change:
            self.budget.pin(key, size)
            self._tell()

    async def enter(self, seat: Seat) -> _Stay:
        """Hold a seat, once it is taken; `leave` is to follow. Raises LoadFailed, DoesNotFit, Overloaded."""
        with self._change:
            stay = seat.stay
            if stay is not None:
                stay.users += 1
                self._stays[seat] = self._stays.pop(seat)
                return stay
            coming = self._bring(seat)
            seat.waiting += 1
        try:
            return await asyncio.shield(asyncio.wrap_future(coming))
        except BaseException:
            self._gave_up(seat, coming)
            raise

    def leave(self, stay: _Stay) -> None:
        """Hold it no more."""
        with self._change:
            stay.users -= 1
            stay.used = self._clock()
            self._change.notify_all()
            if stay.users or not (stay.leaving or self.budget.over):
                return
            if stay.leaving:
                self._gone.append(stay)
        self._later(self._trim)

    async def load(self, seat: Seat) -> None:
        """Bring a version into memory because somebody says so, also after failures. Raises as `held` does."""
        self.forgive(seat)
        async with seat.held():
            pass

    def unload(self, seat: Seat, why: Why = "asked") -> None:
        """Let a version go; those who hold it may finish, and the next request loads it again."""
        with self._change:
            stay = seat.stay
            if stay is None:
                return
            self._detach(stay, why)
        self._later(self._trim)

    def drop(self, seat: Seat) -> None:
        """The version is served no more: should somebody still load it, it goes with them."""
        seat.dropped = True
        self.unload(seat, "replaced")

    def forgive(self, seat: Seat) -> None:
        """Forget that it failed."""
        with self._change:
            seat.failures, seat.rests_until, seat.failed = 0, 0.0, ""

    def sweep(self, now: float | None = None) -> None:
        """Unload what has been idle for too long at `now` (monotonic seconds)."""
        now = self._clock() if now is None else now
        with self._change:
            idle = [
                stay for seat, stay in self._stays.items()
                if seat.idle is not None and not stay.users and now - stay.used >= seat.idle
            ]  # fmt: skip
            for stay in idle:
                self._detach(stay, "idle")
        if idle:
            self._later(self._trim)

    def close(self) -> None:
        """Let all of them go. A load that is under way ends first; those that wait are refused."""
        with self._change:
            self._closed = True
        self._pool.shutdown(wait=True)
        with self._change:
            for stay in list(self._stays.values()):
                self._detach(stay, "replaced")
        self._trim()

    # loading

    def _bring(self, seat: Seat) -> Future[_Stay]:
        if seat.coming is None:
            if self._closed:
                raise LoadFailed("the server is about to stop", hint="ask another one")
            left = seat.rests_until - self._clock()
            if left > 0:
                raise _failed(seat, left)
            seat.coming = Future()
            self._pool.submit(self._load, seat, seat.coming)
        return seat.coming

    def _load(self, seat: Seat, coming: Future[_Stay]) -> None:
        began = self._clock()
        try:
            if self._closed:
                raise LoadFailed("the server is about to stop", hint="ask another one")
            if not self._warm and not seat.apart:  # what the runtime itself takes is not the first version's
                seat.open_version().close()
                self._warm = True
            self._make_room(seat)
            loaded, size = measured(seat.open_version, seat.least)
        except BaseException as error:
            self._fail(seat, coming, error)
            return
        with self._change:
            size = self.budget.learn(seat.digest, size)
            fits = self.budget.fits(size)
            self.budget.on_demand += size
            stay = _Stay(seat, loaded, size, seat.waiting if fits else 0, self._clock(), seat.dropped or not fits)
            if fits:
                self._take(seat, coming, stay)
            if stay.leaving and not stay.users:
                self._gone.append(stay)
        if fits:
            self._metrics.loaded(seat.model, self._clock() - began)
        else:
            self._fail(seat, coming, self.budget.too_big(seat.name, size))
        self._trim()

    def _take(self, seat: Seat, coming: Future[_Stay], stay: _Stay) -> None:
        if not stay.leaving:
            seat.stay = self._stays[seat] = stay
        seat.coming, seat.waiting = None, 0
        seat.failures, seat.failed = 0, ""
        self._tell()
        coming.set_result(stay)

    def _fail(self, seat: Seat, coming: Future[_Stay], error: BaseException) -> None:
        told = error
        with self._change:
            seat.coming, seat.waiting = None, 0
            if not isinstance(error, Overloaded) and not self._closed:
                seat.failures += 1
                rest = _FIRST_REST * 2 ** (seat.failures - 1) if seat.failures < _TRIES else float("inf")
                seat.rests_until = self._clock() + rest
                seat.failed = error.message if isinstance(error, NoriaError) else f"{type(error).__name__}: {error}"
                told = error if isinstance(error, DoesNotFit) else _failed(seat, rest)
                self._metrics.failed(seat.model)
                _log.warning("%s", told)
            coming.set_exception(told)

    def _gave_up(self, seat: Seat, coming: Future[_Stay]) -> None:
        """Somebody who waited does not any more, or was refused."""
        with self._change:
            if not coming.done():
                seat.waiting -= 1
                return
        if coming.exception() is None:
            self.leave(coming.result())

    # room

    def _make_room(self, seat: Seat) -> None:
        """For what the version is known or thought to take."""
        deadline = self._clock() + _PATIENCE
        while True:
            with self._change:
                need = self.budget.expected(seat.digest, seat.least)
                if not self.budget.fits(need):
                    raise self.budget.too_big(seat.name, need)
                if self.budget.free(need):
                    return
                stay = self._going(least_used=True)
                if stay is None:
                    left = deadline - self._clock()
                    if left <= 0:
                        raise Overloaded(f"there is no room in memory for {seat.name} now", hint="ask again in a while")
                    self._change.wait(left)
                    continue
            self._close(stay)

    def _trim(self) -> None:
        """Close what is gone, and more while more memory is taken than may be, but for the one held last."""
        while True:
            with self._change:
                stay = self._going(least_used=self.budget.over and len(self._stays) > 1)
            if stay is None:
                return
            self._close(stay)

    def _going(self, *, least_used: bool) -> _Stay | None:
        """One to be closed now: one that is gone, or that was held the longest ago and that nobody holds."""
        if self._gone:
            return self._gone.pop()
        stay = next((stay for stay in self._stays.values() if not stay.users), None) if least_used else None
        if stay is not None:
            self._detach(stay, "room")
            self._gone.remove(stay)
        return stay

    def _detach(self, stay: _Stay, why: Why) -> None:
        self._stays.pop(stay.seat, None)
        stay.seat.stay, stay.leaving = None, True
        if not stay.users:
            self._gone.append(stay)
        self._metrics.unloaded(stay.seat.model, why)
        self._tell()

    def _close(self, stay: _Stay) -> None:
        try:
            stay.loaded.close()
        except Exception:
            _log.exception("%s was not closed well", stay.seat.name)
        stay.loaded = None  # type: ignore[assignment]
        with self._change:
            self.budget.on_demand -= stay.size
            self._tell()
            self._change.notify_all()
        give_back()

    def _later(self, work: Callable[[], None]) -> None:
        """In the loading thread; here and now when the server is about to stop."""
        try:
            self._pool.submit(work)
        except RuntimeError:
            work()

    def _tell(self) -> None:
        self._metrics.holds(len(self._stays), self.budget.taken)


def _failed(seat: Seat, rest: float) -> LoadFailed:
    again = f"it is tried again in {rest:.0f} s" if rest != float("inf") else "it is not tried again by itself"
    return LoadFailed(
        f"{seat.name} cannot be loaded: {seat.failed}",
        hint=f"{again}; promote another version, or POST /v2/repository/models/{seat.model}/load",
    )
