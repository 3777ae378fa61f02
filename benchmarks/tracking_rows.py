"""The lines of the tracking benchmark, a function for each few."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from urllib.parse import urlencode

import tracking_data as data
from beside import Connection, cpu_seconds, memory_mb, tree
from tracking_bench import Bench, Side

from noria.core.clock import monotonic, sleep
from noria.testing.postgres import PostgresServer

API = "/api/2.0/mlflow"


def milliseconds(cpu: float) -> float:
    return cpu * 1e3


def start(bench: Bench) -> None:
    """CPU to the first answer on an empty database, and what stands there then."""
    if not bench.wants("start", "memory", "processes"):
        return
    for side in bench.sides:
        costs = []
        for number in range(1 if side.name == "mlflow" else bench.size.rounds):
            side.up(bench.folder / f"start-{number}")
            assert side.server is not None
            costs.append(cpu_seconds(side.server.pid))
            sleep(2)
            resident, shared = memory_mb(side.server.pid)
            many = len(tree(side.server.pid))
            side.down()
        bench.keep("start", side, costs)
        bench.keep("memory", side, [resident], f"(PSS {shared:,.0f})")
        bench.keep("processes", side, [many])


def logging(bench: Bench) -> None:
    """Batches and single metrics, each a point never sent before."""
    if not bench.wants("log-batch", "log-metric"):
        return
    with bench.servers("logging"):
        batches, singles = {}, {}
        for side in bench.sides:
            run = side.http.post(f"{API}/runs/create", experiment_id="0")["run"]["info"]["run_id"]
            batches[side.name] = _sender(side, f"{API}/runs/log-batch", lambda n, run=run: batch_body(run, n, 1000))
            singles[side.name] = _sender(side, f"{API}/runs/log-metric", lambda n, run=run: metric_body(run, n))
        if bench.wants("log-batch"):
            bench.in_turn("log-batch", batches, lambda cpu: 1000 / cpu)
        if bench.wants("log-metric"):
            bench.in_turn("log-metric", singles, milliseconds)


def batch_body(run: str, number: int, count: int) -> bytes:
    """A batch of ten metrics, never the same point twice."""
    steps = range(number * count // 10, (number + 1) * count // 10)
    metrics = [
        {"key": f"m{k}", "value": (s * 37 % 1009) / 7, "timestamp": data.START_MS + s, "step": s}
        for s in steps
        for k in range(10)
    ]
    return json.dumps({"run_id": run, "metrics": metrics}).encode()


def metric_body(run: str, number: int) -> bytes:
    return json.dumps(
        {"run_id": run, "key": "single", "value": number / 7, "timestamp": data.START_MS + number, "step": number}
    ).encode()


def _sender(side: Side, path: str, body: Callable[[int], bytes]) -> Callable[[], object]:
    """Sends the next of bodies; they are built ahead of time, on the load's core."""
    numbers = iter(range(10**9))
    return lambda: side.http.send("POST", path, body(next(numbers)))


def small_search(bench: Bench) -> None:
    """The ten thousand runs on which MLflow's ordered search takes seconds."""
    if not bench.wants("top-small"):
        return
    experiment = fill(bench, "small", bench.size.small)
    with bench.servers("small"):
        top(bench, "top-small", experiment)


def fill(bench: Bench, folder: str, count: int, *, history: int = 0) -> str:
    """The same runs (and a long history) in both databases; gives the experiment, which has the same number in both."""
    with bench.servers(folder):
        made = {side.http.post(f"{API}/experiments/create", name="bench")["experiment_id"] for side in bench.sides}
        (experiment,) = made
        if history:
            for side in bench.sides:
                side.http.post(f"{API}/runs/create", experiment_id="0", run_name="long", start_time=data.START_MS)
    number = int(experiment)
    theirs, home = bench.folder / folder / "mlflow" / "mlflow.db", bench.folder / folder / "noria"
    data.fill_mlflow(theirs, number, count)
    ws = data.workspace(home)
    data.fill_noria(ws, number, count)
    if history:
        before = data.bytes_of_mlflow(theirs), data.bytes_of_noria(ws)
        data.fill_mlflow_history(theirs, data.only_run(theirs, "runs", "run_uuid"), "long", history)
        data.fill_noria_history(ws, data.only_run(home / "noria.db", "runs", "id"), "long", history)
        if bench.wants("disk"):
            bench.keep("disk", bench.sides[0], [(data.bytes_of_mlflow(theirs) - before[0]) / history])
            bench.keep("disk", bench.sides[1], [(data.bytes_of_noria(ws) - before[1]) / history])
    ws.close()
    return str(experiment)


def top(bench: Bench, name: str, experiment: str) -> None:
    """The best hundred by a metric. MLflow gets one try and so much time."""
    body = json.dumps(
        {"experiment_ids": [experiment], "order_by": ["metrics.metric_0 DESC"], "max_results": 100}
    ).encode()
    theirs, ours = bench.sides
    first = json.loads(ours.http.send("POST", f"{API}/runs/search", body))["runs"]
    bench.keep(
        name,
        ours,
        [
            milliseconds(ours.cpu(lambda: ours.http.send("POST", f"{API}/runs/search", body)))
            for _ in range(bench.size.rounds)
        ],
    )
    assert theirs.server is not None
    impatient = Connection(theirs.server.port, timeout=bench.size.patience_s)
    before = cpu_seconds(theirs.server.pid)
    try:
        same = json.loads(impatient.send("POST", f"{API}/runs/search", body))["runs"]
    except TimeoutError:
        return bench.keep(name, theirs, [], f"not finished in {bench.size.patience_s:.0f} s")
    bench.keep(name, theirs, [milliseconds(cpu_seconds(theirs.server.pid) - before)])
    assert [run["info"]["run_id"] for run in same] == [run["info"]["run_id"] for run in first], "the two do not agree"
    return None


def large_search(bench: Bench) -> None:
    """A hundred thousand runs, and a history of a million points."""
    if not bench.wants("top-large", "newest", "deep", "history", "overview", "disk"):
        return
    experiment = fill(bench, "large", bench.size.large, history=bench.size.history)
    with bench.servers("large"):
        newest = {"experiment_ids": [experiment], "max_results": 100}
        if bench.wants("newest"):
            bench.in_turn("newest", {s.name: _search(s, newest) for s in bench.sides}, milliseconds)
        if bench.wants("deep"):
            offset = bench.size.large * 9 // 10
            tokens = dict(
                zip(
                    ("mlflow", "noria"),
                    (offset_token(offset), walked_token(bench.sides[1], experiment, offset)),
                    strict=True,
                )
            )
            bench.in_turn(
                "deep",
                {s.name: _search(s, {**newest, "page_token": tokens[s.name]}) for s in bench.sides},
                milliseconds,
            )
        histories(bench)
        if bench.wants("top-large"):
            top(bench, "top-large", experiment)


def _search(side: Side, wanted: dict[str, object]) -> Callable[[], object]:
    body = json.dumps(wanted).encode()
    return lambda: side.http.send("POST", f"{API}/runs/search", body)


def offset_token(offset: int) -> str:
    """What MLflow's tokens are; ours are where a page ended, so one has to be walked to."""
    return base64.b64encode(json.dumps({"offset": offset}).encode()).decode()


def walked_token(side: Side, experiment: str, offset: int) -> str:
    token = ""
    while offset:
        step = min(offset, 30_000)
        page = side.http.post(f"{API}/runs/search", experiment_ids=[experiment], max_results=step, page_token=token)
        token, offset = page["next_page_token"], offset - step
    return token


def histories(bench: Bench) -> None:
    """A page of the whole, and the points that are drawn."""
    pages, pictures = {}, {}
    for side in bench.sides:
        found = side.http.post(f"{API}/runs/search", experiment_ids=["0"], max_results=1)
        run = found["runs"][0]["info"]["run_id"]
        whole = urlencode({"run_id": run, "metric_key": "long", "max_results": min(25_000, bench.size.history)})
        drawn = urlencode({"run_ids": run, "metric_key": "long", "max_results": 320})
        pages[side.name] = lambda side=side, q=whole: side.http.send("GET", f"{API}/metrics/get-history?{q}")
        pictures[side.name] = lambda side=side, q=drawn: side.http.send(
            "GET", f"{API}/metrics/get-history-bulk-interval?{q}"
        )
    if bench.wants("history"):
        bench.in_turn("history", pages, milliseconds)
    if bench.wants("overview"):
        bench.in_turn("overview", pictures, milliseconds, once="mlflow")


def writers(bench: Bench) -> None:
    """Eight clients that log batches of a hundred to runs of their own, as fast as they are answered."""
    if bench.wants("writers-sqlite"):
        with bench.servers("writers"):
            for side in bench.sides:
                write(bench, "writers-sqlite", side)
    if bench.wants("writers-postgresql"):
        for side in bench.sides:
            with PostgresServer() as postgres:
                url = postgres.url.replace("+psycopg", "+psycopg2") if side.name == "mlflow" else postgres.url
                side.up(bench.folder / "writers-postgresql", url=url)
                write(bench, "writers-postgresql", side)
                side.down()


def write(bench: Bench, name: str, side: Side) -> None:
    """Count what was answered with anything but 200, and how long an answer took."""
    assert side.server is not None
    errors: list[str] = []
    waits: list[float] = []
    end = monotonic() + bench.size.writers_s

    def one(port: int) -> None:
        connection = Connection(port)
        run = connection.post(f"{API}/runs/create", experiment_id="0")["run"]["info"]["run_id"]
        number = 0
        while (begun := monotonic()) < end:
            try:
                connection.send("POST", f"{API}/runs/log-batch", batch_body(run, number, 100))
            except (RuntimeError, OSError) as error:
                errors.append(str(error)[:200])
                connection = Connection(port)
            waits.append(monotonic() - begun)
            number += 1

    threads = [threading.Thread(target=one, args=(side.server.port,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    slowest = sorted(waits)[int(len(waits) * 0.99)]
    bench.keep(name, side, [len(errors)], f"({len(waits):,} batches of 100, p99 {slowest * 1e3:,.0f} ms)")
    for error in sorted(set(errors))[:3]:
        print("   ", error)
