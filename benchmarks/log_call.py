"""What a log call costs the training loop: with the server up, away, hanging, and with none at all.

`python benchmarks/log_call.py` makes 50,000 calls of each kind in a process of its own and prints the median, the
99th percentile and the worst, in microseconds, and how many points a second of CPU the server took in.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from noria.testing.ingest_server import IngestServer

TRAINER = """
import json, sys, time
import noria
run = noria.run(to=sys.argv[1], code=False, environment=False, console=False)
calls = int(sys.argv[2])
metric, row = run.log_metric, run.log_metrics
def measured(log):
    took = []
    for step in range(calls):
        began = time.perf_counter_ns()
        log(step)
        took.append(time.perf_counter_ns() - began)
    took.sort()
    return [took[len(took) // 2] / 1000, took[len(took) * 99 // 100] / 1000, took[-1] / 1000]
time.sleep(1)
found = {
    "log_metric": measured(lambda step: metric("loss", 0.5, step)),
    "log_metrics of 5": measured(lambda step: row({"loss": 0.5, "auc": 0.7, "lr": 0.1}, step, epoch=2, samples=step)),
}
run.end(seconds=float(sys.argv[3]))
print(json.dumps(found))
"""


def trained(address: str, calls: int, flush: float) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", TRAINER, address, str(calls), str(flush)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env={**os.environ})
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=50_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, IngestServer(Path(folder)) as server:
        before = cpu(server.pid)
        found = {"up": trained(server.url, given.calls, 60)}
        used = cpu(server.pid) - before
        server.pause()
        found["hanging"] = trained(server.url, given.calls, 0)
        server.go_on()
        server.kill()
        found["away"] = trained(server.url, given.calls, 0)
        found["none"] = trained("offline", given.calls, 0)
    print("| server | call | median us | p99 us | worst us |\n|---|---|---|---|---|")
    for standing, calls in found.items():
        for call, (median, late, worst) in calls.items():
            print(f"| {standing} | {call} | {median:.1f} | {late:.1f} | {worst:,.0f} |")
    print(f"the server took in {given.calls * 6 / used:,.0f} points a CPU second")


if __name__ == "__main__":
    main()
