"""Models without an ONNX form, served like any other: golden rows first, one worker each, swaps, deaths, priorities."""

from __future__ import annotations

import asyncio
import json
import os
import signal

import psutil
import pytest
import tiny_airline
from native_airline import add_native
from tiny_airline import MODEL, flight

from noria.core.clock import monotonic, sleep
from noria.serving.model import CacheRules, LoadRules, Request, ServedModel


@pytest.fixture
def native(ws, open_plane):
    add_native(ws)
    return open_plane()


def worker_of(call) -> int:
    return call.plane.board.lineup(MODEL).champion.scorer.pid


def test_a_native_model_answers_logs_and_is_compared_with_its_golden_rows(native) -> None:
    one, two = native.predict(flight(distance=1000.0), flight(2, distance=500.0, prediction_id="mine"))
    assert one["output"] == pytest.approx(0.3)
    assert two["output"] == pytest.approx(0.25)
    assert native.plane.log.find("mine").output == two["output"]
    assert native.predict(flight(2, distance=1.0, prediction_id="mine")) == [two]
    assert worker_of(native) != os.getpid()
    assert b'noria_batch_rows_count{model="lateness"} 1.0' in native("GET", "/metrics").body


def test_one_that_does_not_reproduce_its_golden_rows_takes_no_traffic(ws, open_plane) -> None:
    add_native(ws, 0.02, expected_weight=0.01)
    call = open_plane()
    assert "golden rows" in call.json("POST", "/predict", flight(), status=503)["error"]


def test_on_demand_its_process_comes_and_goes(ws, open_plane, monkeypatch) -> None:
    served = {MODEL: ServedModel(tiny_airline.INPUTS, load=LoadRules(on_demand=True, idle=60))}
    monkeypatch.setattr("tiny_airline.MODELS", served)
    add_native(ws)
    call = open_plane(memory=500_000_000)
    seats, me = call.plane.seats, psutil.Process()
    before = {child.pid for child in me.children()}
    (one,) = call.predict(flight(distance=1000.0))
    assert one["output"] == pytest.approx(0.3)
    (worker,) = [child for child in me.children() if child.pid not in before]
    assert seats.budget.taken >= 0.5 * worker.memory_info().rss > 10_000_000
    os.kill(worker.pid, signal.SIGKILL)  # it is started again within the same stay
    assert call.predict(flight(distance=1000.0))[0]["output"] == one["output"]
    seats.sweep(monotonic() + 61)
    while seats.budget.taken:
        sleep(0.01)
    assert {child.pid for child in me.children()} <= before
    assert call.predict(flight(distance=1000.0))[0]["output"] == one["output"]


def test_on_demand_golden_rows_come_first_too(ws, open_plane, monkeypatch) -> None:
    served = {MODEL: ServedModel(tiny_airline.INPUTS, load=LoadRules(on_demand=True))}
    monkeypatch.setattr("tiny_airline.MODELS", served)
    add_native(ws, 0.02, expected_weight=0.01)
    call = open_plane()
    told = call.json("POST", "/predict", flight(), status=503)
    assert told["code"] == "N6090" and "golden rows" in told["error"]
    assert call.plane.seats.budget.taken == 0


def test_bad_rows_are_refused_before_the_worker_sees_them(native) -> None:
    assert native.json("POST", "/predict", flight(distance="far"), status=400)["code"].startswith("N")
    assert native.json("POST", "/predict", flight(), status=400, noria_priority="urgent")["code"] == "N6001"
    assert native.json("POST", "/predict", flight(), noria_priority="5")["predictions"]


def test_kill_the_worker_again_and_again_and_no_request_is_lost(native) -> None:
    for _ in range(2):
        os.kill(worker_of(native), signal.SIGKILL)
        (answer,) = native.predict(flight(distance=1000.0))
        assert answer["output"] == pytest.approx(0.3)


def test_many_at_once_share_batches_and_the_loop_stays_free(native) -> None:
    async def ask(number: int):
        body = json.dumps(flight(number, distance=float(number))).encode()
        return await native.plane.app.handle(Request("POST", "/predict", {}, body))

    async def all_at_once():
        return await asyncio.gather(*(ask(number) for number in range(200)))

    answers = [json.loads(one.body)["predictions"][0]["output"] for one in asyncio.run(all_at_once())]
    assert answers == pytest.approx([0.2 + 0.0001 * number for number in range(200)])
    batches = next(line for line in native("GET", "/metrics").body.splitlines() if b"noria_batch_rows_count" in line)
    assert float(batches.split()[-1]) < 100


def test_a_swap_ends_the_old_worker_once_nobody_can_ask_it(native, ws, monkeypatch) -> None:
    monkeypatch.setattr("noria.serving.loading._GRACE_SECONDS", 0.0)
    monkeypatch.setattr("noria.serving.loading._SPARE", 1)
    old = native.plane.board.lineup(MODEL).champion
    for number, weight in ((2, 0.02), (3, 0.03)):  # the one before the last is kept, to roll back to
        assert old.scorer.pid is not None
        add_native(ws, weight)
        native.plane.refresh()
        assert native.predict(flight())[0]["version"] == number
    assert old.scorer.pid is None
    native.plane.close()
    assert native.plane._loader._loaded == {}


def test_cached_answers_need_no_worker_and_are_logged_all_the_same(ws, open_plane, monkeypatch) -> None:
    served = {MODEL: ServedModel(tiny_airline.INPUTS, cache=CacheRules(ttl=60))}
    monkeypatch.setattr(tiny_airline, "MODELS", served)
    add_native(ws)
    call = open_plane()
    first = call.predict(flight(1, prediction_id="a"), flight(1, prediction_id="b"))
    os.kill(worker_of(call), signal.SIGKILL)
    again = call.predict(flight(7, distance=188.0, origin="EWR", carrier="AA", prediction_id="c"))
    assert {one["output"] for one in first + again} == {first[0]["output"]}
    assert all(call.plane.log.find(name) for name in "abc")
    body = call("GET", "/metrics").body
    assert b'noria_cache_rows_total{model="lateness",result="hit"} 1.0' in body
    assert call.plane.board.lineup(MODEL).champion.scorer.starts == 1
