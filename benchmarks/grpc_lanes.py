"""Our gRPC lane beside grpcio's, in one server: `python benchmarks/grpc_lanes.py [--rounds N] [--calls N]`.

Both answer the same ModelInfer of 20 numbers with the same 100-tree model, asked by grpcio's own client from another
core, with one call and with 16 in flight, with and without a deadline; /predict over HTTP/1.1 stands beside them. The
lanes take turns, round after round. The figure is CPU of the server's process, user and system, for each call.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from beside import cpu_seconds, machine, pinned
from serving_models import INPUTS, workspace

from noria.serving.data_plane import run_data_plane
from noria.serving.grpc.messages import Messages
from noria.serving.model import ServedModel
from noria.testing.server_process import free_port

HERE = Path(__file__).parent
ROW = [round(0.1 * number - 0.9, 3) for number in range(20)]
PATH = "/inference.GRPCInferenceService/ModelInfer"
LIVE = "/inference.GRPCInferenceService/ServerLive"
MESSAGES = Messages()


def request(model: str) -> bytes:
    """Twenty columns of one value, raw."""
    made = MESSAGES["inference.ModelInferRequest"](model_name=model)
    made.inputs.add(name="ask_id", datatype="BYTES", shape=[1])
    made.raw_input_contents.append(struct.pack("<I", 1) + b"a")
    for number, value in enumerate(ROW):
        made.inputs.add(name=f"f{number:02}", datatype="FP64", shape=[1])
        made.raw_input_contents.append(struct.pack("<d", value))
    data: bytes = made.SerializeToString()
    return data


def one_by_one(call: Any, body: bytes, calls: int, timeout: float | None) -> None:
    """The next call when the last one is answered."""
    for _ in range(calls):
        call(body, timeout=timeout)


def sixteen(call: Any, body: bytes, calls: int, timeout: float | None) -> None:
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


def main() -> None:
    """Make the model, start the server, let the lanes take turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--folder", type=Path, help="where `serving_models.py make` has been")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = said.folder or Path(temporary)
        script = str(HERE / "serving_models.py")
        if not said.folder:
            subprocess.run([sys.executable, script, "make", str(folder)], check=True)
        port = free_port()
        command = [*pinned(), sys.executable, __file__, "serve", str(folder / "trees"), str(port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            http_port = int(server.stdout.readline().strip().rsplit(":", 1)[1])
            print(table(measure(server.pid, {"ours": http_port, "grpcio.aio": port}, http_port, said)))
            server.terminate()


def measure(pid: int, lanes: dict[str, int], http_port: int, said: argparse.Namespace) -> dict[str, list[float]]:
    """CPU microseconds a call, of every way and round."""
    body = request("trees")
    ways: dict[str, Callable[[int], None]] = {}
    answers = set()
    for name, port in lanes.items():
        call = grpc.insecure_channel(f"127.0.0.1:{port}").unary_unary(PATH)
        found = MESSAGES["inference.ModelInferResponse"].FromString(call(body, timeout=10))
        answers.add(found.raw_output_contents[0])
        live = grpc.insecure_channel(f"127.0.0.1:{port}").unary_unary(LIVE)
        ways[f"{name}, 16 in flight, ServerLive"] = lambda n, call=live: sixteen(call, b"", n, None)  # type: ignore[misc]
        for told, timeout in (("", None), (", with a deadline", 5.0)):
            ways[f"{name}, 1 in flight{told}"] = lambda n, call=call, t=timeout: one_by_one(call, body, n, t)  # type: ignore[misc]
            ways[f"{name}, 16 in flight{told}"] = lambda n, call=call, t=timeout: sixteen(call, body, n, t)  # type: ignore[misc]
    ways["/predict over HTTP/1.1, 1 in flight"] = lambda n: predict(http_port, n)
    assert len(answers) == 1, answers
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way(300)
    for number in range(said.rounds):
        for name in ways if number % 2 == 0 else reversed(ways):
            before = cpu_seconds(pid)
            ways[name](said.calls)
            taken[name].append((cpu_seconds(pid) - before) / said.calls * 1e6)
    return taken


def table(taken: dict[str, list[float]]) -> str:
    """Medians, with the least and the most."""
    lines = [machine(), "", "| lane | CPU us a call | least to most |", "|---|---|---|"]
    for name, values in taken.items():
        lines.append(f"| {name} | {statistics.median(values):.0f} | {min(values):.0f} to {max(values):.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
