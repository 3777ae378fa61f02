"""ONNX models behind a lane: many rows at once are answered as one by one."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_airline import MODEL, flight

from noria.serving.model import Request


def slow_down(call) -> None:
    """As if the model had been measured to be slow."""
    call.plane.board.lineup(MODEL).champion.pace.inline = False


@given(st.lists(st.integers(1, 200), min_size=1, max_size=20, unique=True))
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_batches_answer_like_single_rows(call, numbers) -> None:
    loaded = call.plane.board.lineup(MODEL).champion
    loaded.pace.inline = True
    alone = [call.predict(flight(number))[0]["output"] for number in numbers]
    slow_down(call)
    together = [one["output"] for one in call.predict(*(flight(number) for number in numbers))]
    assert together == pytest.approx(alone, abs=1e-9)


def test_the_same_id_asked_twice_at_once_gets_one_answer_and_one_record(call) -> None:
    slow_down(call)

    async def twice():
        bodies = [json.dumps(flight(number, prediction_id="p")).encode() for number in (1, 2)]
        asked = [call.plane.app.handle(Request("POST", "/predict", {}, body)) for body in bodies]
        return [json.loads(one.body)["predictions"][0] for one in await asyncio.gather(*asked)]

    one, two = asyncio.run(twice())
    assert one == two
    assert call.plane.log.find("p").output == one["output"]


def test_a_bad_row_among_many_requests_is_refused_alone(call) -> None:
    slow_down(call)

    async def both():
        bodies = [flight(1), flight(2, distance="far"), flight(3)]
        asked = [call.plane.app.handle(Request("POST", "/predict", {}, json.dumps(one).encode())) for one in bodies]
        return [one.status for one in await asyncio.gather(*asked)]

    assert asyncio.run(both()) == [200, 400, 200]
