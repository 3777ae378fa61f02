"""What is asked in one turn of the event loop is answered together, and each as if it had been alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_airline import MODEL, add_version, flight

from noria.core.errors import StorageFull
from noria.serving.log import PredictionLog
from noria.serving.model import Request, Response


@pytest.fixture
def call(ws, open_plane):
    add_version(ws, promoted=True)
    return open_plane()


class Watched:
    """A real session that notes how many rows each run has."""

    def __init__(self, session: Any) -> None:
        self._session, self.runs = session, []

    def predict_row(self, row: Any) -> float:
        self.runs.append(1)
        return self._session.predict_row(row)

    def predict_rows(self, rows: Sequence[Any]) -> list[float]:
        self.runs.append(len(rows))
        return self._session.predict_rows(rows)


def watched(call) -> Watched:
    champion = call.plane.board.lineups[MODEL].champion
    found = Watched(champion.scorer)
    object.__setattr__(champion, "scorer", found)
    return found


def together(call, *bodies: object) -> list[tuple[int, Any]]:
    """Ask all of them in one turn; status and answer of each."""

    async def ask() -> list[Response]:
        asked = [Request("POST", "/predict", {}, json.dumps(body).encode(), "") for body in bodies]
        return await asyncio.gather(*map(call.plane.app.handle, asked))

    return [(one.status, json.loads(one.body)) for one in asyncio.run(ask())]


def test_one_run_and_one_write_for_all(call, monkeypatch) -> None:
    model, written = watched(call), []
    append = PredictionLog.append_many
    monkeypatch.setattr(
        PredictionLog, "append_many", lambda log, found, **how: written.append(len(found)) or append(log, found, **how)
    )
    answers = together(call, *(flight(number) for number in range(10)))
    assert [status for status, _ in answers] == [200] * 10
    assert (model.runs, written) == ([10], [10])
    alone = [call.predict(flight(number))[0]["output"] for number in range(10)]
    assert [told["predictions"][0]["output"] for _, told in answers] == pytest.approx(alone, abs=1e-7)


def test_a_long_row_of_them_is_answered_in_between(call) -> None:
    model = watched(call)
    answers = together(call, *(flight(number) for number in range(70)))
    assert {status for status, _ in answers} == {200}
    assert model.runs == [32, 32, 6]


def test_each_hears_its_own_fault_and_no_others(call) -> None:
    bodies = [flight(1), {}, flight(2, distance="far"), {"rows": [flight(3), flight(4)]}, [], flight(5)]
    answers = together(call, *bodies)
    assert [status for status, _ in answers] == [200, 400, 400, 200, 200, 200]
    assert len(answers[3][1]["predictions"]) == 2
    assert answers[4][1] == {"predictions": []}


def test_the_same_id_asked_twice_in_a_turn_has_one_answer(call) -> None:
    answers = together(call, *[flight(1, prediction_id="once")] * 3, flight(2, prediction_id="once"))
    assert [status for status, _ in answers] == [200] * 4
    assert len({json.dumps(told) for _, told in answers}) == 1
    assert len(call.plane.log._predictions.index) == 1


def test_a_full_disk_is_told_to_all_and_nothing_is_kept(call, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageFull("no room", hint="free room")

    with monkeypatch.context() as patch:
        patch.setattr(call.plane.log, "append_many", full)
        answers = together(call, flight(1, prediction_id="a"), flight(2))
    assert [status for status, _ in answers] == [507, 507]
    assert call.plane.log.find("a") is None
    assert b"noria_predictions_total{" not in call("GET", "/metrics").body


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=40))
def test_answers_are_those_given_one_by_one(call, asked) -> None:
    alone = {number: call.predict(flight(number))[0]["output"] for number in range(4)}
    bodies = [flight(number, **({"prediction_id": f"p{number}"} if named else {})) for number, named in asked]
    for (number, _), body, (status, told) in zip(asked, bodies, together(call, *bodies), strict=True):
        assert status == 200
        (one,) = told["predictions"]
        assert one["output"] == pytest.approx(alone[number], abs=1e-7)
        assert one["prediction_id"] == body.get("prediction_id", one["prediction_id"])
        assert call.plane.log.find(one["prediction_id"]).request["flight_id"] == body["flight_id"]
