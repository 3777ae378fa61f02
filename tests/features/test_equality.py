"""Offline equals online equals the oracle, whatever comes, in whatever order, with restarts in between."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sensors import (
    DAY,
    EVERY_KIND,
    HOUR,
    INPUTS,
    MINUTE,
    QUESTION,
    READING,
    offline,
    part,
    question,
    reading,
    workspace,
)

from noria.features.online.features import OnlineFeatures
from noria.stores.online_lmdb import LmdbOnlineStore
from noria.testing import oracle

SENSORS = st.sampled_from(["a", "b", "é\x00", None])
MOMENTS = st.one_of(
    st.integers(-30, 30).map(lambda n: n * 150_000_000),  # a grid that ties hops, windows, events and questions
    st.integers(-15, 15).map(lambda n: n * DAY),
    st.integers(-2 * HOUR, 2 * HOUR),
    st.integers(-20 * DAY, 20 * DAY),
)
LATENESS = st.one_of(
    st.just(0), st.just(0), st.integers(0, 30).map(lambda n: n * 150_000_000), st.integers(0, 14 * DAY)
)
READINGS = st.fixed_dictionaries(
    {
        "sensor": SENSORS,
        "read_at": MOMENTS,
        "heat": st.none() | st.integers(-40, 40).map(lambda n: n / 4),
        "ticks": st.none() | st.integers(-5, 5) | st.sampled_from([2**63 - 1, -(2**63)]),
        "mood": st.none() | st.sampled_from(["fine", "it's bad", "", "zebra"]),
        "late": LATENESS,
    }
).map(lambda row: {**{k: v for k, v in row.items() if k != "late"}, "ingested_at": row["read_at"] + row["late"]})


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows = draw(st.lists(READINGS, min_size=1, max_size=30))
    rows += draw(st.lists(st.sampled_from(rows), max_size=5))  # duplicates are rows like others
    after = [0, 1, 10 * MINUTE, HOUR, 65 * MINUTE, 6 * HOUR, DAY, 13 * DAY]
    near = st.sampled_from([row[time] + gap for row in rows for time in ("read_at", "ingested_at") for gap in after])
    asked = draw(st.lists(st.tuples(SENSORS, near | MOMENTS), min_size=1, max_size=12))
    return rows, [question(number, sensor, at) for number, (sensor, at) in enumerate(asked)]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return type(one) is type(other) and one == other


def differences(expected: list[dict[str, Any]], found: list[dict[str, Any]]) -> list[str]:
    return [
        f"{number} {name}: {want!r} but {got[name]!r}"
        for number, (row, got) in enumerate(zip(expected, found, strict=True))
        for name, want in row.items()
        if not same(want, got[name])
    ]


def replayed(folder: Path, rows: list[dict[str, Any]], asked: list[dict[str, Any]], restarts: set[int]) -> Any:
    """What the online store answers when everything happens in its order, restarting before some questions."""
    online = OnlineFeatures([EVERY_KIND], LmdbOnlineStore(folder / "store"), folder / "spool")
    waiting = sorted(rows, key=lambda row: row["ingested_at"])
    answers = []
    for number, one in enumerate(sorted(asked, key=lambda one: (one["asked_at"], one["id"]))):
        known = [row for row in waiting if row["ingested_at"] <= one["asked_at"]]
        waiting = waiting[len(known) :]
        online.ingest("Reading", known)
        if number in restarts:
            online.close()
            online = OnlineFeatures([EVERY_KIND], LmdbOnlineStore(folder / "store"), folder / "spool")
        answers.append(online.lookup(EVERY_KIND, (one["sensor"],), one["asked_at"]))
    online.close()
    return answers


BEFORE_1970 = ([reading("a", -86_400_000_000, late=150_000_000)], [question(0, "a", -82_650_000_000)])


@example(history=BEFORE_1970, restarts=set(), cut=0)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories(), restarts=st.sets(st.integers(0, 11), max_size=3), cut=st.integers(0, 35))
def test_offline_equals_online_equals_the_oracle(history: Any, restarts: set[int], cut: int) -> None:
    rows, asked = history
    in_order = sorted(asked, key=lambda one: (one["asked_at"], one["id"]))
    expected = [oracle.answer(EVERY_KIND, rows, (one["sensor"],), one["asked_at"]) for one in in_order]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        assert differences(expected, replayed(path, rows, asked, restarts)) == []

        ws = workspace(path / "ws")
        pieces = [piece for piece in (rows[:cut], rows[cut:]) if piece]
        parts = [part(ws, READING, "read_at", piece) for piece in pieces]
        found = offline(ws, INPUTS, part(ws, QUESTION, "asked_at", asked), {"Reading": parts})
        ws.close()
        assert differences([{f"Sensor.{name}": value for name, value in row.items()} for row in expected], found) == []
