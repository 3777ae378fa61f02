"""The contract of durable work, for every database it runs on.

A backend is a subclass with a fixture `url`. `RuntimeSuite` says what runs, steps and pauses mean;
`SurvivalSuite` kills, stops and blocks real worker processes.
"""

# ruff: noqa: ARG001, ARG005 (a workflow takes a context and arguments, whether it needs them or not)

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from noria.core.clock import Clock, ManualClock, SystemClock, sleep
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
from noria.runtime.tables import runs
from noria.runtime.worker import Worker, Workflow
from noria.testing.runtime_process import (
    WORKFLOWS,
    Trap,
    add_effect,
    effects_of,
    spawn,
    wait_for,
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
    return operations.status(ws, run).state


class _OnDatabase:
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock(START)

    @pytest.fixture
    def ws(self, tmp_path: Path, url: str, clock: Clock) -> Any:
        ws = workspace(tmp_path, url, clock)
        yield ws
        ws.close()


class RuntimeSuite(_OnDatabase):
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


class SurvivalSuite(_OnDatabase):
    """What is left of runs whose workers were killed, stopped or kept busy. Real processes, real signals."""

    @pytest.fixture
    def clock(self) -> SystemClock:
        return SystemClock()

    def test_killed_at_every_commit_point_every_effect_happens_once(
        self, ws: Workspace, tmp_path: Path, url: str
    ) -> None:
        def submitted() -> str:
            run = operations.submit(ws, "mixed", {"steps": 2})
            operations.signal(ws, run, "bonus", 10)
            return run

        trap = Trap()
        undisturbed = Worker(ws, WORKFLOWS, heartbeat=False, fault=trap)
        assert undisturbed.run(submitted()) == 11
        assert len(trap.places) == 24  # taking, 4 steps, sleep, wait, finish: before, inside and after each commit
        victims = []
        for at in range(1, len(trap.places) + 1):
            run = submitted()
            victims.append((at, run, spawn(tmp_path, url, run, trap=at)))
        for at, run, process in victims:
            process.join(20)
            assert process.exitcode == -signal.SIGKILL, trap.places[at - 1]
            assert Worker(ws, WORKFLOWS, heartbeat=False).run(run) == 11, trap.places[at - 1]  # no lease is waited for
            assert effects_of(ws, run) == ["0", "1"], trap.places[at - 1]
            assert facts(ws, run) == ["WorkSubmitted", "WorkFinished"]
            assert [step.seq for step in operations.history(ws, run)] == [1, 2, 3, 4, 5, 6]
        ws.journal.verify()

    def test_random_kills_of_two_workers_double_and_lose_nothing(self, ws: Workspace, tmp_path: Path, url: str) -> None:
        asked = [operations.submit(ws, "mixed", {"steps": 6, "slow": 0.01}) for _ in range(8)]
        for run in asked:
            operations.signal(ws, run, "bonus", 1)
        chance, kills = random.Random(7), 0
        workers = [spawn(tmp_path, url), spawn(tmp_path, url)]
        while operations.unfinished(ws, "mixed"):
            sleep(chance.uniform(0.05, 0.25))
            victim = chance.randrange(2)
            workers[victim].kill()
            workers[victim].join()
            kills += 1
            assert kills < 200
            workers[victim] = spawn(tmp_path, url)
        for process in workers:
            process.kill()
            process.join()
        assert kills >= 2
        for run in asked:
            assert operations.status(ws, run).result == 16
            assert effects_of(ws, run) == ["0", "1", "2", "3", "4", "5"]
            assert facts(ws, run) == ["WorkSubmitted", "WorkFinished"]

    @pytest.mark.parametrize("decision", ["repeat", "done"])
    def test_a_once_step_is_never_repeated_silently(
        self, ws: Workspace, tmp_path: Path, url: str, decision: Any
    ) -> None:
        mark = tmp_path / "mark"
        run = operations.submit(ws, "careful", {"file": str(mark)})
        trap = Trap()
        Worker(ws, WORKFLOWS, heartbeat=False, fault=trap).run(operations.submit(ws, "careful", {"file": f"{mark}2"}))
        process = spawn(tmp_path, url, run, trap=trap.places.index("step: commit") + 1)
        process.join(20)
        assert mark.read_text() == "done\n"  # it was done, but that is not on record
        again = Worker(ws, WORKFLOWS, heartbeat=False)
        for _ in range(2):
            with pytest.raises(NeedsDecision, match="must not be done twice"):
                again.run(run)
        assert again.run_until_idle() == 0
        operations.decide(ws, run, decision, "declared")
        assert again.run(run) == ("done" if decision == "repeat" else "declared")
        assert mark.read_text() == ("done\ndone\n" if decision == "repeat" else "done\n")

    def test_a_worker_stopped_past_its_lease_writes_nothing_more(self, ws: Workspace, tmp_path: Path, url: str) -> None:
        inside, go, outcome = tmp_path / "inside", tmp_path / "go", tmp_path / "outcome"
        run = operations.submit(ws, "blocked", {"inside": str(inside), "go": str(go)})
        zombie = spawn(tmp_path, url, run, lease=300, heartbeat=True, outcome=str(outcome))
        wait_for(inside.exists)
        os.kill(zombie.pid, signal.SIGSTOP)
        go.touch()
        other = Worker(ws, WORKFLOWS, heartbeat=False)
        wait_for(lambda: other.run_until_idle())
        before = (operations.status(ws, run), operations.history(ws, run), effects_of(ws, run))
        assert (before[0].state, before[2]) == ("finished", ["after"])
        os.kill(zombie.pid, signal.SIGCONT)
        wait_for(outcome.exists)
        zombie.join(20)
        assert outcome.read_text() == "Lost"
        assert (operations.status(ws, run), operations.history(ws, run), effects_of(ws, run)) == before

    def test_a_step_that_keeps_the_global_lock_keeps_its_lease(self, ws: Workspace, tmp_path: Path, url: str) -> None:
        inside, outcome = tmp_path / "inside", tmp_path / "outcome"
        run = operations.submit(ws, "hogging", {"inside": str(inside), "micros": 3_000_000})
        hog = spawn(tmp_path, url, run, lease=1500, heartbeat=True, outcome=str(outcome))
        wait_for(inside.exists)
        rival = Worker(ws, WORKFLOWS, heartbeat=False)
        while not outcome.exists():
            assert rival.run_until_idle() == 0
            sleep(0.05)
        hog.join(20)
        assert outcome.read_text() == "finished"
        assert operations.status(ws, run).fence == 1

    def test_without_a_heartbeat_it_loses_its_lease(self, ws: Workspace, tmp_path: Path, url: str) -> None:
        inside, outcome = tmp_path / "inside", tmp_path / "outcome"
        run = operations.submit(ws, "hogging", {"inside": str(inside), "micros": 600_000})
        hog = spawn(tmp_path, url, run, lease=200, heartbeat=False, outcome=str(outcome))
        wait_for(inside.exists)
        rival = Worker(ws, {"hogging": lambda c, a: c.step("hog", lambda: "rival")}, heartbeat=False)
        wait_for(rival.run_until_idle)
        hog.join(20)
        assert (outcome.read_text(), operations.status(ws, run).result) == ("Lost", "rival")

    def test_a_heartbeat_ends_with_its_worker(self, ws: Workspace, tmp_path: Path, url: str) -> None:
        inside, go = tmp_path / "inside", tmp_path / "go"
        run = operations.submit(ws, "blocked", {"inside": str(inside), "go": str(go)})
        process = spawn(tmp_path, url, run, lease=300, heartbeat=True)
        wait_for(inside.exists)
        wait_for(lambda: _beaten(ws, run))
        process.kill()
        process.join()
        sleep(0.4)  # whatever is still beating would renew the lease
        lease = _lease(ws, run)
        sleep(0.4)
        assert _lease(ws, run) == lease

    def test_a_run_that_kills_its_workers_is_shown_to_a_person(self, ws: Workspace) -> None:
        run = operations.submit(ws, "w", {})
        with ws.database.transaction() as connection:
            connection.execute(sa.update(runs).values(deaths=100))
        assert worker(ws, lambda c, a: 1).run_until_idle() == 0
        assert state(ws, run) == "needs decision"
        operations.decide(ws, run, "repeat")
        assert worker(ws, lambda c, a: 1).run(run) == 1


def _lease(ws: Workspace, run: str) -> int:
    with ws.database.reading() as connection:
        return int(connection.execute(sa.select(runs.c.lease_until).where(runs.c.run == run)).scalar_one())


def _beaten(ws: Workspace, run: str) -> bool:
    first = _lease(ws, run)
    sleep(0.3)
    return _lease(ws, run) != first
