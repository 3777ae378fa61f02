"""Whole tables answered by a Ray cluster, started on this machine: the same rows as here, killed or not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import batch_airline
import psutil
import pyarrow.parquet as pq
import pytest
from batch_airline import Airline, asked_flights, given
from native_airline import add_native
from tiny_airline import INPUTS

from noria.core.errors import NotFound
from noria.features.model import FunctionInput
from noria.serving.batch.model import Pinned
from noria.serving.batch.on_ray import NotThere, place_of
from noria.serving.batch.opening import Recipe
from noria.serving.batch.typing_rows import UnfitTable

ENVIRONMENT = {**os.environ, "RAY_ADDRESS": "local", "RAY_USAGE_STATS_ENABLED": "0"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    """A cluster of two processors that outlives several jobs."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
        yield ray
        ray.shutdown()


def test_the_rows_are_those_answered_here_also_when_a_process_of_the_cluster_dies(
    airline: Airline, cluster: object
) -> None:
    looked_up = airline.write("flights.parquet", asked_flights(200))
    rows = given(1000)
    rows[17]["distance"], rows[400]["carrier"] = -1.0, None
    brought = airline.write("rows.parquet", rows)
    killed: list[int] = []

    def kill(done: int, _: int | None) -> None:
        if done and not killed:
            killed.append(next(one for one in psutil.Process().children(recursive=True) if "Hand" in one.name()).pid)
            os.kill(killed[0], signal.SIGKILL)

    for path, watch in ((looked_up, lambda done, total: None), (brought, kill)):
        there = airline.predict(path, "there.parquet", rows=90, on="ray", replace=True, watch=watch)
        here = airline.predict(path, "here.parquet", rows=90, replace=True)
        assert replace(there, output="") == replace(here, output="")
        tables = [pq.read_table(airline.root / f"{name}.parquet") for name in ("there", "here")]
        assert tables[0].equals(tables[1])
    assert killed
    with pytest.raises(UnfitTable, match="origin"):
        airline.predict(airline.write("few.parquet", [{"flight_id": "UA1"}]), "few_answers.parquet", on="ray")


def test_a_native_model_is_asked_there_too_and_errors_come_back_as_they_are(airline: Airline, cluster: object) -> None:
    add_native(airline.ws, 0.013)
    path = airline.write("rows.parquet", given(200))
    airline.predict(path, "here.parquet", rows=50)
    airline.predict(path, "there.parquet", rows=50, on="ray")
    assert pq.read_table(airline.root / "there.parquet").equals(pq.read_table(airline.root / "here.parquet"))
    numbers = airline.write("numbers.parquet", [{**one, "origin": 5} for one in given(5)])
    with pytest.raises(UnfitTable, match="holds int64, and the model takes string") as caught:
        airline.predict(numbers, "none.parquet", on="ray")
    assert [one.place for one in caught.value.faults] == ["origin"]


def test_a_killed_run_goes_on_also_without_the_cluster(airline: Airline) -> None:
    path = airline.write("rows.parquet", given(3000), row_group_size=500)
    airline.predict(path, "expected.parquet")
    command = [sys.executable, batch_airline.__file__, str(airline.root), str(path), "answers.parquet", "50", "ray"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        for line in process.stdout:
            if int(line) >= 200:
                break
        process.kill()
    assert not (airline.root / "answers.parquet").exists()
    answered = airline.predict(path, "answers.parquet", rows=50)
    assert 4 <= answered.resumed < answered.chunks == 60
    assert pq.read_table(airline.root / "answers.parquet").equals(pq.read_table(airline.root / "expected.parquet"))
    assert not list(airline.root.glob(".*.unfinished"))


def test_functions_that_have_no_name_elsewhere_are_told_before_anything_is_sent(airline: Airline) -> None:
    recipe = Recipe(Pinned(1, "", (), "given", False, 0), (), ())
    (call,) = (one for one in INPUTS.inputs if isinstance(one, FunctionInput))
    assert place_of(airline.ws, recipe, INPUTS, {call.function: len}).functions == (call.function,)
    with pytest.raises(NotFound, match="hour_of_day"):
        place_of(airline.ws, recipe, INPUTS, {})
    inside = replace(INPUTS, inputs=(replace(call, function="flights:make.<locals>.hour"),))
    with pytest.raises(NotThere, match="cannot be imported elsewhere"):
        place_of(airline.ws, recipe, inside, {"flights:make.<locals>.hour": len})
