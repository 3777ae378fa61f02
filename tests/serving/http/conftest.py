"""Servers for a test, drained at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from noria.serving.http.limits import Limits
from noria.serving.http.server import HttpServer
from noria.testing.running_http import Running, echo

Serve = Callable[..., Running]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers: `serve(begin=echo, limits=..., tls=...)`."""
    started: list[Running] = []

    def start(begin: Any = echo, tls: Any = None, **limits: Any) -> Running:
        started.append(Running(HttpServer(begin, Limits(**limits)), tls))
        return started[-1]

    yield start
    for one in started:
        one.stop()
