"""A short run of every fuzz target; `make fuzz` runs each of them for long, guided by coverage."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fuzz_targets import HTTP_SEEDS, Target, codecs, grpc, http, plane
from http2_target import http2


def damaged(seeds: list[bytes], count: int) -> Iterator[bytes]:
    """Sound requests with some bytes changed, doubled, cut out, or joined with another's."""
    draw = random.Random(20)
    for _ in range(count):
        data = bytearray(draw.choice(seeds))
        for _ in range(draw.randint(0, 4)):
            at, long = draw.randrange(len(data) + 1), draw.randint(0, 6)
            piece = draw.choice([draw.randbytes(long), data[at : at + long] * 3, draw.choice(seeds)[at : at + 20]])
            data[at : at + draw.randint(0, 6)] = piece
        yield bytes(data)


def test_http() -> None:
    for data in damaged(HTTP_SEEDS, 3_000):
        http(data)


@pytest.mark.parametrize("layer", [codecs, grpc, http2])
def test_requests(layer) -> None:
    with plane() as served:
        target: Target = layer(served)
        for data in [*target.seeds, *damaged(list(target.seeds), 2_000)]:
            target.one(data)
