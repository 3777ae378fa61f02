"""Many models in one server: in memory when they are asked for, out of it when others need the room."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import many_airlines
import pytest
import tiny_airline
from caller import Caller
from many_airlines import SEEDS, add_models, add_version_of, names, served
from test_server import server
from tiny_airline import FUNCTIONS, flight

from noria.serving import seats as seats_module
from noria.serving.data_plane import DataPlane
from noria.serving.footprint import resident
from noria.serving.model import LoadRules, Request
from noria.serving.seats import _TRIES
from noria.workspace.workspace import Workspace

MB = 1 << 20
ONE = 600_000
"""About what one of the tiny models takes."""
REFERENCES = ["always0", "always1", "always2"]
"""Loaded at the start: what each seed's model answers."""


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with 200 models."""
    root = tmp_path_factory.mktemp("many")
    ws = tiny_airline.workspace(root)
    add_models(ws, names(200))
    add_models(ws, REFERENCES)
    ws.close()
    return root


@pytest.fixture
def root(registered: Path, tmp_path: Path) -> Path:
    shutil.copytree(registered, tmp_path / "many")
    return tmp_path / "many"


@pytest.fixture
def open_many(root: Path) -> Iterator[Callable[..., DataPlane]]:
    """Opens a data plane for so many of the models, with a budget."""
    ws = tiny_airline.workspace(root)
    planes = []

    def open_one(
        models: int = 5, memory: int | None = None, idle: float | None = None, more: Sequence[str] = ()
    ) -> DataPlane:
        wanted = served(names(models), LoadRules(on_demand=True, idle=idle)) | served(more, LoadRules())
        planes.append(DataPlane(ws, wanted, FUNCTIONS, memory=memory))
        planes[-1].refresh()
        return planes[-1]

    yield open_one
    for plane in planes:
        plane.close()
    ws.close()


@pytest.fixture
def alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every version takes ONE: what is measured depends on what else the process does meanwhile."""
    monkeypatch.setattr(seats_module, "measured", lambda open_version, _least: (open_version(), ONE))


@pytest.fixture
def workspace_of(root: Path) -> Iterator[Workspace]:
    ws = tiny_airline.workspace(root)
    yield ws
    ws.close()


async def ask(plane: DataPlane, model: str, row: dict, status: int = 200) -> dict:
    answer = await plane.app.handle(Request("POST", "/predict", {}, json.dumps(row).encode(), f"model={model}"))
    assert answer.status == status, answer.body
    return json.loads(answer.body)


async def output(plane: DataPlane, model: str, row: dict) -> float:
    return (await ask(plane, model, row))["predictions"][0]["output"]


def counts(plane: DataPlane, metric: str) -> Counter[tuple[str, ...]]:
    """Samples of a metric by the values of their labels."""
    text = plane.metrics.exposition({}, 0, 0).decode()
    found: Counter[tuple[str, ...]] = Counter()
    for line in text.splitlines():
        if line.startswith(metric) and line[len(metric)] in "{ ":
            labels, value = line.rsplit(" ", 1)
            found[tuple(part.split('"')[0] for part in labels.split('="')[1:])] += int(float(value))
    return found


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.005)


def settled(plane: DataPlane) -> None:
    """Wait until the loading thread has closed what had to go: a load is told before room is made again."""
    plane.seats._pool.submit(int).result(60)


def test_two_hundred_models_in_the_room_of_ten_answer_all_who_ask_at_random(alike, open_many) -> None:
    plane = open_many(200, more=REFERENCES)
    plane.seats.budget.most = plane.seats.budget.pinned + 10 * ONE
    rng = random.Random(7)
    rows = [flight(number) for number in range(12)]
    most = 0

    async def one_of(right: list[list[float]]) -> None:
        nonlocal most
        model, row = rng.randrange(200), rng.randrange(len(rows))
        if rng.random() < 0.02:
            plane.unload(names(200)[rng.randrange(200)])
        if rng.random() < 0.05:  # somebody who does not wait for the answer
            gone = asyncio.create_task(output(plane, names(200)[model], rows[row]))
            asyncio.get_running_loop().call_later(rng.random() / 50, gone.cancel)
            await asyncio.wait([gone])
        assert await output(plane, names(200)[model], rows[row]) == right[model % SEEDS][row]
        most = max(most, len(plane.seats.present))

    async def round_of_fifty(right: list[list[float]]) -> None:
        await asyncio.gather(*(one_of(right) for _ in range(50)))
        await asyncio.to_thread(settled, plane)
        assert not plane.seats.budget.over or len(plane.seats.present) == 1

    async def hammer() -> tuple[int, int]:
        right = [[await output(plane, name, row) for row in rows] for name in REFERENCES]
        for _ in range(4):
            await round_of_fifty(right)
        before = resident()
        for _ in range(16):
            await round_of_fifty(right)
        return before, resident()

    before, after = asyncio.run(hammer())
    assert 8 <= most <= 11
    loads = counts(plane, "noria_model_loads_total")
    assert sum(loads.values()) > 200 and not any("failed" in labels for labels in loads)
    assert sum(counts(plane, "noria_model_unloads_total").values()) == sum(loads.values()) - len(plane.seats.present)
    assert counts(plane, "noria_models_in_memory")[()] == len(plane.seats.present)
    assert after - before < 30 * MB  # 800 requests and hundreds of loads later
    assert not counts(plane, "noria_prediction_errors_total")
    seats = [plane.board.lineups[name].champion.seat for name in names(200)]
    assert {(seat.waiting, seat.stay.users if seat.stay else 0) for seat in seats} == {(0, 0)}


def test_first_requests_at_the_same_time_load_once_and_hold_nobody_else_up(open_many) -> None:
    plane = open_many(2)
    ended: list[str] = []

    async def one(model: str, number: int) -> float:
        found = await output(plane, model, flight(number))
        ended.append(model)
        return found

    async def many() -> None:
        await output(plane, "m001", flight())
        first = [asyncio.create_task(one("m000", number)) for number in range(20)]
        await asyncio.sleep(0)
        await asyncio.gather(*(one("m001", number) for number in range(5)))
        assert ended == ["m001"] * 5
        await asyncio.gather(*first)

    asyncio.run(many())
    assert counts(plane, "noria_model_loads_total") == {("m000", "loaded"): 1, ("m001", "loaded"): 1}


def test_a_first_caller_who_hangs_up_spoils_it_for_nobody(open_many) -> None:
    plane = open_many(1)

    async def hang_up() -> None:
        first = asyncio.create_task(output(plane, "m000", flight()))
        second = asyncio.create_task(output(plane, "m000", flight()))
        await asyncio.sleep(0)
        first.cancel()
        assert 0 <= await second <= 1
        seat = plane.board.lineups["m000"].champion.seat
        assert (seat.stay.users, seat.waiting) == (0, 0)

    asyncio.run(hang_up())


def test_idle_models_leave_and_come_back(open_many) -> None:
    plane = open_many(2, idle=600)

    async def come_and_go() -> None:
        first = await output(plane, "m000", flight())
        assert plane.seats.present == ["m000/1"]
        plane.seats.sweep(time.monotonic() + 599)
        assert plane.seats.present == ["m000/1"]
        plane.seats.sweep(time.monotonic() + 601)
        await until(lambda: plane.seats.budget.taken == 0)
        assert await output(plane, "m000", flight()) == first

    asyncio.run(come_and_go())
    assert counts(plane, "noria_model_unloads_total") == {("m000", "idle"): 1}


def test_unloading_lets_a_running_request_finish(open_many) -> None:
    plane = open_many(1)
    seat = plane.board.lineups["m000"].champion.seat

    async def unload_meanwhile() -> None:
        expected = await output(plane, "m000", flight())
        async with seat.held() as present:
            plane.unload("m000")
            assert plane.seats.present == [] and plane.seats.budget.taken > 0
            assert await output(plane, "m000", flight()) == expected  # loaded anew beside it
            assert 0 <= present.scorer.predict_row(_seen(plane)) <= 1
            both = plane.seats.budget.taken
        await until(lambda: plane.seats.budget.taken < both)

    asyncio.run(unload_meanwhile())


def _seen(plane: DataPlane) -> dict:
    champion = plane.board.lineups["m000"].champion
    now = plane.clock.now()
    return champion.vectorizer.vector(champion.vectorizer.read(flight(), now), now)


def test_the_version_that_was_asked_for_the_longest_ago_makes_room(alike, open_many) -> None:
    plane = open_many(4, memory=int(2.5 * ONE))

    async def in_turn() -> None:
        for model in ("m000", "m001", "m000", "m002"):
            await output(plane, model, flight())
        await asyncio.to_thread(settled, plane)
        assert plane.seats.present == ["m000/1", "m002/1"]

    asyncio.run(in_turn())
    assert counts(plane, "noria_model_unloads_total") == {("m001", "room"): 1}


def test_a_model_that_is_too_large_for_the_budget_says_so_in_the_words_of_each_contract(open_many) -> None:
    call = Caller(open_many(1, memory=200_000))
    told = call.json("POST", "/predict?model=m000", flight(), status=503)
    assert told["code"] == "N6091" and "models may take 200,000" in told["error"]
    told = call.json("POST", "/v2/models/m000/infer", _tensors(), status=503)
    assert "models may take 200,000" in told["error"]
    settled(call.plane)
    assert call.plane.seats.budget.taken == 0


def _tensors() -> dict:
    row = {name: value for name, value in flight().items() if name not in ("asked_at", "tailnum")}
    kinds = {str: "BYTES", float: "FP64"}
    return {
        "inputs": [
            {"name": name, "datatype": kinds[type(value)], "shape": [1], "data": [value]} for name, value in row.items()
        ]
    }


def test_a_damaged_model_is_tried_a_few_times_and_then_left_alone(open_many, root) -> None:
    plane = open_many(3)
    call = Caller(plane)
    package = plane.board.lineups["m000"].champion.package
    for digest in (package.model, package.fused):
        if digest:
            path = plane._ws.blobs.path(digest)
            path.chmod(0o644)
            path.write_bytes(b"no graph")
    now = time.monotonic()
    plane.seats._clock = lambda: now
    for tried in range(1, _TRIES + 1):
        told = call.json("POST", "/predict?model=m000", flight(), status=503)
        assert told["code"] == "N6090" and "damaged" in told["error"]
        again = call.json("POST", "/predict?model=m000", flight(), status=503)
        assert again["code"] == "N6090"  # and the files were not read again
        assert counts(plane, "noria_model_loads_total")["m000", "failed"] == tried
        now += 5 * 2**tried
    now += 1e9
    assert "not tried again" in call.json("POST", "/predict?model=m000", flight(), status=503)["hint"]
    index = {one["name"]: one for one in call.json("POST", "/v2/repository/index")}
    assert index["m000"]["state"] == "UNAVAILABLE" and "damaged" in index["m000"]["reason"]
    assert call.json("GET", "/v2/models/m000/ready", status=503)
    call.json("POST", "/v2/repository/models/m000/load", status=503)
    assert counts(plane, "noria_model_loads_total")["m000", "failed"] == _TRIES + 1
    assert call.json("POST", "/predict?model=m001", flight())["predictions"]


def test_the_repository_says_what_is_in_memory_and_loads_and_unloads(open_many) -> None:
    call = Caller(open_many(2, more=["always0"]))

    def states() -> dict[str, str]:
        return {one["name"]: one["state"] for one in call.json("POST", "/v2/repository/index")}

    assert states() == {"always0": "READY", "m000": "UNAVAILABLE", "m001": "UNAVAILABLE"}
    (told,) = (one for one in call.json("POST", "/v2/repository/index") if one["name"] == "m000")
    assert told["version"] == "1" and "first request" in told["reason"]
    assert call.json("GET", "/v2/health/ready")["ready"] and call.json("GET", "/v2/models/m000/ready")["ready"]
    assert call.json("GET", "/v2/models/m000")["versions"] == ["1"]  # metadata needs no memory
    assert call.json("POST", "/v2/repository/models/m000/load") == {}
    assert states() == {"always0": "READY", "m000": "READY", "m001": "UNAVAILABLE"}
    assert [one["name"] for one in call.json("POST", "/v2/repository/index", {"ready": True})] == ["always0", "m000"]
    assert call.json("POST", "/models", {"model_name": "m000"}, status=409)
    assert call.json("POST", "/v2/repository/models/m000/unload") == {}
    assert states()["m000"] == "UNAVAILABLE"
    assert call.json("POST", "/models", {"model_name": "m001"})["status"]
    assert call.json("DELETE", "/models/m001")["status"]
    assert call.json("POST", "/v2/repository/models/always0/unload", status=403)["code"] == "N6072"
    assert call.json("POST", "/v2/repository/models/m0/unload", status=404)["code"] == "N6003"


def test_documents_of_many_models_stay_short(open_many) -> None:
    call = Caller(open_many(200))
    told = call.json("GET", "/")
    assert len(told["models"]) == 200 and sorted(told["examples"]) == names(20)
    assert list(call.json("GET", "/?model=m150")["examples"]) == ["m150"]
    assert b"Model m150" in call("GET", "/docs?model=m150").body
    assert b"Model m150" not in call("GET", "/docs").body and b"Model m019" in call("GET", "/docs").body


def test_explanations_bring_a_model_into_memory(open_many) -> None:
    call = Caller(open_many(1))
    (told,) = call.json("POST", "/predict?model=m000&explain=true", flight())["predictions"]
    assert told["explanation"]["total"] == pytest.approx(told["output"], abs=0.5) or told["explanation"]["scale"]


def test_a_promoted_version_takes_over_without_being_asked_twice(open_many, workspace_of) -> None:
    plane = open_many(1)

    async def swap() -> None:
        before = await output(plane, "m000", flight(3))
        old = plane.board.lineups["m000"].champion.seat
        add_version_of(workspace_of, "m000", 1)
        await plane.follow()
        answer = (await ask(plane, "m000", flight(3)))["predictions"][0]
        assert answer["version"] == 2 and answer["output"] != before
        assert plane.seats.present == ["m000/1", "m000/2"] or old.stay is None

    asyncio.run(swap())


def test_a_server_that_was_killed_goes_on_with_an_empty_memory(root) -> None:
    said: dict[str, float] = {}
    script = Path(many_airlines.__file__)
    for already in (0, 30):
        with server(root, "200", str(10 * ONE), script=script) as (url, process), httpx.Client(base_url=url) as client:
            index = client.post("/v2/repository/index").json()
            assert len(index) == 200 and {one["state"] for one in index} == {"UNAVAILABLE"}
            for name in names(200)[:30]:
                (answer,) = client.post(f"/predict?model={name}", json=flight(prediction_id=name)).json()["predictions"]
                assert said.setdefault(name, answer["output"]) == answer["output"]
            states = Counter(one["state"] for one in client.post("/v2/repository/index").json())
            assert 8 <= states["READY"] <= 11 if not already else states["READY"] == 0  # all were answered before
            assert client.post("/predict?model=m100", json=flight()).status_code == 200
            process.kill()
            process.wait()
