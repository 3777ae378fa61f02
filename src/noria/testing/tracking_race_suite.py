"""What tracking must do, on every database, when many write at once: one wins, the others learn it, nobody hangs."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import sqlalchemy as sa

from noria.core.errors import NoriaError
from noria.testing.tracking_suite import count_points, facts
from noria.tracking import artifacts, experiments, inputs, logged_models, runs
from noria.tracking.experiments import ExperimentExists, NotActive
from noria.tracking.logged_models import ModelPoints
from noria.tracking.model import Dataset, DatasetInput, Point
from noria.tracking.runs import ParamChanged, RunExists
from noria.tracking.tables import artifacts as artifact_rows
from noria.tracking.tables import runs as run_rows
from noria.workspace.workspace import Workspace

WRITERS = 6

WRITER = """
import sys
from pathlib import Path
from noria.testing.workspace import make_workspace
from noria.tracking import experiments, runs
from noria.tracking.model import Point
url, number = sys.argv[2], int(sys.argv[3])
ws = make_workspace(Path(sys.argv[1]), database=url)
try:
    key = experiments.create_experiment(ws, "shared").key
    print("made it")
except experiments.ExperimentExists:
    key = experiments.find_experiment(ws, "shared").key
try:
    runs.create_run(ws, key, id="run_shared")
    print("began it")
except runs.RunExists:
    pass
for round in range(15):
    names = [f"m{(round + number + each) % 40}" for each in range(40)]
    points = [Point(name, 1.0, round, round) for name in (names if number % 2 else reversed(names))]
    try:
        runs.log_batch(ws, "run_shared", points, {f"p{round}": str(number)}, {name: str(number) for name in names})
        print("param", round)
    except runs.ParamChanged:
        runs.log_batch(ws, "run_shared", points, {}, {name: str(number) for name in names})
"""
"""A process that makes what others make at the same time, and logs what they log, in another order."""


class RaceSuite:
    """A subclass gives the fixture `ws`: an empty workspace on a `ManualClock`."""

    def race(self, *acts: Callable[[], Any]) -> list[str]:
        """What became of each act, all begun at once: `done`, or the kind of error."""
        barrier = Barrier(len(acts))

        def start(act: Callable[[], Any]) -> str:
            barrier.wait()
            try:
                act()
            except NoriaError as error:
                return type(error).__name__
            return "done"

        with ThreadPoolExecutor(len(acts)) as pool:
            return list(pool.map(start, acts))

    def all_but_one(self, outcomes: Sequence[str], error: type[NoriaError]) -> bool:
        return Counter(outcomes) == {"done": 1, error.__name__: len(outcomes) - 1}

    def test_one_makes_the_experiment(self, ws: Workspace) -> None:
        outcomes = self.race(*[lambda: experiments.create_experiment(ws, "iris")] * WRITERS)
        assert self.all_but_one(outcomes, ExperimentExists)
        assert facts(ws) == ["ExperimentCreated"]

    def test_nobody_makes_the_default_experiment_twice(self, ws: Workspace) -> None:
        assert self.race(*[lambda: runs.create_run(ws, 0)] * WRITERS) == ["done"] * WRITERS

    def test_one_begins_the_run(self, ws: Workspace) -> None:
        outcomes = self.race(*[lambda: runs.create_run(ws, 0, id="run_1")] * WRITERS)
        assert self.all_but_one(outcomes, RunExists)

    def test_one_value_of_a_param_stands(self, ws: Workspace) -> None:
        run = runs.create_run(ws, 0).id
        acts = [lambda n=n: runs.log_batch(ws, run, params={"rate": str(n), f"p{n}": "1"}) for n in range(WRITERS)]
        assert self.all_but_one(self.race(*acts), ParamChanged)
        found = runs.get_run(ws, run).params
        assert found == {"rate": found["rate"], f"p{found['rate']}": "1"}
        assert self.race(*[lambda: runs.log_batch(ws, run, params={"new": "1"})] * WRITERS) == ["done"] * WRITERS

    def test_batches_in_opposite_order_do_not_block_each_other(self, ws: Workspace) -> None:
        run = runs.create_run(ws, 0).id
        names = [f"m{number}" for number in range(100)]

        def log(number: int) -> None:
            ordered = names if number % 2 else names[::-1]
            tags = dict.fromkeys(ordered, str(number)) | {"mlflow.runName": str(number)}
            for step in range(5):
                points = [Point(name, float(step), step, step) for name in ordered]
                runs.log_batch(ws, run, points, dict.fromkeys(ordered, "same"), tags)
                runs.update_run(ws, run, name=f"{number}")

        assert self.race(*[lambda n=n: log(n) for n in range(WRITERS)]) == ["done"] * WRITERS
        assert count_points(ws) == 500
        found = runs.get_run(ws, run)
        assert found.tags["mlflow.runName"] == found.name

    def test_datasets_and_models_in_opposite_order(self, ws: Workspace) -> None:
        run = runs.create_run(ws, 0).id
        ids = [logged_models.create_logged_model(ws, 0).id for _ in range(5)]
        used = [DatasetInput(Dataset(f"d{number}", "x", "code", "{}")) for number in range(20)]

        def log(number: int) -> None:
            step = 1 if number % 2 else -1
            inputs.log_inputs(ws, run, used[::step])
            measured = [ModelPoints(id, [Point(f"m{n}", 1.0, 1) for n in range(20)[::step]]) for id in ids[::step]]
            runs.log_batch(ws, run, of_models=measured)
            for id in ids[::step]:
                logged_models.set_logged_model_tags(ws, id, dict.fromkeys(["a", "b", "c"][::step], "x"))

        assert self.race(*[lambda n=n: log(n) for n in range(WRITERS)]) == ["done"] * WRITERS
        assert len(runs.get_run(ws, run).datasets) == 20

    def test_no_run_slips_into_an_experiment_that_is_being_deleted(self, ws: Workspace) -> None:
        for _ in range(5):
            key = experiments.create_experiment(ws, ws.ids.hex()).key
            begin: list[Callable[[], Any]] = [lambda key=key: runs.create_run(ws, key)] * (WRITERS - 1)  # type: ignore[misc]
            outcomes = self.race(*begin, lambda key=key: experiments.delete_experiment(ws, key))  # type: ignore[misc]
            assert set(outcomes) <= {"done", NotActive.__name__}
            with ws.database.reading() as connection:
                assert {
                    row.stage
                    for row in connection.execute(sa.select(run_rows.c.stage).where(run_rows.c.experiment == key))
                } <= {"deleted"}

    def test_no_file_is_left_in_a_folder_that_is_gone(self, ws: Workspace) -> None:
        digest = ws.blobs.put(b"data")
        for turn in range(10):
            puts = [lambda n=n: artifacts.put_artifact(ws, f"r/a/b{n % 2}/{n}", digest, 4) for n in range(WRITERS - 2)]
            deletes = [lambda: artifacts.delete_artifacts(ws, "r/a"), lambda: artifacts.delete_artifacts(ws, "r/a/b0")]
            assert self.race(*puts, *deletes) == ["done"] * WRITERS, turn
            with ws.database.reading() as connection:
                rows = {row.path: row.folder for row in connection.execute(sa.select(artifact_rows))}
            assert all(folder in rows for folder in rows.values() if folder)

    def test_the_same_path_twice_at_once(self, ws: Workspace) -> None:
        def keep(number: int) -> None:
            with artifacts.writer(ws) as file:
                file.write(b"%d" % number)
                file.keep("new/folder/file")

        assert self.race(*[lambda n=n: keep(n) for n in range(WRITERS)]) == ["done"] * WRITERS
        kept = artifacts.get_artifact(ws, "new/folder/file")
        assert kept.digest is not None
        assert ws.blobs.get(kept.digest) in {b"%d" % number for number in range(WRITERS)}

    def test_many_processes(self, ws: Workspace, tmp_path: Any) -> None:
        url = ws.database.url.render_as_string(hide_password=False)
        commands = [[sys.executable, "-c", WRITER, str(tmp_path), url, str(number)] for number in range(3)]
        running = [subprocess.Popen(one, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for one in commands]
        said = [process.communicate() for process in running]
        assert [process.returncode for process in running] == [0] * 3, said
        lines = Counter(line for out, _ in said for line in out.splitlines())
        assert lines == {"made it": 1, "began it": 1, **{f"param {turn}": 1 for turn in range(15)}}
        assert count_points(ws) == 600
        assert ws.journal.verify() == 2
