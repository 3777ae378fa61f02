"""Lanes: what arrives during a run is taken together by the next one, in order of priority, within bounds."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.core.errors import BadInput
from noria.serving.batching import Lane, Overloaded
from noria.serving.model import LaneRules


class Model:
    """Doubles `x`, when its gate is open; knows what it was asked."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self.batches: list[list[float]] = []

    def predict(self, values):
        self.batches.append(list(values["x"]))
        self.begun.release()
        self.gate.acquire()
        if any(x < 0 for x in values["x"]):
            raise BadInput("negative")
        return 2 * np.array(values["x"], dtype=float)

    def open(self) -> None:
        self.gate.release(10_000)


def rows(*values: float) -> list[dict[str, float]]:
    return [{"x": value} for value in values]


@pytest.fixture
def model() -> Model:
    return Model()


def busy(model: Model, **rules: float) -> tuple[Lane, Future]:
    """A lane in the midst of a run."""
    lane = Lane("m", model.predict, ["x"], LaneRules(**rules))
    first = lane.ask(rows(0))
    model.begun.acquire()
    return lane, first


def test_a_lone_row_does_not_wait_and_what_arrives_meanwhile_goes_together(model: Model) -> None:
    lane, first = busy(model)
    later = [lane.ask(rows(n)) for n in range(1, 6)]
    model.open()
    assert first.result(9) == [0]
    assert [one.result(9) for one in later] == [[2], [4], [6], [8], [10]]
    assert model.batches == [[0], [1, 2, 3, 4, 5]]
    lane.close()


def test_higher_priorities_go_first_and_long_requests_in_pieces(model: Model) -> None:
    lane, _ = busy(model, most_rows=2)
    long, urgent = lane.ask(rows(1, 2, 3)), lane.ask(rows(9), priority=5)
    model.open()
    assert long.result(9) == [2, 4, 6]
    assert urgent.result(9) == [18]
    assert model.batches[1][0] == 9
    assert all(len(batch) <= 2 for batch in model.batches)
    lane.close()


def test_a_row_that_is_refused_spoils_no_others(model: Model) -> None:
    lane, _ = busy(model)
    good, bad, other = lane.ask(rows(1)), lane.ask(rows(2, -1)), lane.ask(rows(3))
    model.open()
    assert good.result(9) == [2]
    assert other.result(9) == [6]
    with pytest.raises(BadInput, match="negative"):
        bad.result(9)
    lane.close()


def test_a_full_queue_refuses_and_says_so(model: Model) -> None:
    lane, _ = busy(model, queue=3)
    kept = lane.ask(rows(1, 2, 3))
    with pytest.raises(Overloaded, match="3 rows wait") as refused:
        lane.ask(rows(4))
    assert refused.value.status == 503
    model.open()
    assert kept.result(9) == [2, 4, 6]
    lane.close()


def test_who_has_waited_too_long_is_refused_and_who_hung_up_is_not_run(model: Model) -> None:
    lane, first = busy(model)
    lane._rules = LaneRules(patience=1e-9)
    late = lane.ask(rows(1))
    gone = lane.ask(rows(2))
    assert gone.cancel()
    model.open()
    assert first.result(9) == [0]
    with pytest.raises(Overloaded, match="in the queue"):
        late.result(9)
    lane.close()
    assert model.batches == [[0]]


def test_a_closed_lane_answers_what_waits_and_takes_no_more(model: Model) -> None:
    lane, first = busy(model)
    waiting = lane.ask(rows(1))
    closing = threading.Thread(target=lane.close)
    closing.start()
    model.open()
    closing.join(9)
    assert (first.result(0), waiting.result(0)) == ([0], [2])
    with pytest.raises(Overloaded):
        lane.ask(rows(1))


def test_batches_shrink_to_what_a_slice_of_time_allows() -> None:
    lane = Lane("m", lambda values: np.array(values["x"], dtype=float), ["x"], LaneRules(slice=1.0, most_rows=100))
    lane.row_seconds = 0.25
    assert lane._room() == 4
    lane.row_seconds = 1e-6
    assert lane._room() == 100
    lane.row_seconds = 60.0
    assert lane._room() == 1


@given(
    st.lists(st.tuples(st.integers(-2, 2), st.lists(st.floats(0, 1e6), max_size=7)), min_size=1, max_size=20),
    st.integers(1, 5),
)
@settings(deadline=None, max_examples=30)
def test_everybody_gets_the_own_answers_in_the_own_order(asked, most) -> None:
    model = Model()
    lane, _ = busy(model, most_rows=most)
    waiting = [lane.ask(rows(*values), priority) for priority, values in asked]
    model.open()
    for (_, values), future in zip(asked, waiting, strict=True):
        assert future.result(9) == [2 * value for value in values]
    lane.close()
    assert lane._waiting == 0
