"""Where requests do their work on the stores, so that the event loop is never held up.

Readers share a few threads. Everything that writes goes through one thread, first come, first served: SQLite has one
writer anyway, and queueing here is fair and costs nothing, while queueing for its lock sleeps. Small writes that wait
together become one transaction, so that they share the price of its commit; when one of them is refused, the
transaction is undone and each is done again by itself, so that nobody pays for another one's fault.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from noria.stores.database import Database

Work = Callable[[], Any]
SharedWork = Callable[[sa.Connection], Any]

READERS = 4
MOST_TOGETHER = 64
"""So many small writes at most share a transaction: more would make the first of them wait for the last."""


@dataclass(frozen=True)
class _Job:
    """Work with somebody waiting for it; `shared` work takes a transaction's connection."""

    work: Callable[..., Any]
    shared: bool
    loop: asyncio.AbstractEventLoop
    waiting: asyncio.Future[Any]


_Outcome = tuple[_Job, Any, BaseException | None]


class Lanes:
    """The threads that work for an application. They start with the first request and end with `close`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._jobs: deque[_Job] = deque()
        self._more = threading.Condition()
        self._writer: threading.Thread | None = None
        self._closed = False

    async def read(self, work: Work) -> Any:
        """Do work that only reads, or that may take long."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def write(self, work: Work) -> Any:
        """Do work that opens a transaction of its own."""
        return await self._queued(work, shared=False)

    async def write_together(self, work: SharedWork) -> Any:
        """Do work in a transaction that it may share with others; it may be undone and done a second time."""
        return await self._queued(work, shared=True)

    def close(self) -> None:
        """Finish what was begun and end the threads."""
        with self._more:
            self._closed = True
            self._more.notify()
        if self._writer is not None:
            self._writer.join()
        self._readers.shutdown()

    async def _queued(self, work: Callable[..., Any], *, shared: bool) -> Any:
        loop = asyncio.get_running_loop()
        job = _Job(work, shared, loop, loop.create_future())
        with self._more:
            if self._closed:
                raise RuntimeError("the application is closed")
            if self._writer is None:
                self._writer = threading.Thread(target=self._run, name="writer", daemon=True)
                self._writer.start()
            self._jobs.append(job)
            self._more.notify()
        return await job.waiting

    def _run(self) -> None:
        while True:
            with self._more:
                while not self._jobs and not self._closed:
                    self._more.wait()
                if not self._jobs:
                    return
                jobs = self._taken()
            _tell(self._together(jobs) if jobs[0].shared else [_outcome(jobs[0], jobs[0].work)])

    def _taken(self) -> list[_Job]:
        jobs = [self._jobs.popleft()]
        while jobs[0].shared and self._jobs and self._jobs[0].shared and len(jobs) < MOST_TOGETHER:
            jobs.append(self._jobs.popleft())
        return jobs

    def _together(self, jobs: list[_Job]) -> list[_Outcome]:
        if len(jobs) > 1:
            try:
                outcomes: list[_Outcome] = []
                with self._database.transaction() as connection:
                    outcomes.extend((job, job.work(connection), None) for job in jobs)
                return outcomes
            except Exception:  # whose fault it is shows when each is done alone
                pass
        return [_outcome(job, partial(self._alone, job)) for job in jobs]

    def _alone(self, job: _Job) -> Any:
        with self._database.transaction() as connection:
            return job.work(connection)


def _outcome(job: _Job, work: Work) -> _Outcome:
    try:
        return job, work(), None
    except BaseException as error:
        return job, None, error


def _tell(outcomes: list[_Outcome]) -> None:
    """Wake those who wait, each event loop once."""
    for loop in {outcome[0].loop for outcome in outcomes}:
        mine = [outcome for outcome in outcomes if outcome[0].loop is loop]
        if not loop.is_closed():
            loop.call_soon_threadsafe(_wake, mine)


def _wake(outcomes: list[_Outcome]) -> None:
    for job, result, error in outcomes:
        if job.waiting.cancelled():
            continue
        if error is None:
            job.waiting.set_result(result)
        else:
            job.waiting.set_exception(error)
