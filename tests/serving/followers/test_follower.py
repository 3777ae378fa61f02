"""A leader and a follower in one process, over their real socket: who answers, who writes, what when one is gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import asynccontextmanager

import pytest
from plain_model import PLAIN_MODELS, add_plain, ask

from noria.core.errors import StorageFull
from noria.serving.data_plane import DataPlane
from noria.serving.followers import link as link_module
from noria.serving.followers.follower import Follower
from noria.serving.followers.frames import Call, Failed, Forward, Keep
from noria.serving.followers.leading import Leading
from noria.serving.grpc.services import Services
from noria.serving.log import PredictionLog
from noria.serving.model import Request


class Two:
    """Both of them, and what the follower said."""

    def __init__(self, ws) -> None:
        self.ws = ws
        self.leader = DataPlane(ws, PLAIN_MODELS, {})
        self.leading = self.lead()
        self.follower = Follower(ws, PLAIN_MODELS, {})
        self.said: list[type] = []
        link = self.follower._link
        say, mention = link.say, link.mention
        link.say = lambda message, told: (self.said.append(type(message)), say(message, told))
        link.mention = lambda message: (self.said.append(type(message)), mention(message))

    def lead(self) -> Leading:
        plane = self.leader
        return Leading(plane.folder, plane.app, plane.log, plane.metrics, lambda: Services(plane).methods)

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, dict]:
        data = b"" if body is None else json.dumps(body).encode()
        response = await self.follower.app.handle(Request(method, path, {}, data, ""))
        told = json.loads(response.body) if response.content_type == "application/json" else {}
        return response.status, told

    async def predict(self, *rows: dict) -> list[dict]:
        status, told = await self.ask("POST", "/predict", {"rows": list(rows)})
        assert status == 200, told
        return told["predictions"]


@pytest.fixture
def play(ws) -> Callable:
    """Runs a play with both of them on the stage."""
    add_plain(ws)

    @asynccontextmanager
    async def stage():
        two = Two(ws)
        async with two.leader.running(two.leading), two.follower.running(two.follower.lanes()):
            while two.follower._link._connection is None:
                await asyncio.sleep(0.01)
            yield two

    def run(part) -> None:
        async def whole() -> None:
            async with stage() as two:
                await part(two)

        asyncio.run(whole())

    return run


def test_a_follower_answers_and_the_leader_writes(play) -> None:
    async def part(two: Two) -> None:
        (one,) = await two.predict(ask(1))
        assert two.said == [Keep]
        assert two.leader.log.find(one["prediction_id"]).output == one["output"]
        together = await asyncio.gather(*(two.predict(ask(number)) for number in range(10)))
        assert len({told["prediction_id"] for (told,) in together}) == 10
        assert two.said == [Keep, Keep]
        alone = await two.leader.app.handle(Request("POST", "/predict", {}, json.dumps(ask(1)).encode(), ""))
        assert json.loads(alone.body)["predictions"][0]["output"] == pytest.approx(one["output"])

    play(part)


def test_an_id_keeps_its_answer_whoever_gave_it(play) -> None:
    async def part(two: Two) -> None:
        body = json.dumps(ask(1, prediction_id="p")).encode()
        first = json.loads((await two.leader.app.handle(Request("POST", "/predict", {}, body, ""))).body)
        assert [await two.predict(ask(number, prediction_id="p")) for number in (2, 3)] == [first["predictions"]] * 2
        twice = await asyncio.gather(*(two.predict(ask(number, prediction_id="q")) for number in range(3)))
        assert twice[0] == twice[1] == twice[2]

    play(part)


def test_everything_else_is_the_leaders(play) -> None:
    async def part(two: Two) -> None:
        (one,) = await two.predict(ask(1))
        assert (await two.ask("POST", "/feedback", {"prediction_id": one["prediction_id"], "label": 1}))[0] == 200
        assert (await two.ask("GET", "/v2/health/ready"))[0] == 200
        assert (await two.ask("POST", "/predict", ask(1, a="far")))[0] == 400
        assert two.said == [Keep, Forward, Forward, Failed]
        counted = two.leader.app.counts()
        assert 'noria_predictions_total{arm="champion",model="plain",version="1"} 1.0' in counted
        calls = two.follower.lanes()._services().methods
        live = await calls.begin("/inference.GRPCInferenceService/ServerLive", b"")
        assert live == b"\x08\x01"
        assert two.said[-1] is Call

    play(part)


def test_a_leaders_full_disk_is_everybodys(play, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageFull("no room", hint="free room")

    async def part(two: Two) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(PredictionLog, "append_many", full)
            status, told = await two.ask("POST", "/predict", ask(1))
        assert (status, told["code"]) == (507, "N1507")
        assert await two.predict(ask(1))

    play(part)


def test_what_waits_is_handed_to_the_next_leader(play) -> None:
    async def part(two: Two) -> None:
        await two.leading.stop()
        while two.follower._link._connection is not None:
            await asyncio.sleep(0.01)
        waiting = [asyncio.ensure_future(two.predict(ask(number))) for number in range(3)]
        await asyncio.sleep(0.05)
        assert not any(one.done() for one in waiting)
        two.leading = two.lead()
        await two.leading.start()
        answers = [told for (told,) in await asyncio.gather(*waiting)]
        assert all(two.leader.log.find(one["prediction_id"]) for one in answers)
        await two.leading.stop()

    play(part)


def test_without_a_leader_it_says_so_after_a_while(play, monkeypatch) -> None:
    monkeypatch.setattr(link_module, "_PATIENCE_SECONDS", 0.1)

    async def part(two: Two) -> None:
        await two.leading.stop()
        while two.follower._link._connection is not None:
            await asyncio.sleep(0.01)
        assert [(await two.ask("POST", "/predict", ask(1)))[0], (await two.ask("GET", "/"))[0]] == [503, 503]

    play(part)


def test_a_stranger_on_the_socket_is_hung_up_on(play) -> None:
    async def part(two: Two) -> None:
        for said in (b"\xff\xff\xff\xff", b"\x01\x00\x00\x00\xc1", b"\x02\x00\x00\x00\x91\x01"):
            reader, writer = await asyncio.open_unix_connection(str(two.leader.folder / "leader.sock"))
            writer.write(said)
            assert await reader.read() == b""
            writer.close()
        assert await two.predict(ask(1))

    play(part)
