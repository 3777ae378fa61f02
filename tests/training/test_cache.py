"""The same inputs, the same result, nothing done; and when something is done, why."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from noria.core.clock import ManualClock
from noria.training.cache import StepCache, differences
from noria.workspace.workspace import Workspace


def test_unchanged_inputs_do_nothing_and_say_so(ws: Workspace) -> None:
    cache, ran = StepCache(ws), []

    def compute() -> Any:
        ran.append(1)
        return {"model": "m1", "scores": (1, 2.5)}

    first = cache.run("train", {"values": {"depth": 3}}, compute)
    second = StepCache(ws).run("train", {"values": {"depth": 3}}, compute)
    assert (first.reused, first.why, second.reused, second.why) == (False, "it has never run", True, "inputs unchanged")
    assert first.value == second.value == {"model": "m1", "scores": [1, 2.5]}
    assert len(ran) == 1


BASE = {
    "code": {"flights.helper": "a" * 64, "flights.lateness": "b" * 64},
    "values": {"max_iter": 150, "rate": 0.1},
    "snapshot": {"Flight": "c" * 64},
    "inputs": [{"view": "Airport"}, {"name": "hour_of_day", "fingerprint": "a" * 64}],
    "answers": [["2013-01.parquet", "d" * 64, None], ["2013-02.parquet", "e" * 64, None]],
}
CHANGES = [
    ({"code": {"flights.helper": "f" * 64, "flights.lateness": "b" * 64}}, "code: flights.helper changed"),
    ({"values": {"max_iter": 200, "rate": 0.1}}, "values.max_iter 150 → 200"),
    ({"values": {"max_iter": 150}}, "values.rate is gone"),
    ({"values": {"max_iter": 150, "rate": 0.1, "depth": 2}}, "values.depth is new"),
    ({"snapshot": {"Flight": "f" * 64}}, "snapshot.Flight changed"),
    ({"answers": [["2013-01.parquet", "d" * 64, None]]}, "answers: 2013-02.parquet is gone"),
    ({"inputs": [{"view": "Airport"}, {"name": "hour_of_day", "fingerprint": "b" * 64}]},
     "inputs[hour_of_day].fingerprint changed"),
    ({"values": {"max_iter": True, "rate": 0.1}}, "values.max_iter 150 → True"),
    ({"values": 1, "code": 2, "snapshot": 3, "answers": 4},
     "answers changed; code changed; snapshot changed and 1 more"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "why"), CHANGES)
def test_a_miss_names_what_differs(ws: Workspace, change: dict[str, Any], why: str) -> None:
    cache = StepCache(ws)
    cache.run("train", BASE, lambda: 1)
    cache.run("other step", {"values": {"max_iter": 9}}, lambda: 1)
    assert cache.run("train", {**BASE, **change}, lambda: 2).why == why


def test_a_miss_is_told_against_the_newest_result(ws: Workspace) -> None:
    cache = StepCache(ws)
    cache.run("train", {"depth": 1}, lambda: 1)
    assert isinstance(ws.clock, ManualClock)
    ws.clock.advance_to(2000)
    cache.run("train", {"depth": 2}, lambda: 1)
    assert cache.run("train", {"depth": 3}, lambda: 1).why == "depth 2 → 3"


def test_a_result_whose_blob_is_gone_is_made_again(ws: Workspace) -> None:
    digest = ws.blobs.put(b"model")

    def compute() -> Any:
        return {"blobs": [ws.blobs.put(b"model")]}

    cache = StepCache(ws)
    cache.run("train", {}, compute)
    assert cache.run("train", {}, compute).reused
    ws.blobs.path(digest).unlink()
    again = cache.run("train", {}, compute)
    assert (again.reused, again.why) == (False, "its result blob is gone")
    assert cache.run("train", {}, compute).reused


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}])
def test_an_empty_result_is_a_result(ws: Workspace, value: Any) -> None:
    StepCache(ws).run("check", {}, lambda: value)
    assert StepCache(ws).run("check", {}, lambda: 1 / 0).value == value


def test_a_failure_is_not_kept(ws: Workspace) -> None:
    cache = StepCache(ws)
    with pytest.raises(ZeroDivisionError):
        cache.run("train", {}, lambda: 1 / 0)
    with pytest.raises(ValueError, match="JSON"):
        cache.run("train", {}, lambda: {"loss": float("nan")})
    assert cache.run("train", {}, lambda: 1).why == "it has never run"


def test_many_writers_of_the_same_step_all_succeed(ws: Workspace) -> None:
    together, results = threading.Barrier(6), []

    def work(number: int) -> None:
        results.append(StepCache(ws).run("train", {"same": 1}, lambda: (together.wait(10), number)[1]).value)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == list(range(6))
    assert StepCache(ws).run("train", {"same": 1}, lambda: 1 / 0).value in range(6)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@example({"a": [True]}, {"a": [1]})
@example({"a": [["n", 1]]}, {"a": {"n": 1}})
@example({"a": [["n", 1], ["m", 2]]}, {"a": [["m", 2], ["n", 1]]})
@given(st.dictionaries(st.text(max_size=3), JSON, max_size=3), st.dictionaries(st.text(max_size=3), JSON, max_size=3))
def test_differences_are_told_exactly_when_there_are_any(before: Any, after: Any) -> None:
    assert bool(list(differences(before, after))) == (_typed(before) != _typed(after))


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return ("dict", {key: _typed(one) for key, one in value.items()})
    return (type(value).__name__, [_typed(one) for one in value] if isinstance(value, list) else value)
