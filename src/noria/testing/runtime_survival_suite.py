"""What is left of runs when workers die, hang or lose touch: the second half of the contract of durable work."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from noria.core.clock import SystemClock, sleep
from noria.core.errors import Lost
from noria.core.units import ms
from noria.runtime import operations
from noria.runtime.model import NeedsDecision
from noria.runtime.tables import runs, steps
from noria.runtime.worker import Worker
from noria.testing.runtime_process import WORKFLOWS, Trap, add_effect, effects_of, spawn, wait_for
from noria.testing.runtime_suite import OnDatabase, facts, state, worker
from noria.workspace.workspace import Workspace


class FenceSuite(OnDatabase):
    """Two workers that both believe they have a run. Looks below the surface, to meet every order of events."""

    def test_a_relieved_worker_writes_nothing_while_the_other_works(self, ws: Workspace) -> None:
        run = operations.submit(ws, "w", {})
        first, second = worker(ws, lambda c, a: 1, lease=ms(1)), worker(ws, lambda c, a: 2)
        old, _ = first._take(first._row(run)) or pytest.fail("not taken")
        sleep(0.002)
        new, _ = second._take(second._row(run)) or pytest.fail("not taken")
        for _ in range(2):
            with pytest.raises(Lost), old.writing("effect") as connection:
                add_effect(connection, run, "old")
        for end in (lambda: old.finish("w", 1), lambda: old.let_go("stop"), lambda: old.fail("w", OSError())):
            with pytest.raises(Lost):
                end()
        with new.writing("effect") as connection:
            add_effect(connection, run, "new")
        assert effects_of(ws, run) == ["new"]

    def test_what_was_seen_must_still_be_so_when_it_is_taken(self, ws: Workspace) -> None:
        run = operations.submit(ws, "w", {})
        first, second = worker(ws, lambda c, a: 1), worker(ws, lambda c, a: 2)
        seen = second._row(run)
        hold, _ = first._take(seen) or pytest.fail("not taken")
        assert second._take(seen) is None
        hold.let_go("stop")
        assert second._take(seen) is None, "it is queued again, but under another fence"

    def test_a_lease_renewed_at_the_last_moment_holds(self, ws: Workspace) -> None:
        run = operations.submit(ws, "w", {})
        first, second = worker(ws, lambda c, a: 1, lease=ms(1)), worker(ws, lambda c, a: 2)
        hold, _ = first._take(first._row(run)) or pytest.fail("not taken")
        sleep(0.002)
        seen = second._row(run)
        assert second._is_free(seen)
        with hold.writing("step"):
            pass
        assert second._take(seen) is None


class SurvivalSuite(OnDatabase):
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
            before = _progress(ws)
            wait_for(lambda before=before: _progress(ws) > before or not operations.unfinished(ws, "mixed"))  # type: ignore[misc]
            sleep(chance.uniform(0, 0.1))
            victim = chance.randrange(2)
            workers[victim].kill()
            workers[victim].join()
            kills += 1
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


def _progress(ws: Workspace) -> int:
    with ws.database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(steps)).scalar_one())


def _lease(ws: Workspace, run: str) -> int:
    with ws.database.reading() as connection:
        return int(connection.execute(sa.select(runs.c.lease_until).where(runs.c.run == run)).scalar_one())


def _beaten(ws: Workspace, run: str) -> bool:
    first = _lease(ws, run)
    sleep(0.3)
    return _lease(ws, run) != first
