"""`consume.py ADDRESS DATA_PLANE DEAD_FILE [--most N] [--key COLUMN] [--dead TOPIC]`: consume into Departure."""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict
from pathlib import Path

from noria.core.clock import SystemClock
from noria.serving.streams.model import read_address
from noria.serving.streams.running import Stream, run_stream


def main() -> None:
    reader = argparse.ArgumentParser()
    for name in ("address", "plane", "file"):
        reader.add_argument(name)
    reader.add_argument("--most", type=int, default=500)
    reader.add_argument("--key")
    reader.add_argument("--dead", default="")
    given = reader.parse_args()
    columns = {"origin": "string", "left_at": "time", "delay": "float"}
    stream = Stream(
        read_address(given.address), "Departure", given.plane, Path(given.file), columns, given.key,
        dead_topic=given.dead, most=given.most,
    )  # fmt: skip
    tally = asyncio.run(run_stream(stream, SystemClock(), lambda: print("ready", flush=True)))
    print(json.dumps(asdict(tally)), flush=True)


if __name__ == "__main__":
    main()
