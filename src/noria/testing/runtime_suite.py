"""The contract of durable work, for every database it runs on.

A backend is a subclass with a fixture `url`. What is left when workers die is in `runtime_survival_suite.py`.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from noria.core.clock import Clock, ManualClock, sleep
from noria.core.errors import BadInput, Lost, NotFound, Unavailable
from noria.core.units import days, hours, ms
from noria.runtime import operations
from noria.runtime.context import Context
from noria.runtime.model import (
    BadStep,
    Cancelled,
    Held,
    NeedsDecision,
    NotDeterministic,
    NotFinished,
    StepFailed,
    WrongState,
)
from noria.runtime.worker import Worker, Workflow
from noria.testing.runtime_process import (
    add_effect,
    effects_of,
    workspace,
)
from noria.workspace.workspace import Workspace

START = 1_700_000_000_000_000


def worker(ws: Workspace, workflow: Workflow, **options: Any) -> Worker:
    """A worker that knows one workflow, called `w`."""
    return Worker(ws, {"w": workflow}, **{"heartbeat": False, **options})


def facts(ws: Workspace, run: str) -> list[str]:
    """What the journal says of a run."""
    return [entry.kind for entry in ws.journal.read(subject=f"work:{run}")]


def state(ws: Workspace, run: str) -> str:
    """The state a run is in."""
    return operations.status(ws, run).state


class OnDatabase:
    """A workspace on the backend's database, with a clock that the test moves."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock(START)

    @pytest.fixture
    def ws(self, tmp_path: Path, url: str, clock: Clock) -> Any:
        ws = workspace(tmp_path, url, clock)
        yield ws
        ws.close()


class RuntimeSuite(OnDatabase):
    """What runs, steps, retries, pauses, signals and decisions mean."""

    def test_a_run_gives_its_result_and_says_so_in_the_journal(self, ws: Workspace) -> None:
        run = operations.submit(ws, "w", {"name": "noria"})
        assert worker(ws, lambda c, a: c.step("greet", lambda: f"hello {a['name']}")).run(run) == "hello noria"
        assert [(s.seq, s.name, s.state, s.result) for s in operations.history(ws, run)] == [
            (1, "greet", "finished", "hello noria")
        ]
        assert facts(ws, run) == ["WorkSubmitted", "WorkFinished"]
        assert operations.unfinished(ws, "w") == []

    def test_a_finished_run_answers_again_without_running(self, ws: Workspace) -> None:
        calls: list[int] = []
        run = operations.submit(ws, "w", {})
        one = worker(ws, lambda c, a: c.step("s", lambda: calls.append(1) or [1, (2, 3)]))  # type: ignore[func-returns-value]
        assert one.run(run) == one.run(run) == [1, [2, 3]]
        assert calls == [1]

    def test_the_same_dedup_key_is_one_run_until_it_fails(self, ws: Workspace) -> None:
        first = operations.submit(ws, "w", {}, dedup="turn 1")
        assert operations.submit(ws, "w", {}, dedup="turn 1") == first
        worker(ws, lambda c, a: None).run(first)
        assert operations.submit(ws, "w", {}, dedup="turn 1") == first
        broken = operations.submit(ws, "w", {}, dedup="turn 2")
        with pytest.raises(ZeroDivisionError):
            worker(ws, lambda c, a: 1 / 0).run(broken)
        assert operations.submit(ws, "w", {}, dedup="turn 2") != broken

    def test_larger_priority_goes_first(self, ws: Workspace) -> None:
        for priority in (0, 5, -1, 5):
            operations.submit(ws, "w", {"p": priority}, priority=priority)
        seen: list[int] = []
        assert worker(ws, lambda c, a: seen.append(a["p"])).run_until_idle() == 4
        assert seen == [5, 5, 0, -1]

    def test_an_error_fails_the_run_and_retry_goes_on_at_the_failed_step(self, ws: Workspace) -> None:
        calls: list[str] = []
        disk = {"full": True}

        def save() -> str:
            calls.append("save")
            if disk["full"]:
                raise OSError("disk is full")
            return "saved"

        def flow(c: Context, a: dict[str, Any]) -> Any:
            c.step("compute", lambda: calls.append("compute"))
            return c.step("save", save)

        run = operations.submit(ws, "w", {})
        with pytest.raises(OSError, match="disk is full"):
            worker(ws, flow).run(run)
        assert state(ws, run) == "failed"
        assert "OSError: disk is full" in operations.status(ws, run).error
        with pytest.raises(StepFailed, match="disk is full"):
            worker(ws, flow).run(run)
        disk["full"] = False
        operations.retry(ws, run)
        assert worker(ws, flow).run(run) == "saved"
        assert calls == ["compute", "save", "save"]
        assert facts(ws, run) == ["WorkSubmitted", "WorkFailed", "WorkResumed", "WorkFinished"]

    def test_a_caught_failure_stays_a_failure_when_the_workflow_is_repeated(self, ws: Workspace) -> None:
        def flow(c: Context, a: dict[str, Any]) -> str:
            try:
                c.step("risky", lambda: 1 // 0)
            except Exception:
                c.step("clean up", lambda: None)
            return str(c.wait("end"))

        run = operations.submit(ws, "w", {})
        with pytest.raises(NotFinished):
            worker(ws, flow).run(run)
        operations.signal(ws, run, "end", "well")
        assert worker(ws, flow).run(run) == "well"
        assert [s.state for s in operations.history(ws, run)] == ["failed", "finished", "finished"]

    def test_a_step_is_tried_again_with_the_same_key(self, ws: Workspace) -> None:
        keys: list[str] = []

        def flow(c: Context, a: dict[str, Any]) -> Any:
            def flaky() -> str:
                keys.append(c.idempotency_key)
                if len(keys) < 3:
                    raise ConnectionError("busy")
                return "sent"

            return c.step("send", flaky, attempts=3, backoff=ms(1))

        run = operations.submit(ws, "w", {})
        assert worker(ws, flow).run(run) == "sent"
        assert keys == [f"{run}/1"] * 3
        assert operations.history(ws, run)[0].attempt == 3

    def test_attempts_run_out(self, ws: Workspace, clock: ManualClock) -> None:
        run = operations.submit(ws, "w", {})
        one = worker(ws, lambda c, a: c.transaction_step("t", lambda k: 1 / 0, attempts=2, backoff=hours(1)))
        assert one.run_until_idle() == 1  # the worker is free while the run waits for its next attempt
        assert (state(ws, run), one.run_until_idle()) == ("queued", 0)
        clock.advance_to(START + hours(1).micros)
        assert (one.run_until_idle(), state(ws, run)) == (1, "failed")

    def test_an_interruption_is_no_failure(self, ws: Workspace) -> None:
        away = [True]

        def fetch() -> str:
            if away.pop() if away else False:
                raise Unavailable("the store is away")
            return "fetched"

        run = operations.submit(ws, "w", {})
        one = worker(ws, lambda c, a: c.step("fetch", fetch))
        with pytest.raises(Unavailable):
            one.run(run)
        assert (state(ws, run), "store is away" in operations.status(ws, run).error) == ("queued", True)
        assert one.run(run) == "fetched"

    def test_a_transactional_step_takes_everything_back_when_it_fails(self, ws: Workspace) -> None:
        def effect(connection: sa.Connection) -> None:
            add_effect(connection, run, "x")
            raise ValueError("no")

        run = operations.submit(ws, "w", {})
        with pytest.raises(ValueError, match="no"):
            worker(ws, lambda c, a: c.transaction_step("t", effect)).run(run)
        assert effects_of(ws, run) == []

    def test_sleeping_frees_the_worker(self, ws: Workspace, clock: ManualClock) -> None:
        def flow(c: Context, a: dict[str, Any]) -> int:
            before = c.now()
            c.sleep("bake", days(2))
            return c.now() - before

        run = operations.submit(ws, "w", {})
        one = worker(ws, flow)
        with pytest.raises(NotFinished, match="sleeps until"):
            one.run(run)
        assert (one.run_until_idle(), state(ws, run)) == (0, "sleeping")
        clock.advance_to(START + days(2).micros - 1)
        assert one.run_until_idle() == 0
        clock.advance_to(START + days(2).micros)
        assert (one.run_until_idle(), operations.status(ws, run).result) == (1, days(2).micros)

    def test_a_clock_that_goes_back_repeats_nothing(self, ws: Workspace, clock: ManualClock) -> None:
        calls: list[int] = []

        def flow(c: Context, a: dict[str, Any]) -> int:
            c.sleep("pause", hours(1))
            c.step("s", lambda: calls.append(1))
            c.wait("go on")
            return c.now()

        run = operations.submit(ws, "w", {})
        one = worker(ws, flow)
        one.run_until_idle()
        clock.advance_to(START + hours(1).micros)
        one.run_until_idle()
        clock._now = START - days(365).micros  # somebody set the machine's clock
        operations.signal(ws, run, "go on")
        assert (one.run_until_idle(), state(ws, run), calls) == (1, "finished", [1])

    def test_leases_do_not_follow_the_workspace_clock(self, ws: Workspace, clock: ManualClock) -> None:
        run = operations.submit(ws, "w", {})
        rival = worker(ws, lambda c, a: "rival")

        def flow(c: Context, a: dict[str, Any]) -> str:
            clock.advance_to(clock.now() + days(365).micros)  # a replay is driven by data
            with pytest.raises(Held):
                rival.run(run)
            assert rival.run_until_idle() == 0
            return str(c.step("s", lambda: "mine"))

        assert worker(ws, flow).run(run) == "mine"

    def test_signals_are_received_in_order_also_when_sent_before(self, ws: Workspace) -> None:
        run = operations.submit(ws, "w", {})
        one = worker(ws, lambda c, a: [c.wait("approval"), c.wait("approval"), c.wait("other")])
        operations.signal(ws, run, "approval", {"by": "ann"})
        with pytest.raises(NotFinished, match="'approval'"):
            one.run(run)
        operations.signal(ws, run, "other", 3)
        assert (one.run_until_idle(), state(ws, run)) == (0, "waiting")
        operations.signal(ws, run, "approval", {"by": "bob"})
        assert one.run(run) == [{"by": "ann"}, {"by": "bob"}, 3]
        with pytest.raises(WrongState, match="it is finished"):
            operations.signal(ws, run, "approval")

    def test_cancelling_stops_a_worker_at_its_next_write(self, ws: Workspace) -> None:
        def flow(c: Context, a: dict[str, Any]) -> None:
            c.step("first", lambda: operations.cancel(ws, run))
            c.step("second", lambda: None)

        run = operations.submit(ws, "w", {})
        with pytest.raises(Cancelled):
            worker(ws, flow).run(run)
        operations.cancel(ws, run)
        assert (state(ws, run), operations.history(ws, run)) == ("cancelled", [])
        assert facts(ws, run) == ["WorkSubmitted", "WorkCancelled"]
        with pytest.raises(Cancelled):
            worker(ws, flow).run(run)

    def test_a_workflow_that_swallows_its_loss_still_writes_nothing(self, ws: Workspace) -> None:
        def flow(c: Context, a: dict[str, Any]) -> str:
            for name in "abc":
                try:
                    c.step(name, lambda: operations.cancel(ws, run))
                except Exception:
                    continue
            return "all is well"

        run = operations.submit(ws, "w", {})
        with pytest.raises(Lost):
            worker(ws, flow).run(run)
        assert operations.history(ws, run) == []

    def test_stopping_gives_the_run_back_at_the_next_step(self, ws: Workspace) -> None:
        run = operations.submit(ws, "w", {})
        one = worker(ws, lambda c, a: [c.step("a", lambda: one.stop()), c.step("b", lambda: 2)])
        assert one.run_until_idle() == 1
        assert (state(ws, run), len(operations.history(ws, run))) == ("queued", 1)
        assert worker(ws, lambda c, a: [c.step("a", lambda: 1), c.step("b", lambda: 2)]).run(run) == [None, 2]

    def test_ctrl_c_gives_the_run_back_at_once(self, ws: Workspace) -> None:
        def interrupt() -> None:
            raise KeyboardInterrupt

        run = operations.submit(ws, "w", {})
        with pytest.raises(KeyboardInterrupt):
            worker(ws, lambda c, a: c.step("s", interrupt)).run(run)
        assert state(ws, run) == "queued"

    @pytest.mark.parametrize("later", [["a", "x"], ["a"], ["a", "b"]])
    def test_a_workflow_that_changed_its_mind_needs_a_decision(self, ws: Workspace, later: list[str]) -> None:
        def flow(c: Context, a: dict[str, Any]) -> Any:
            for name in names:
                c.step(name, lambda: None)
            return c.wait("end") if len(names) == 3 else None

        names = ["a", "b", "c"]
        run = operations.submit(ws, "w", {})
        worker(ws, flow).run_until_idle()
        operations.signal(ws, run, "end")
        names = later
        with pytest.raises(NotDeterministic, match="as step"):
            worker(ws, flow).run(run)
        assert state(ws, run) == "needs decision"
        names = ["a", "b", "c"]
        operations.decide(ws, run, "repeat")
        assert worker(ws, flow).run(run) is None

    def test_other_code_needs_a_decision_unless_accepted(self, ws: Workspace) -> None:
        def flow(c: Context, a: dict[str, Any]) -> Any:
            return [c.step("s", lambda: 1), c.wait("end")]

        fresh, begun, accepted = (operations.submit(ws, "w", {"n": n}, code="old") for n in range(3))
        for run in (begun, accepted):
            with pytest.raises(NotFinished):
                worker(ws, flow, code={"w": "old"}).run(run)
        for run in (fresh, begun, accepted):
            operations.signal(ws, run, "end", 2)
        new = worker(ws, flow, code={"w": "new"})
        assert new.run(fresh) == [1, 2]  # nothing was recorded under the old code
        assert new.run(accepted, accept_code=True) == [1, 2]
        with pytest.raises(NeedsDecision, match="began under other code"):
            new.run(begun)
        operations.decide(ws, begun, "accept code")
        assert new.run(begun) == [1, 2]
        assert facts(ws, begun) == ["WorkSubmitted", "WorkHalted", "WorkResumed", "WorkFinished"]

    def test_the_schedule_makes_one_run_an_interval_and_catches_up_once(
        self, ws: Workspace, clock: ManualClock
    ) -> None:
        made = [operations.submit_due(ws, "w", {}, hours(1)) for _ in range(3)]
        assert [bool(run) for run in made] == [True, False, False]
        clock.advance_to(START + hours(5).micros)
        assert operations.submit_due(ws, "w", {}, hours(1))
        with pytest.raises(ZeroDivisionError):
            worker(ws, lambda c, a: 1 / 0).run(operations.unfinished(ws, "w")[-1].run)
        assert operations.submit_due(ws, "w", {}, hours(1)) is None  # failed, and not hammered
        assert len(operations.unfinished(ws, "w")) == 1

    def test_compaction_forgets_results_and_keeps_history(self, ws: Workspace, clock: ManualClock) -> None:
        run, open_run = operations.submit(ws, "w", {"wait": False}), operations.submit(ws, "w", {"wait": True})
        one = worker(ws, lambda c, a: [c.step("s", lambda: "big"), a["wait"] and c.wait("x")])
        one.run_until_idle()
        clock.advance_to(START + days(31).micros)
        assert operations.compact(ws, older_than=days(30)) == 1
        assert [(s.name, s.state, s.result) for s in operations.history(ws, run)] == [("s", "finished", None)]
        assert one.run(run) == ["big", False]
        operations.signal(ws, open_run, "x", 1)
        assert one.run(open_run) == ["big", 1]

    @pytest.mark.parametrize("result", [object(), float("nan"), b"bytes", {"k": {1, object()}}, "x" * (1 << 20)])
    def test_a_result_that_is_no_small_json_fails_the_step(self, ws: Workspace, result: Any) -> None:
        for flow in (
            lambda c, a: c.step("s", lambda: result),
            lambda c, a: c.step("s", lambda: result, kind="once"),
            lambda c, a: c.transaction_step("s", lambda k: add_effect(k, c.run, "x") and result),
            lambda c, a: result,
        ):
            run = operations.submit(ws, "w", {})
            with pytest.raises(BadStep):
                worker(ws, flow).run(run)
            assert (state(ws, run), effects_of(ws, run)) == ("failed", [])

    def test_misuse_is_refused(self, ws: Workspace) -> None:
        def misused(flow: Workflow) -> None:
            with pytest.raises(BadStep):
                worker(ws, flow).run(operations.submit(ws, "w", {}))

        misused(lambda c, a: c.step("outer", lambda: c.step("inner", lambda: 1)))
        misused(lambda c, a: c.step("", lambda: 1))
        misused(lambda c, a: c.step("x" * 256, lambda: 1))
        misused(lambda c, a: c.step("s", lambda: 1, kind="once", attempts=2))
        misused(lambda c, a: c.step("s", lambda: 1, attempts=0))
        with pytest.raises(BadInput):
            operations.submit(ws, "w", {"x": object()})
        with pytest.raises(BadInput):
            worker(ws, lambda c, a: 1, lease=days(2))
        for ask in (operations.status, operations.cancel, operations.retry):
            with pytest.raises(NotFound):
                ask(ws, "work_nothing")
        run = operations.submit(ws, "unknown", {})
        with pytest.raises(NotFound, match="workflow 'unknown'"):
            worker(ws, lambda c, a: 1).run(run)
        with pytest.raises(WrongState):
            operations.retry(ws, run)
        with pytest.raises(WrongState):
            operations.decide(ws, run, "repeat")

    def test_a_run_is_worked_on_by_one_of_many_workers(self, ws: Workspace) -> None:
        asked = [operations.submit(ws, "w", {}) for _ in range(20)]
        executed: list[str] = []

        def flow(c: Context, a: dict[str, Any]) -> None:
            executed.append(c.run)
            c.step("s", lambda: sleep(0.002))

        threads = [threading.Thread(target=worker(ws, flow).run_until_idle) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(executed) == sorted(asked)
        assert {operations.status(ws, run).fence for run in asked} == {1}
