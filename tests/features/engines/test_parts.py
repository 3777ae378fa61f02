"""A project's parts on PostgreSQL give what `build_part` gives here."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from sensors import DAY, INPUTS, QUESTION, READING, offline, part, question, reading

from noria.core.errors import NotFound
from noria.features.engines.duckdb import DuckDbEngine
from noria.features.engines.model import Engine
from noria.features.engines.parts import join_parts
from noria.features.engines.postgres import PostgresEngine
from noria.testing.postgres import PostgresServer
from noria.workspace.workspace import Workspace


@pytest.fixture(params=["duckdb", "postgresql"])
def engine(request: pytest.FixtureRequest, postgres: PostgresServer) -> Iterator[Engine]:
    engine = DuckDbEngine() if request.param == "duckdb" else PostgresEngine(postgres.url)
    yield engine
    engine.close()


def test_the_same_features_as_here(ws: Workspace, engine: Engine) -> None:
    dice = random.Random(6)
    rows = [
        reading(dice.choice("abc"), dice.randint(0, 20 * DAY), dice.gauss(2, 2), late=dice.choice([0, DAY]))
        for _ in range(600)
    ]
    asked = [question(n, dice.choice("abcd"), dice.randint(0, 21 * DAY)) for n in range(200)]
    requests = part(ws, QUESTION, "asked_at", asked)
    sources = {
        "Reading": [part(ws, READING, "read_at", rows[:300], as_of=15 * DAY), part(ws, READING, "read_at", rows[300:])]
    }
    here, there = (
        offline(ws, INPUTS, requests, sources),
        join_parts(ws, engine, INPUTS, [requests], sources).to_pylist(),
    )
    assert len(here) == len(there) == 200
    for one, other in zip(here, there, strict=True):
        for name, value in one.items():
            assert other[name] == value or math.isclose(other[name], value, rel_tol=1e-9), name
    with pytest.raises(NotFound, match="Reading"):
        join_parts(ws, engine, INPUTS, [requests], {})
