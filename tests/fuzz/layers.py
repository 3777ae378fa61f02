"""The layers by name, each with a server of its own behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import fuzz_targets
from fuzz_targets import HTTP_SEEDS, Target
from http2_target import http2


@contextmanager
def open_target(layer: str) -> Iterator[Target]:
    """What is fuzzed, until leaving. Raises KeyError for a layer that is none."""
    with fuzz_targets.plane() as served:
        yield {
            "http": lambda: Target(fuzz_targets.http, HTTP_SEEDS),
            "codecs": lambda: fuzz_targets.codecs(served),
            "grpc": lambda: fuzz_targets.grpc(served),
            "http2": lambda: http2(served),
        }[layer]()
