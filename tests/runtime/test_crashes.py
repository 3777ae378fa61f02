"""Any workflow, broken off anywhere, any number of times, ends as if nothing had happened."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from noria.core.clock import ManualClock, sleep
from noria.core.units import hours, ms
from noria.runtime import operations
from noria.runtime.worker import Worker
from noria.testing.runtime_process import add_effect, effects_of, workspace

OPERATIONS = st.one_of(
    st.just(("step",)),
    st.just(("effect",)),
    st.tuples(st.just("flaky"), st.integers(1, 3)),
    st.tuples(st.just("sleep"), st.integers(-1, 3)),
    st.just(("wait",)),
)


class Crash(BaseException):
    """The process is gone: from here on nothing it does has any effect."""


class CrashAt:
    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, place: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise Crash(place)


class Program:
    """A workflow made of operations, and what it would give if nothing ever went wrong."""

    def __init__(self, operations: list[tuple[Any, ...]]) -> None:
        self.operations = operations
        self.tries = dict.fromkeys(range(len(operations)), 0)

    def expected(self) -> list[Any]:
        return [{"wait": "signal", "sleep": None}.get(kind, n) for n, (kind, *_) in enumerate(self.operations)]

    def effects(self) -> list[str]:
        return sorted(str(n) for n, (kind, *_) in enumerate(self.operations) if kind == "effect")

    def __call__(self, context: Any, args: dict[str, Any]) -> list[Any]:
        return [self.do(context, n, *operation) for n, operation in enumerate(self.operations)]

    def do(self, context: Any, n: int, kind: str, amount: int = 0) -> Any:
        match kind:
            case "step":
                return context.step(f"{n}", lambda: n)
            case "effect":
                return context.transaction_step(f"{n}", lambda c: (add_effect(c, context.run, str(n)), n)[1])
            case "flaky":
                return context.step(f"{n}", lambda: self.flaky(n, amount), attempts=amount + 1, backoff=hours(1))
            case "sleep":
                return context.sleep(f"{n}", hours(amount))
            case _:
                return context.wait("go")

    def flaky(self, n: int, failures: int) -> int:
        self.tries[n] += 1
        if self.tries[n] <= failures:
            raise OSError("not yet")
        return n


@settings(max_examples=50, deadline=None)
@given(st.lists(OPERATIONS, max_size=6), st.lists(st.integers(0, 25), max_size=8))
def test_crashes_leave_no_trace(operations_: list[tuple[Any, ...]], crashes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = ManualClock(1_700_000_000_000_000)
        ws = workspace(Path(folder), f"sqlite:///{folder}/work.db", clock)
        program = Program(operations_)
        run = operations.submit(ws, "program", {})
        for kind, *_ in operations_:
            if kind == "wait":
                operations.signal(ws, run, "go", "signal")
        for executions in range(100):
            fault = CrashAt(crashes[executions] if executions < len(crashes) else 10_000)
            worker = Worker(ws, {"program": program}, lease=ms(1), heartbeat=False, fault=fault)
            try:
                worker.run_until_idle()
            except Crash:
                sleep(0.0015)  # the owner's process lives, so its lease must end first
            clock.advance_to(clock.now() + hours(1).micros)
            if operations.status(ws, run).state == "finished":
                break
        assert operations.status(ws, run).result == program.expected()
        assert effects_of(ws, run) == program.effects()
        steps = operations.history(ws, run)
        assert [step.seq for step in steps] == list(range(1, len(operations_) + 1))
        assert [entry.kind for entry in ws.journal.read(subject=f"work:{run}")] == ["WorkSubmitted", "WorkFinished"]
        ws.close()
