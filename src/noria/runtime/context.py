"""What a workflow sees of the runtime: its steps, its pauses, its time.

A workflow is a plain function `(context, args) -> result`. It is started from the top whenever its run is taken;
steps that were recorded give their recorded result without running. So everything that touches the world
happens inside a step, and everything between two steps must be the same each time: no clock (use
`context.now()`), no random numbers, no reading of anything that changes.

Three kinds of step, named after what a crash in the middle of one means:

* `step(name, fn)`: *idempotent*. It may run again, so it must not matter that it does; give
  `context.idempotency_key` to whatever must recognise the second time. One commit.
* `transaction_step(name, fn)`: `fn` writes to our database through the connection it is given, and its writes and
  the record of the step are one commit: exactly once, whatever happens.
* `step(name, fn, kind="once")`: must never be repeated silently. If a worker dies inside it, the run stops and
  asks a person (`operations.decide`). Two commits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeVar

import sqlalchemy as sa

from noria.core.clock import Micros, show_moment
from noria.core.errors import Lost
from noria.core.units import Duration, seconds
from noria.runtime.hold import NOBODY, Hold, describe, encode
from noria.runtime.model import BadStep, StepFailed, StepKind, StepState, WorkStep
from noria.runtime.unwinding import INTERRUPTIONS, Halt, Suspend

BACKOFF = seconds(1)
"""Pause before the second attempt of a step; doubles with each further one."""

T = TypeVar("T")


@dataclass
class _Place:
    """Where the workflow stands: step `seq`, and what is recorded about it already."""

    seq: int
    name: str
    kind: StepKind
    known: WorkStep | None
    again: bool  # a row is there already, so recording updates it

    @property
    def attempt(self) -> int:
        return self.known.attempt + 1 if self.known and self.known.state == "retrying" else 1

    @property
    def passed(self) -> bool:
        return self.known is not None and self.known.state == "finished"


class Context:
    """One execution of one run. `run` is its id."""

    def __init__(self, hold: Hold, started_at: Micros, stopping: Callable[[], bool]) -> None:
        self.run = hold.run
        self._hold = hold
        self._clock = hold.ws.clock
        self._history: Mapping[int, WorkStep] = hold.history()
        self._stopping = stopping
        self._now = started_at
        self._seq = 0
        self._inside: str | None = None
        self._ended: BaseException | None = None

    def now(self) -> Micros:
        """The time of the last step that was passed: the same whenever the workflow is repeated."""
        return self._now

    @property
    def resumed(self) -> bool:
        """Whether an earlier execution of this run recorded anything."""
        return bool(self._history)

    @property
    def idempotency_key(self) -> str:
        """A name for the step being run, the same in every attempt: `run/seq`."""
        return f"{self.run}/{self._seq}"

    def step(
        self,
        name: str,
        fn: Callable[[], Any],
        *,
        kind: Literal["idempotent", "once"] = "idempotent",
        attempts: int = 1,
        backoff: Duration = BACKOFF,
    ) -> Any:
        """Run `fn` and keep its small JSON result; later executions get the result without running it.

        When `fn` raises, it is tried again up to `attempts` times in all, first after `backoff`, each time
        after twice as long; the worker is free meanwhile. Then the step is recorded as failed and the error
        goes on. Raises BadStep for a result that is not JSON, StepFailed when it failed in an earlier
        execution, Lost when the run has passed to another worker.
        """
        if kind not in ("idempotent", "once") or attempts < 1 or (kind == "once" and attempts > 1):
            raise BadStep(
                f"step {name!r}: kind {kind!r} with {attempts} attempts", hint='kind="once" allows only one attempt'
            )
        with self._at(name, kind) as place:
            if place.known and place.passed:
                return place.known.result
            if kind == "once":
                self._begin_once(place)
            value = self._attempt(fn, place, attempts, backoff)
            text = self._attempt(lambda: encode(value, f"the result of step {name!r}"), place, 1, backoff)
            with self._hold.writing("step") as connection:
                self._record(connection, place, text)
            return json.loads(text)

    def transaction_step(
        self,
        name: str,
        fn: Callable[[sa.Connection], Any],
        *,
        attempts: int = 1,
        backoff: Duration = BACKOFF,
    ) -> Any:
        """Run `fn(connection)`; what it writes and the record of the step are one commit, exactly once.

        The transaction is open while `fn` runs, so keep it short, and
        write only through its connection: on SQLite a second writer would wait for the first one for ever.
        Errors and retries as in `step`; an error takes back everything that `fn` wrote.
        """
        with self._at(name, "transaction") as place:
            if place.known and place.passed:
                return place.known.result

            def effect() -> str:
                with self._hold.writing("effect") as connection:
                    text = encode(fn(connection), f"the result of step {name!r}")
                    self._record(connection, place, text)
                return text

            return json.loads(self._attempt(effect, place, attempts, backoff))

    def sleep(self, name: str, duration: Duration) -> None:
        """Put the run away for `duration` of the workspace's clock. No worker waits."""
        with self._at(name, "sleep") as place:
            wake_at = place.known.result if place.known else self._clock.now() + duration.micros
            asleep = wake_at > self._clock.now() and self._seq + 1 not in self._history
            if asleep or not place.known:
                changes = {"state": "sleeping", "wake_at": wake_at, **NOBODY} if asleep else {}
                with self._hold.writing("sleep", **changes) as connection:
                    if not place.known:
                        self._record(connection, place, str(wake_at))
            if asleep:
                self._end(Suspend(f"sleeps until {show_moment(wake_at)}"))
            self._now = max(self._now, wake_at)

    def wait(self, signal_name: str) -> Any:
        """Put the run away until somebody sends the signal (`operations.signal`); gives its value.

        Signals of one name are received in the order they were sent, each by one `wait`, also when sent before.
        """
        with self._at(signal_name, "wait") as place:
            if place.known:
                return place.known.result
            with self._hold.writing("wait") as connection:
                text = self._hold.take_signal(connection, signal_name, place.seq)
                if text is None:
                    self._hold.guard(connection, state="waiting", waiting_for=signal_name, **NOBODY)
                else:
                    self._record(connection, place, text)
            if text is None:
                self._end(Suspend(f"waits for the signal {signal_name!r}"))
            return json.loads(text)

    def close(self) -> None:
        """The workflow has returned: nothing that was recorded may be left over."""
        if self._ended:
            raise self._ended
        left = self._history.get(self._seq + 1)
        if left:
            self._differs(f"recorded a {left.kind} {left.name!r} as step {left.seq}, and now ends before it")

    @contextmanager
    def _at(self, name: str, kind: StepKind) -> Iterator[_Place]:
        if self._ended:
            raise self._ended
        if self._inside is not None:
            raise BadStep(f"step {name!r} was called inside step {self._inside!r}", hint="steps follow one another")
        if not isinstance(name, str) or not 0 < len(name) <= 255:
            raise BadStep(f"{name!r} is no name for a step", hint="use 1 to 255 characters")
        self._inside = name
        try:
            yield self._arrive(name, kind)
        except (Lost, *INTERRUPTIONS) as error:
            self._ended = error
            raise
        finally:
            self._inside = None

    def _arrive(self, name: str, kind: StepKind) -> _Place:
        known = self._history.get(self._seq + 1)
        if known is None and self._stopping():
            self._hold.let_go("stop")
            self._end(Suspend("its worker was told to stop"))
        self._seq += 1
        if known is None:
            return _Place(self._seq, name, kind, None, again=False)
        if (known.name, known.kind) != (name, kind):
            self._differs(
                f"recorded a {known.kind} {known.name!r} as step {self._seq}, and now asks for a {kind} {name!r}"
            )
        if known.state == "failed":
            raise StepFailed(
                f"step {name!r} of run {self.run} failed: {known.error}", hint="retry the run to repeat it"
            )
        if known.state == "finished":
            self._now = known.at
        return _Place(self._seq, name, kind, known, again=True)

    def _begin_once(self, place: _Place) -> None:
        if place.known is not None:
            self._end(
                Halt(
                    f"a worker died inside step {place.name!r} (number {place.seq}), which must not be done twice: "
                    "nobody knows whether it was done"
                )
            )
        with self._hold.writing("start") as connection:
            self._record(connection, place, None, state="started")
        place.again = True

    def _attempt(self, fn: Callable[[], T], place: _Place, attempts: int, backoff: Duration) -> T:
        try:
            return fn()
        except (Lost, *INTERRUPTIONS):
            raise
        except Exception as error:
            if place.attempt < attempts:
                self._try_later(place, error, Duration(backoff.micros << (place.attempt - 1)))
            with self._hold.writing("step") as connection:
                self._record(connection, place, None, state="failed", error=describe(error))
            raise

    def _try_later(self, place: _Place, error: Exception, pause: Duration) -> NoReturn:
        wake_at = self._clock.now() + pause.micros
        with self._hold.writing("retry", state="queued", wake_at=wake_at, deaths=0, **NOBODY) as connection:
            self._record(connection, place, None, state="retrying", error=describe(error))
        self._end(Suspend(f"tries step {place.name!r} again", pause=pause))

    def _record(
        self, connection: sa.Connection, place: _Place, text: str | None, state: StepState = "finished", error: str = ""
    ) -> None:
        at = self._clock.now()
        values = {"state": state, "attempt": place.attempt, "result": text, "error": error, "at": at}
        self._hold.record(connection, place.seq, values, None if place.again else (place.name, place.kind))
        self._now = at

    def _differs(self, how: str) -> NoReturn:
        why = f"run {self.run} {how}: its code changed, or depends on something that did"
        self._end(Halt(why, deterministic=False))

    def _end(self, error: BaseException) -> NoReturn:
        self._ended = error
        raise error
