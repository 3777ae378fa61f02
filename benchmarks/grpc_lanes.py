"""gRPC beside rivals: `python benchmarks/grpc_lanes.py [--rounds N] [--calls N] [--only NAME,NAME]`.

Our own lane and grpcio's in one server of ours, MLServer and KServe's Python server: all answer a ModelInfer of 20
numbers with the same 100-tree model, asked by grpcio's own client from another core, with one call and with 16 in
flight. Ours is asked for 21 columns by their names, the others for one matrix, which is what each takes by nature; ours
looks rows over, logs and counts. /predict over HTTP/1.1 stands beside them. Servers take turns, round after round. The
first figure is CPU of the server's whole process tree, user and system, for each call; calls a second are bounded by
the client, which costs about as much as our server.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from beside import cpu_seconds, machine, pinned
from serving_models import INPUTS, workspace

from noria.core.clock import monotonic, sleep
from noria.serving.grpc.messages import Messages
from noria.serving.model import ServedModel
from noria.serving.running import run_data_plane
from noria.testing import rivals
from noria.testing.server_process import free_port

HERE = Path(__file__).parent
RIVALS = HERE / "serving_rivals"
ROW = [round(0.1 * number - 0.9, 3) for number in range(20)]
PATH = "/inference.GRPCInferenceService/ModelInfer"
LIVE = "/inference.GRPCInferenceService/ServerLive"
MESSAGES = Messages()
_PATIENCE_S = 120.0


def columns(model: str) -> bytes:
    """Twenty columns of one value and a key, raw."""
    made = MESSAGES["inference.ModelInferRequest"](model_name=model)
    made.inputs.add(name="ask_id", datatype="BYTES", shape=[1])
    made.raw_input_contents.append(struct.pack("<I", 1) + b"a")
    for number, value in enumerate(ROW):
        made.inputs.add(name=f"f{number:02}", datatype="FP64", shape=[1])
        made.raw_input_contents.append(struct.pack("<d", value))
    data: bytes = made.SerializeToString()
    return data


def matrix(model: str) -> bytes:
    """The same twenty values as one matrix, raw."""
    made = MESSAGES["inference.ModelInferRequest"](model_name=model)
    made.inputs.add(name="rows", datatype="FP32", shape=[1, len(ROW)])
    made.raw_input_contents.append(struct.pack(f"<{len(ROW)}f", *ROW))
    data: bytes = made.SerializeToString()
    return data


def answer_of(response: bytes) -> float:
    """The first number of the first output."""
    found = MESSAGES["inference.ModelInferResponse"].FromString(response)
    if found.outputs[0].datatype == "FP64":
        return float(struct.unpack("<d", found.raw_output_contents[0])[0])
    if found.raw_output_contents:
        return float(struct.unpack("<f", found.raw_output_contents[0][:4])[0])
    return float(found.outputs[0].contents.fp32_contents[0])


@dataclass
class Way:
    """One server asked in one way: `ask` makes so many calls. CPU us and calls a second, a round each."""

    name: str
    pid: int
    ask: Callable[[int], None]
    cpu: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)

    def measure(self, calls: int) -> None:
        """One round."""
        before, began = cpu_seconds(self.pid), monotonic()
        self.ask(calls)
        self.rate.append(calls / (monotonic() - began))
        self.cpu.append((cpu_seconds(self.pid) - before) / calls * 1e6)


def one_by_one(call: Any, body: bytes, calls: int, timeout: float | None = None) -> None:
    """The next call when the last one is answered."""
    for _ in range(calls):
        call(body, timeout=timeout)


def sixteen(call: Any, body: bytes, calls: int, timeout: float | None = None) -> None:
    """Sixteen in flight, over one connection."""
    room = threading.Semaphore(16)

    def done(answer: Any) -> None:
        answer.result()
        room.release()

    for _ in range(calls):
        room.acquire()
        call.future(body, timeout=timeout).add_done_callback(done)
    for _ in range(16):
        room.acquire()


def predict(port: int, calls: int) -> None:
    """The same row by /predict, one by one."""
    body = json.dumps({"ask_id": "a", **{f"f{number:02}": value for number, value in enumerate(ROW)}})
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(calls):
        connection.request("POST", "/predict", body)
        connection.getresponse().read()


def serve(folder: Path, port: int) -> None:
    """Answer on both lanes until a signal comes."""
    ws = workspace(folder)
    models = {folder.name: ServedModel(INPUTS)}
    run_data_plane(ws, models, {}, port=0, grpc_port=port, on_ready=lambda url: print(url, flush=True))
    ws.close()


@contextmanager
def started(command: list[str], pin: tuple[str, ...]) -> Iterator[subprocess.Popen[str]]:
    """A server on its core, until leaving."""
    path = f"{Path(command[0]).parent}:{os.environ['PATH']}"
    process = subprocess.Popen(
        [*pin, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PATH": path},
    )  # fmt: skip
    try:
        yield process
    finally:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, how)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)


@contextmanager
def ours(folder: Path, pin: tuple[str, ...]) -> Iterator[list[Way]]:
    """Both lanes of our server, and /predict beside them."""
    port = free_port()
    with started([sys.executable, __file__, "serve", str(folder / "trees"), str(port)], pin) as server:
        assert server.stdout is not None
        http_port = int(server.stdout.readline().strip().rsplit(":", 1)[1])
        ways = []
        for name, where in (("Noria", http_port), ("Noria, --grpc-port (grpcio.aio)", port)):
            channel = grpc.insecure_channel(f"127.0.0.1:{where}")
            call, body, live = channel.unary_unary(PATH), columns("trees"), channel.unary_unary(LIVE)
            ways.append(Way(f"{name}: ServerLive, 16 in flight", server.pid, _sixteen(live, b"")))
            ways.append(Way(f"{name}: with a deadline, 16 in flight", server.pid, _sixteen(call, body, 5.0)))
            ways += _both(name, server.pid, call, body)
        ways.append(
            Way("Noria: /predict over HTTP/1.1, 1 in flight", server.pid, lambda calls: predict(http_port, calls))
        )
        yield ways


@contextmanager
def mlserver(folder: Path, pin: tuple[str, ...]) -> Iterator[list[Way]]:
    """MLServer in one process."""
    with tempfile.TemporaryDirectory() as temporary:
        home, port = Path(temporary), free_port()
        (home / "mlserver_model.py").write_text((RIVALS / "mlserver_model.py").read_text())
        (home / "settings.json").write_text(json.dumps({
            "http_port": free_port(), "grpc_port": port, "metrics_port": free_port(), "host": "127.0.0.1",
            "parallel_workers": 0, "debug": False, "metrics_endpoint": None,
        }))  # fmt: skip
        uri = {"uri": str(folder / "trees.onnx")}
        told = {"name": "bench", "implementation": "mlserver_model.Graph", "parameters": uri}
        (home / "model-settings.json").write_text(json.dumps(told))
        program = str(rivals.python("mlserver").with_name("mlserver"))
        with started([program, "start", str(home)], pin) as server:
            yield _rival("MLServer", server, port)


@contextmanager
def kserve(folder: Path, pin: tuple[str, ...]) -> Iterator[list[Way]]:
    """KServe's Python server in one process."""
    port = free_port()
    script = str(RIVALS / "kserve_grpc_model.py")
    command = [str(rivals.python("kserve")), script, str(folder / "trees.onnx"), str(free_port()), str(port)]
    with started(command, pin) as server:
        yield _rival("KServe's Python server", server, port)


def _rival(name: str, server: subprocess.Popen[str], port: int) -> list[Way]:
    call, body = grpc.insecure_channel(f"127.0.0.1:{port}").unary_unary(PATH), matrix("bench")
    until = monotonic() + _PATIENCE_S
    while True:
        try:
            call(body, timeout=5)
            return _both(name, server.pid, call, body)
        except grpc.RpcError as error:
            if monotonic() > until or server.poll() is not None:
                raise RuntimeError(f"{name} does not answer: {error}") from error
            sleep(0.5)


def _both(name: str, pid: int, call: Any, body: bytes) -> list[Way]:
    print(f"{name} answers {answer_of(call(body, timeout=10)):.6f}", flush=True)
    return [
        Way(f"{name}: ModelInfer, 16 in flight", pid, _sixteen(call, body)),
        Way(f"{name}: ModelInfer, 1 in flight", pid, lambda calls: one_by_one(call, body, calls)),
    ]


def _sixteen(call: Any, body: bytes, timeout: float | None = None) -> Callable[[int], None]:
    return lambda calls: sixteen(call, body, calls, timeout)


SERVERS = {"noria": ours, "mlserver": mlserver, "kserve": kserve}


def main() -> None:
    """Make the model, start the servers, let them take turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--only", default=",".join(SERVERS), help=", ".join(SERVERS))
    parser.add_argument("--folder", type=Path, help="where `serving_models.py make` has been")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = said.folder or Path(temporary)
        if not said.folder:
            subprocess.run([sys.executable, str(HERE / "serving_models.py"), "make", str(folder)], check=True)
        pin = pinned()
        found = beside([SERVERS[name] for name in said.only.split(",")], folder, pin, [], said)
        print(table(found))


def beside(left: list[Any], folder: Path, pin: tuple[str, ...], ways: list[Way], said: argparse.Namespace) -> list[Way]:
    """Start one server after the other; when all of them run, measure in turn, forwards and backwards."""
    if left:
        with left[0](folder, pin) as more:
            return beside(left[1:], folder, pin, [*ways, *more], said)
    for way in ways:
        way.ask(300)
    for number in range(said.rounds):
        for way in ways if number % 2 == 0 else reversed(ways):
            way.measure(said.calls)
    return ways


def table(ways: list[Way]) -> str:
    """Medians, with the least and the most."""
    lines = [machine(), "", "| server | CPU us a call | least to most | calls/s, by one Python client |"]
    lines.append("|---|---|---|---|")
    for way in ways:
        cpu, rate = statistics.median(way.cpu), statistics.median(way.rate)
        lines.append(f"| {way.name} | {cpu:,.0f} | {min(way.cpu):,.0f} to {max(way.cpu):,.0f} | {rate:,.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
