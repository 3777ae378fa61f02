"""`noria serve` with a project that declares models on demand and graphs of them, from the file to the answer."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from flights_project import FlightsProject
from noria.serving.log import LogReader
from noria.testing.server_process import free_port

MORE = '''

@project.model(features=[hour_of_day, Flight.distance], label=late)
def guess(X: pd.DataFrame, y: pd.Series) -> Pipeline:
    """As simple as can be."""
    return make_pipeline(Booster(max_iter=5)).fit(X, y)


guess.split(train=days(21), test=days(7), gap=hours(30))


def upper(row):
    return {**row, "origin": row["origin"].upper()}


project.ensemble("careful", lateness, guess, combine="weighted", weights=(3, 1), before=upper)
'''
ON_DEMAND = """
[lateness.serving]
load = "on demand"
idle = "10m"
[guess.serving]
load = "on demand"
[serving]
memory = "200MB"
"""
ROW = {"origin": "jfk", "dest": "BOS", "carrier": "UA", "tailnum": None, "departs": "2013-02-21T14:00:00"}


@contextmanager
def serving(project: FlightsProject, *arguments: str) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    port = free_port()
    process = project.start("serve", *arguments, "--port", str(port), stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = ""
    while "answering at" not in said:
        said = process.stderr.readline()
        assert said, "it did not come up"
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def test_models_on_demand_and_a_graph_of_them(flights_that_ran: FlightsProject) -> None:
    module = flights_that_ran.root / "flights.py"
    module.write_text(module.read_text() + MORE)
    values = flights_that_ran.root / "flights.toml"
    values.write_text(values.read_text() + ON_DEMAND)
    flights_that_ran.noria("run", "guess", "--as-of", "2013-02-20")
    row = {**ROW, "flight_id": "F1", "distance": 500}
    answers = []
    for _ in range(2):  # killed in between
        with serving(flights_that_ran, "careful") as (client, process):
            index = {one["name"]: one["state"] for one in client.post("/v2/repository/index").json()}
            assert index == {"careful": "READY", "guess": "UNAVAILABLE", "lateness": "UNAVAILABLE"}
            asked = {**row, "prediction_id": f"p{len(answers)}"}
            (answer,) = client.post("/predict?model=careful", json=asked).json()["predictions"]
            members = [
                client.post(f"/predict?model={name}", json={**row, "origin": "JFK"}).json()["predictions"][0]["output"]
                for name in ("lateness", "guess")
            ]
            assert abs(answer["output"] - (3 * members[0] + members[1]) / 4) < 1e-12
            told = client.get("/metrics").text
            assert "noria_models_in_memory 2.0" in told and "noria_models_memory_budget_bytes 2e+08" in told
            answers.append(answer["output"])
            process.kill()
    assert answers[0] == answers[1]
    records, _ = LogReader(flights_that_ran.root / ".noria" / "log").predictions()
    mine = [one for one in records if one.model == "careful"]
    assert [one.features for one in mine] == [
        {"lateness": members[0], "lateness.version": 1, "guess": members[1], "guess.version": 1}
    ] * 2
