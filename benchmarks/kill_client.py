"""`kill -9` of training programs and of the server they log to: every acknowledged point is there, once.

`python benchmarks/kill_client.py --kills 1000` lets several trainers log to a server, kills them and the server at
random moments, starts others, and at the end sends what is left with `noria sync`, twice at the same time. A point is
acknowledged when the log call has returned; the trainer then writes it to a pipe. `--postgres` does the same on
PostgreSQL.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from client_killing import Campaign, Verdict
from noria.testing.postgres import PostgresServer


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=1000)
    options.add_argument("--seed", type=int, default=2013)
    options.add_argument("--at-once", type=int, default=3, help="so many trainers run at the same time")
    options.add_argument("--postgres", action="store_true")
    given = options.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        if given.postgres:
            with PostgresServer() as server:
                verdict = campaign(Path(folder), given, server.url)
        else:
            verdict = campaign(Path(folder), given)
    where = "PostgreSQL" if given.postgres else "SQLite"
    took = time.monotonic() - began
    kills = verdict.trainers_killed + verdict.servers_killed
    print(
        f"{where}: {kills:,} kills ({verdict.trainers_killed:,} of trainers, {verdict.servers_killed:,} of the server) "
        f"in {took:.0f} s; {verdict.runs:,} runs ({verdict.ended_by_themselves:,} ended by themselves); "
        f"{verdict.acknowledged:,} points acknowledged: {verdict.lost} lost, {verdict.doubled} doubled, "
        f"{verdict.wrong} wrong; {verdict.left} spools left"
    )
    sys.exit(0 if verdict.good else 1)


def campaign(folder: Path, given: argparse.Namespace, database: str = "") -> Verdict:
    return Campaign(folder, kills=given.kills, seed=given.seed, database=database, at_once=given.at_once).run()


if __name__ == "__main__":
    main()
