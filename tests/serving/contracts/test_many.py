"""Triton's own client before a server whose models come and go: it loads, unloads, lists, and asks a graph."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import httpx
import many_airlines
import tiny_airline
from many_airlines import names
from test_server import server
from tiny_airline import flight

from noria.testing import rivals

SCRIPT = Path(__file__).parent / "clients" / "tritonclient_many.py"
ROW = {name: value for name, value in flight(4).items() if value is not None and name != "asked_at"}


def test_tritons_client_moves_models_on_demand_and_asks_a_graph(tmp_path: Path) -> None:
    ws = tiny_airline.workspace(tmp_path)
    many_airlines.add_models(ws, names(3))
    ws.close()
    with server(tmp_path, "3", "100000000", "graph", script=Path(many_airlines.__file__)) as (url, _):
        command = [str(rivals.python("tritonclient")), str(SCRIPT), url, json.dumps(ROW)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        seen = json.loads(done.stdout.splitlines()[-1])
        outputs = [
            httpx.post(f"{url}/predict?model={name}", json=flight(4)).json()["predictions"][0]["output"]
            for name in names(2)
        ]
    away = dict.fromkeys(names(3), "UNAVAILABLE") | {"both": "READY"}
    assert seen["at first"] == away == seen["unloaded"]
    assert seen["loaded"] == away | {"m000": "READY"}
    assert seen["asked"] == away | {"m000": "READY", "m001": "READY"}
    assert seen["answers"] == {"both": max(outputs), "m000": outputs[0], "m001": outputs[1]}
    assert seen["platform"] == "noria_graph"
    (refused, unknown) = seen["refused"]
    assert refused[0] == "403" and "not loaded on demand" in refused[1]
    assert unknown[0] == "404" and "there is no model 'm999'" in unknown[1]
