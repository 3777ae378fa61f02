"""`score.py ROOT FROM TO DEAD_FILE [--plane URL] [--most N] [--key COLUMN]`: answer lateness requests of a stream.

Without `--plane` by a data plane in this process, over the workspace in ROOT.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import tiny_airline

from noria.serving.data_plane import DataPlane
from noria.serving.streams.answering import Answering, run_answering
from noria.serving.streams.model import read_address


def main() -> None:
    reader = argparse.ArgumentParser()
    for name in ("root", "source", "target", "file"):
        reader.add_argument(name)
    reader.add_argument("--plane")
    reader.add_argument("--most", type=int, default=500)
    reader.add_argument("--key")
    given = reader.parse_args()
    ws = tiny_airline.workspace(Path(given.root))
    plane = given.plane or DataPlane(ws, tiny_airline.MODELS, tiny_airline.FUNCTIONS)
    columns = {column.name: column.dtype for column in tiny_airline.INPUTS.request}
    stream = Answering(
        tiny_airline.MODEL, read_address(given.source), read_address(given.target), plane, Path(given.file), columns,
        given.key, most=given.most,
    )  # fmt: skip
    tally = asyncio.run(run_answering(stream, ws.clock, lambda: print("ready", flush=True)))
    print(json.dumps(asdict(tally)), flush=True)


if __name__ == "__main__":
    main()
