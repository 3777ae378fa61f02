"""Many models in one server under a budget of memory for few, asked at random, killed in between.

    python many_models.py [--models 200] [--room 10] [--seconds 30] [--threads 6]

Three perceptrons that differ in their seed, each under many names, are asked at random, with equal chances and by
Zipf's law, without a limit and with one. In the last phase the server is killed half-way and started again, and
asked by a client that retries. Every answer is compared with what the model's own session says. Memory of the
process has the log and the answers in it, too; `models` is what the server counts for models.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

import numpy as np
import pyarrow as pa
from prometheus_client.parser import text_string_to_metric_families
from serving_models import FEATURES, INPUTS, data, estimator, workspace

from noria import Client, Patience
from noria.serving.data_plane import run_data_plane
from noria.serving.model import LoadRules, ServedModel

SEEDS = 3
Ask = Callable[[], int]


def names(models: int) -> list[str]:
    """What the models are called."""
    return [f"m{number:04}" for number in range(models)]


def make(folder: Path, models: int) -> list[float]:
    """Package three models and promote each under many names; gives their answers to the row of zeros."""
    from noria.optimization.operations import package, save_package
    from noria.optimization.session import Session
    from noria.registry.model import Lineage
    from noria.registry.operations import promote, register
    from noria.validation.model import Evaluation, GateSheet

    frame, label = data()
    ws = workspace(folder)
    packages, answers = [], []
    for seed in range(SEEDS):
        fitted = estimator("mlp", seed).fit(frame, label)
        made = package(
            ws, model=fitted, inputs=INPUTS, label="label", task="classification",
            table=pa.Table.from_pandas(frame, preserve_index=False), prediction=fitted.predict_proba(frame)[:, 1],
        )  # fmt: skip
        packages.append((made, save_package(ws, made)))
        answers.append(Session(ws.blobs.path(made.model), made.columns).predict_row(dict.fromkeys(FEATURES, 0.0)))
    for number, name in enumerate(names(models)):
        made, digest = packages[number % SEEDS]
        version = register(
            ws, model=name, package=made, package_digest=digest, profile=None, gates=GateSheet(()),
            evaluation=Evaluation(len(frame), 0, 1, {}, {}), stage="candidate", idempotency="bench",
            lineage=Lineage("bench", {}, {}, {}, {}, {}, "", 1),
        )  # fmt: skip
        promote(ws, name, version.number, reason="benchmark")
    ws.close()
    return answers


def serve(folder: Path, models: int, memory: int, port: int) -> None:
    """Answer until a signal comes."""
    ws = workspace(folder)
    served = {name: ServedModel(INPUTS, load=LoadRules(on_demand=True)) for name in names(models)}
    run_data_plane(ws, served, {}, port=port, memory=memory or None, on_ready=lambda url: print(url, flush=True))
    ws.close()


class Server:
    """The data plane in a process of its own."""

    def __init__(self, folder: Path, models: int, memory: int) -> None:
        self._words = [sys.executable, __file__, "--serve", str(folder), "--models", str(models)]
        self._words += ["--memory", str(memory)]
        self.port = 0
        self.start()

    def start(self) -> None:
        """Start it, at the same port as before."""
        words = [*self._words, "--port", str(self.port)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        self.port = int(self.url.rpartition(":")[2])

    @property
    def memory(self) -> float:
        """Megabytes of the process that are in memory."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * 4096 / 1e6

    def told(self, metric: str) -> float:
        """The sum of a metric's samples."""
        import httpx

        families = text_string_to_metric_families(httpx.get(f"{self.url}/metrics").text)
        return sum(one.value for family in families for one in family.samples if one.name == metric)


def hammer(server: Server, right: list[float], pick: Ask, seconds: float, threads: int, models: list[str]) -> str:
    """Ask from several threads; gives a line of what was seen. Raises when an answer is wrong."""
    took: list[float] = []
    wrong: list[str] = []
    until = time.monotonic() + seconds

    def ask() -> None:
        with Client(server.url, patience=Patience(deadline=60, attempts=1000)) as client:
            while time.monotonic() < until:
                number = pick()
                began = time.monotonic()
                row = {"ask_id": "a", **dict.fromkeys(FEATURES, 0.0)}
                try:
                    answer = client.predict([row], model=models[number])[0].output
                except Exception as error:
                    wrong.append(f"{models[number]}: {error}")
                    continue
                took.append(time.monotonic() - began)
                if not np.isclose(answer, right[number % SEEDS], atol=1e-6):
                    wrong.append(f"{models[number]}: {answer}")

    workers = [threading.Thread(target=ask) for _ in range(threads)]
    most = 0.0
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        time.sleep(0.05)
        if server.process.poll() is None:
            most = max(most, server.memory)
    if wrong:
        raise SystemExit(f"{len(wrong)} wrong or failed, such as {wrong[:3]}")
    cuts = quantiles(took, n=100)
    return (
        f"{len(took):>7,} answers, 0 wrong or failed, p50 {cuts[49] * 1e3:6.2f} ms, p99 {cuts[98] * 1e3:7.2f} ms, "
        f"most memory {most:6.1f} MB"
    )


def run(models: int, room: int, seconds: float, threads: int) -> None:
    """All phases."""
    with tempfile.TemporaryDirectory() as folder:
        right = make(Path(folder), models)
        size = _size_of_one(Path(folder))
        memory = room * size
        print(f"{models} models of {size / 1e3:.0f} kB each; memory for {room}: {memory / 1e6:.1f} MB")
        for limit in (0, memory):
            server = Server(Path(folder), models, limit)
            print(f"{f'room for {room}' if limit else 'no limit'}: {server.memory:.1f} MB before the first request")
            _phases(server, right, models, seconds, threads, kill=limit > 0)
            server.process.terminate()
            server.process.wait()


def _phases(server: Server, right: list[float], models: int, seconds: float, threads: int, *, kill: bool) -> None:
    rng, law = random.Random(1), np.random.default_rng(1)
    known = names(models)
    picks: dict[str, Ask] = {
        "equal chances": lambda: rng.randrange(models),
        "Zipf": lambda: int(min(models, law.zipf(1.3)) - 1),
    }
    for title, pick in picks.items():
        before = server.told("noria_model_loads_total")
        line = hammer(server, right, pick, seconds, threads, known)
        loads, held = server.told("noria_model_loads_total") - before, server.told("noria_models_memory_bytes")
        print(f"  {title:<14}{line}, models {held / 1e6:5.1f} MB, {loads:,.0f} loads", flush=True)
    if kill:
        killer = threading.Timer(seconds / 2, _again, [server])
        killer.start()
        line = hammer(server, right, picks["equal chances"], seconds, threads, known)
        killer.join()
        print(f"  {'killed -9':<14}{line}", flush=True)


def _again(server: Server) -> None:
    server.process.kill()
    server.process.wait()
    server.start()


def _size_of_one(folder: Path) -> int:
    """What the server itself measures for one model: of a few, as the first one varies."""
    import httpx

    server = Server(folder, 6, 0)
    for name in names(6):
        httpx.post(f"{server.url}/v2/repository/models/{name}/load").raise_for_status()
    size = server.told("noria_models_memory_bytes") / 6
    server.process.terminate()
    server.process.wait()
    return int(size)


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--room", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--threads", type=int, default=6)
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--memory", type=int, default=0)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    if given.serve is not None:
        serve(given.serve, given.models, given.memory, given.port)
    else:
        run(given.models, given.room, given.seconds, given.threads)


if __name__ == "__main__":
    main()
