"""The backfill, the online store and the definition by hand give the same features, whatever comes and when."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from stations import HOUR, INPUTS, MINUTE, STATION

from noria.data.model import INGESTED_AT
from noria.features import operations as features
from noria.features.online import OnlineFeatures
from noria.retraining.scoring import equal
from noria.stores.online_memory import MemoryOnlineStore
from noria.testing.oracle import Known, features_at

moments = st.one_of(
    st.integers(-20, 20).map(lambda n: n * 5 * MINUTE),  # ties with each other, with hops and with questions
    st.integers(-20 * 24, 20 * 24).map(lambda n: n * HOUR),
    st.integers(-3 * HOUR, 3 * HOUR),
)
lateness = st.just(0) | st.sampled_from([1, MINUTE, 5 * MINUTE, HOUR, 40 * HOUR])
stations = st.sampled_from(["oslo", "rome", None])


@st.composite
def readings(draw):
    at = draw(moments)
    return {
        "station": draw(stations),
        "at": at,
        "celsius": draw(st.none() | st.sampled_from([0.0, -0.1, 15.0, 1e6]) | st.floats(-60, 60)),
        "retries": draw(st.none() | st.integers(-3, 3) | st.sampled_from([2**40, -(2**40)])),
        "state": draw(st.none() | st.sampled_from(["", "it's", "ok", "Ω"])),
        INGESTED_AT: at + draw(lateness),
    }


events = st.lists(readings(), max_size=25).flatmap(
    lambda rows: st.lists(st.sampled_from(rows), max_size=5).map(lambda again: rows + again) if rows else st.just(rows)
)
questions = st.lists(st.tuples(moments, stations | st.just("nowhere")), min_size=1, max_size=8)


def answers_online(rows, asked):
    """Everything is sent in the order in which it was known, and each question asked at its time."""
    online = OnlineFeatures([STATION], MemoryOnlineStore(), Path(tempfile.mkdtemp(dir=answers_online.folder)))
    waiting = sorted(rows, key=lambda row: row[INGESTED_AT])
    found = {}
    for question in sorted(asked, key=lambda one: one["asked_at"]):
        now = [row for row in waiting if row[INGESTED_AT] <= question["asked_at"]]
        waiting = waiting[len(now) :]
        if now:
            online.ingest("Reading", now)
        found[question["question"]] = online.lookup(STATION, question["station"], question["asked_at"])
    online.close()
    return found


def row(at, late=0, **values):
    plain = {"station": "oslo", "at": at, "celsius": 1.0, "retries": 1, "state": "ok", INGESTED_AT: at + late}
    return plain | values


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@example([row(-1), row(0), row(0)], [(0, "oslo"), (1, "oslo")])  # rows of the moment asked about
@example([row(0, celsius=None), row(0, celsius=3.0)], [(0, "oslo")])  # a tie of newest values
@example([row(0, late=HOUR), row(30 * MINUTE)], [(30 * MINUTE, "oslo"), (HOUR, "oslo")])  # late, and exactly then
@example([row(-7 * MINUTE), row(-10 * MINUTE), row(-10 * MINUTE - 1)], [(0, "oslo")])  # the floored far end
@example([row(-2 * HOUR), row(-2 * HOUR - 1, celsius=2.0)], [(0, "oslo")])  # a time to live is inclusive
@given(events, questions)
def test_offline_online_and_by_hand(ws, backfill, tmp_path, rows, asked):
    answers_online.folder = tmp_path
    asked = [{"question": f"q{n}", "station": station, "asked_at": at} for n, (at, station) in enumerate(asked)]
    known = [Known(one, one["at"], one[INGESTED_AT]) for one in rows]
    if not rows:
        rows = [row(-(10**15))]
    offline, online = backfill(ws, rows, asked), answers_online(rows, asked)
    for question in asked:
        for name, truth in features_at(STATION, known, question["station"], question["asked_at"]).items():
            place = f"{name} of {question}"
            assert equal(truth, offline[question["question"]][f"Station.{name}"]), f"offline {place}"
            assert equal(truth, online[question["question"]][name]), f"online {place}"


def test_the_same_inputs_give_the_same_bytes(ws, keep):
    rows = [row(number * MINUTE, celsius=0.1 * number) for number in range(200)]
    question = {"question": "q", "station": "oslo", "asked_at": HOUR, INGESTED_AT: HOUR}
    spine = keep(ws, [question], INPUTS.request, "asked_at")
    parts = {"Reading": [keep(ws, rows, STATION.columns, "at")]}
    assert features.build_part(ws, INPUTS, spine, parts, {}) == features.build_part(ws, INPUTS, spine, parts, {})
