"""Serving beside rivals: `python benchmarks/serving.py [--only NAME,NAME] [--seconds S] [--rounds N]`.

Every server answers the same row of 20 numbers in JSON with the same 100-tree model or small perceptron, each in its
own natural contract, one process and one model thread. Server on one core, load (benchmarks/load.c) on the other;
servers take turns, round after round. First figure: CPU of the server's whole process tree, user and system, for
each request, and the same above a bare `session.run`. Then requests a second with 16 connections in a closed loop,
and the 99th percentile at 1,000 requests a second in an open loop, counted from the moment a request was due. A server
that cannot keep up has no percentile to tell. Answers are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beside import LOAD_CORE, Connection, cpu_seconds, machine, memory_mb, pinned

from noria.core.clock import monotonic, sleep
from noria.testing import rivals
from noria.testing.server_process import free_port

HERE = Path(__file__).parent
RIVALS = HERE / "serving_rivals"
ROW = [round(0.1 * number - 0.9, 3) for number in range(20)]
OPEN_RATE = 1000
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Way:
    """How a server is started and asked: its command, the path, the body, and where the answer's number is."""

    name: str
    command: Callable[[Path, str, int], list[str]]
    path: str
    body: Any
    read: Callable[[Any], float]
    environment: dict[str, str] = field(default_factory=dict)


def _rows(answer: Any) -> float:
    return float(answer["predictions"][0])


def _named(name: str, value: float) -> dict[str, Any]:
    return {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}


FEATURES = [f"f{number:02}" for number in range(20)]
ASKED = {"ask_id": "a", "asked_at": "2026-11-01T12:00:00", **dict(zip(FEATURES, ROW, strict=True))}
V2 = {"inputs": [
    {"name": "ask_id", "shape": [1], "datatype": "BYTES", "data": ["a"]},
    *(_named(name, value) for name, value in zip(FEATURES, ROW, strict=True)),
]}  # fmt: skip
MLSERVER = {"inputs": [{"name": "rows", "shape": [1, 20], "datatype": "FP32", "data": ROW}]}


def _ours(folder: Path, model: str, port: int) -> list[str]:
    home = shutil.copytree(folder / model, folder / str(port) / model)  # a log has one writer
    return [sys.executable, str(HERE / "serving_models.py"), "serve", str(home)]


def _script(environment: str, script: str) -> Callable[[Path, str, int], list[str]]:
    def command(folder: Path, model: str, port: int) -> list[str]:
        return [str(rivals.python(environment)), str(RIVALS / script), str(folder / f"{model}.onnx"), str(port)]

    return command


def _mlserver(folder: Path, model: str, port: int) -> list[str]:
    home = folder / f"mlserver-{model}"
    home.mkdir(exist_ok=True)
    (home / "mlserver_model.py").write_text((RIVALS / "mlserver_model.py").read_text())
    (home / "settings.json").write_text(json.dumps({
        "http_port": port, "grpc_port": free_port(), "metrics_port": free_port(), "host": "127.0.0.1",
        "parallel_workers": 0, "debug": False, "metrics_endpoint": None,
    }))  # fmt: skip
    told = {
        "name": "bench",
        "implementation": "mlserver_model.Graph",
        "parameters": {"uri": str(folder / f"{model}.onnx")},
    }
    (home / "model-settings.json").write_text(json.dumps(told))
    return [str(rivals.python("mlserver").with_name("mlserver")), "start", str(home)]


def _mlflow(folder: Path, model: str, port: int) -> list[str]:
    python = rivals.python("mlflow")
    home = folder / f"mlflow-{model}"
    if not home.exists():
        save = "import joblib, mlflow, sys; model = joblib.load(sys.argv[1]); "
        save += "mlflow.sklearn.save_model(model, sys.argv[2], serialization_format='cloudpickle', "
        save += "pyfunc_predict_fn='predict_proba')"
        subprocess.run([str(python), "-c", save, str(folder / f"{model}.joblib"), str(home)], check=True)
    command = [str(python.with_name("mlflow")), "models", "serve", "-m", str(home), "-p", str(port), "-h", "127.0.0.1"]
    return [*command, "--env-manager", "local", "-w", "1"]


def _bento(_folder: Path, _model: str, port: int) -> list[str]:
    bento = str(rivals.python("bentoml").with_name("bentoml"))
    return [
        bento,
        "serve",
        "bentoml_service:Service",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--working-dir",
        str(RIVALS),
    ]


WAYS = [
    Way("Noria, Open Inference v2", _ours, "/v2/models/MODEL/infer", V2, lambda said: said["outputs"][0]["data"][0]),
    Way("Noria, /predict", _ours, "/predict", ASKED, lambda said: said["predictions"][0]["output"]),
    Way("FastAPI + ONNX Runtime", _script("fastapi", "fastapi_app.py"), "/predict", {"rows": [ROW]}, _rows),
    Way("MLServer", _mlserver, "/v2/models/bench/infer", MLSERVER, lambda said: said["outputs"][0]["data"][0]),
    Way("LitServe", _script("litserve", "litserve_app.py"), "/predict", {"rows": [ROW]}, _rows),
    Way("KServe's Python server", _script("kserve", "kserve_model.py"), "/v1/models/bench:predict",
        {"instances": [ROW]}, _rows),
    Way("BentoML", _bento, "/predict", {"rows": [ROW]}, lambda said: said[0], {"BENTOML_DO_NOT_TRACK": "true"}),
    Way("Ray Serve", _script("ray", "ray_app.py"), "/predict", {"rows": [ROW]}, _rows),
    Way("mlflow models serve", _mlflow, "/invocations",
        {"dataframe_split": {"columns": FEATURES, "data": [ROW]}}, lambda said: said["predictions"][0][1]),
]  # fmt: skip


class Served:
    """A server that is up, on its core, and what was measured of it."""

    def __init__(self, way: Way, folder: Path, model: str, pin: tuple[str, ...]) -> None:
        self.way, self.model, self.started = way, model, monotonic()
        port = free_port()
        program = way.command(folder, model, port)
        command = [*pin, *program]
        environment = {
            **os.environ,
            "PATH": f"{Path(program[0]).parent}:{os.environ['PATH']}",  # MLflow starts the uvicorn it finds there
            "BENCH_MODEL": str(folder / f"{model}.onnx"),
            "OMP_NUM_THREADS": "1",
            **way.environment,
        }
        ours = way.name.startswith("Noria")
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE if ours else subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
            env=environment, start_new_session=True,
        )  # fmt: skip
        self.port = self._told_port() if ours else port
        self.answer = self._first()
        self.cpu_us: list[float] = []
        self.rate: list[float] = []
        self.p99: list[float] = []
        self.failed = 0

    def _told_port(self) -> int:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("http://"):
                return int(line.strip().rsplit(":", 1)[1])
        raise RuntimeError(f"{self.way.name} ended before it answered")

    def _first(self) -> float:
        """Ask until there is an answer; remembers how long that took."""
        while True:
            connection = Connection(self.port, timeout=10)
            try:
                said = connection.send("POST", self.path, json.dumps(self.way.body).encode())
                self.ready = monotonic() - self.started
                return float(self.way.read(json.loads(said)))
            except (OSError, RuntimeError) as error:
                if monotonic() - self.started > _PATIENCE_S or self._process.poll() is not None:
                    raise RuntimeError(f"{self.way.name} does not answer: {error}") from error
                sleep(0.1)
            finally:
                connection.close()

    @property
    def path(self) -> str:
        return self.way.path.replace("MODEL", self.model)

    def load(self, tool: Path, folder: Path, connections: int, seconds: float, rate: int = 0) -> dict[str, Any]:
        """One run of the load; notes the CPU that it cost."""
        body = json.dumps(self.way.body).encode()
        head = f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\n"
        request = folder / "request.bin"
        request.write_bytes(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        before = cpu_seconds(self._process.pid)
        command = ["taskset", "-c", str(LOAD_CORE), str(tool), "127.0.0.1", str(self.port), str(request)]
        command += [str(connections), str(seconds), *([str(rate)] if rate else [])]
        found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        found["cpu_us"] = (cpu_seconds(self._process.pid) - before) / max(found["answered"], 1) * 1e6
        self.failed += found["failed"] + found["refused"]
        return found

    def memory(self) -> float:
        return memory_mb(self._process.pid)[1]

    def stop(self) -> None:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, how)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)


def bare(folder: Path, model: str) -> float:
    """Microseconds of CPU that one `session.run` of the matrix graph takes."""
    import time

    import numpy as np
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(folder / f"{model}.onnx"), options)
    feed = {session.get_inputs()[0].name: np.asarray([ROW], dtype=np.float32)}
    taken = []
    for _ in range(4000):
        started = time.thread_time_ns()
        session.run(None, feed)
        taken.append((time.thread_time_ns() - started) / 1000)
    return statistics.median(taken)


def measure(served: list[Served], tool: Path, folder: Path, rounds: int, seconds: float) -> None:
    """All of them in turn, round after round, forwards and backwards."""
    for one in served:
        one.load(tool, folder, 4, 1.0)  # warm
    for number in range(rounds):
        for one in served if number % 2 == 0 else reversed(served):
            closed = one.load(tool, folder, 16, seconds)
            one.cpu_us.append(closed["cpu_us"])
            one.rate.append(closed["answered"] / closed["seconds"])
            opened = one.load(tool, folder, 64, seconds, OPEN_RATE)
            kept_up = opened["answered"] >= 0.97 * OPEN_RATE * seconds and not opened["failed"]
            one.p99.append(opened["p99"] / 1000 if kept_up else float("inf"))


def table(served: list[Served], floor: float) -> str:
    """What was measured, and how many times better the first of ours is."""
    ours = statistics.median(served[0].rate)
    lines = [
        "| server | CPU us a request | above session.run | requests/s, 16 connections | Noria v2 / it "
        "| p99 ms at 1,000/s | first answer, s | memory, MB | errors |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in served:
        cpu, rate, p99 = (statistics.median(values) for values in (one.cpu_us, one.rate, one.p99))
        tail = "cannot" if p99 == float("inf") else f"{p99:.2f}"
        lines.append(
            f"| {one.way.name} | {cpu:,.0f} | {cpu - floor:,.0f} | {rate:,.0f} | {ours / rate:.1f} "
            f"| {tail} | {one.ready:.1f} | {one.memory():.0f} | {one.failed} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Start, compare, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="parts of names, with commas")
    parser.add_argument("--models", default="trees,mlp")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=5)
    said = parser.parse_args()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tool = folder / "load"
        subprocess.run(["cc", "-O2", "-o", str(tool), str(HERE / "load.c")], check=True)
        subprocess.run([sys.executable, str(HERE / "serving_models.py"), "make", str(folder)], check=True,
                       stderr=subprocess.DEVNULL)  # fmt: skip
        pin = pinned()
        for model in said.models.split(","):
            wanted = [way for way in WAYS if any(part in way.name for part in said.only.split(","))]
            served: list[Served] = []
            for way in wanted:
                try:
                    served.append(Served(way, folder, model, pin))
                except (RuntimeError, FileNotFoundError, subprocess.CalledProcessError) as error:
                    print(f"NOT MEASURED: {way.name}: {error}", flush=True)
            try:
                answers = {one.way.name: one.answer for one in served}
                if max(answers.values()) - min(answers.values()) > 1e-4:
                    raise SystemExit(f"they do not agree: {answers}")
                floor = bare(folder, model)
                measure(served, tool, folder, said.rounds, said.seconds)
                print(f"\n{model}: a bare session.run takes {floor:.1f} us\n\n{table(served, floor)}", flush=True)
            finally:
                for one in served:
                    one.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
