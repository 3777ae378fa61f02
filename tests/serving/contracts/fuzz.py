"""Bodies, mutated for as long as you like, to every route that answers rows: `make fuzz`.

Each starts from one that is right; bytes are flipped, cut, repeated, replaced by words that have broken parsers before.
What the application answers must be an answer or a refusal; 500 ends the run, and so does memory that only grows.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import tiny_airline
from tiny_airline import flight
from ways import V2, WAYS, packed

from noria.serving.contracts.infer_binary import HEADER
from noria.serving.data_plane import DataPlane
from noria.serving.model import Request

WORDS = (
    b"NaN", b"Infinity", b"null", b"true", b"-1", b"1e999", b"9" * 400, b"[" * 3000, b'{"a":' * 1200, b'"', b"\\u0000",
    b"\\ud800", b"\xff", b"\0", b'{"b64":"AA=="}', b"prediction_id", b"[]", b"{}", b"0", b'""', b",", b"\r\n", b"--B",
)  # fmt: skip
EXPECTED = {200, 400, 404, 409, 415, 424, 501}
MOST_GROWTH = 200 << 10
"""KiB by which a process may grow after it has warmed up: log segments and caches, not a leak."""


def starts() -> list[tuple[str, bytes, dict[str, str]]]:
    """Questions that are right: a path, a body, headers."""
    rows = [flight(number, tailnum=f"N{number}") for number in range(2)]
    for row in rows:
        del row["asked_at"]
    found = []
    for way in WAYS:
        body = way.body(rows)
        found.append((way.path, body if isinstance(body, bytes) else json.dumps(body).encode(), dict(way.headers)))
    document, tensors = packed(rows)
    found.append((f"{V2}/infer", document + tensors, {HEADER: str(len(document))}))
    form = (
        b'--B\r\ncontent-disposition: form-data; name="data"\r\n\r\n' + json.dumps(rows[0]).encode() + b"\r\n--B--\r\n"
    )
    found.append((f"/predictions/{tiny_airline.MODEL}", form, {"content-type": "multipart/form-data; boundary=B"}))
    return found


def mutated(dice: random.Random, body: bytes) -> bytes:
    """A body with one to six things done to it."""
    made = bytearray(body)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(made) + 1)
        end = min(len(made), at + dice.randint(0, 12))
        match dice.randrange(5):
            case 0:
                made[at:end] = dice.choice(WORDS)
            case 1 if at < len(made):
                made[at] ^= 1 << dice.randrange(8)
            case 2:
                del made[at:end]
            case 3:
                made[at:at] = made[at:end] * dice.randint(1, 50)
            case _:
                made[at:end] = dice.randbytes(end - at)
    return bytes(made)


async def fuzz(seed: int, seconds: float = math.inf, most: float = math.inf) -> int:
    """Ask until the time is up or enough was asked; how often. Raises AssertionError with the question that broke."""
    dice = random.Random(seed)
    questions = starts()
    asked, settled = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        ws = tiny_airline.workspace(Path(folder))
        tiny_airline.add_version(ws, promoted=True)
        plane = DataPlane(ws, tiny_airline.MODELS, tiny_airline.FUNCTIONS)
        plane.refresh()
        end = time.monotonic() + seconds
        while asked < most and time.monotonic() < end:
            path, body, headers = dice.choice(questions)
            headers = dict(headers)
            if HEADER in headers and dice.random() < 0.3:
                headers[HEADER] = str(dice.randint(-2, 2 * len(body)))
            sent = mutated(dice, body)
            response = await plane.app.handle(Request("POST", path, headers, sent))
            assert response.status in EXPECTED, (response.status, path, headers, sent, response.body)
            asked += 1
            if asked == 5000:
                settled = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - settled if settled else 0
        plane.close()
        ws.close()
    assert grown < MOST_GROWTH, f"{grown} KiB more than after 5000 questions"
    return asked


if __name__ == "__main__":
    chosen = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    print(f"{asyncio.run(fuzz(chosen, float(sys.argv[1]))):,} questions answered or refused, seed {chosen}")
