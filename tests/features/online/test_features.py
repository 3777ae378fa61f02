"""The online store against a hostile world: events that lie, senders that repeat themselves, and kill -9."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stations import COLUMNS, HOUR, MINUTE, STATION

from noria.core.clock import parse_moment
from noria.core.errors import BadInput, Conflict, NotFound
from noria.features.model import BadEvents
from noria.features.online.features import OnlineFeatures
from noria.stores.online_lmdb import LmdbOnlineStore
from noria.stores.online_memory import MemoryOnlineStore

T = parse_moment("2024-06-10T12:00:00")
VIEW = replace(STATION, columns=(replace(COLUMNS[0], nullable=False), *COLUMNS[1:]))
HERE = str(Path(__file__).parent)
BESIDE = str(Path(__file__).parents[1])


def reading(number=0, **different):
    plain = {"station": f"s{number % 7}", "at": T + number * MINUTE, "celsius": number / 8, "retries": number}
    return plain | {"state": "ok"} | different


def die(online):
    """End as a killed process does: nothing is written down any more."""
    if online._spool is not None:
        online._spool.close()
        online._store.close()
        online._spool = None


@pytest.fixture
def open_online(tmp_path):
    opened = []

    def open_online(name="here", view=VIEW):
        store = LmdbOnlineStore(tmp_path / name / "online", map_bytes=1 << 28)
        opened.append(OnlineFeatures([view], store, tmp_path / name / "spool"))
        return opened[-1]

    yield open_online
    for one in opened:
        die(one)


@pytest.fixture
def online(open_online):
    return open_online()


def all_of(online, at=T + 10 * 24 * HOUR, view=VIEW):
    return {name: online.lookup(view, (name,), at) for name in [f"s{number}" for number in range(8)]}


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (reading(celsius=math.nan), "not finite"),
        (reading(celsius=math.inf), "not finite"),
        (reading(celsius=10**400), "not finite"),
        (reading(celsius="12"), "'12' is no number"),
        (reading(celsius=True), "True is no number"),
        (reading(retries=1.5), "no whole number"),
        (reading(retries=2**63), "no whole number of 64 bits"),
        (reading(station=None), "is null"),
        (reading(station=7), "7 is no text"),
        (reading(station="\ud800"), "no text"),
        (reading(state=["ok"]), "no text"),
        (reading(at=None), "is null"),
        (reading(at="yesterday"), "no time"),
        (reading(at=True), "no time"),
        (reading(at=1.5e15), "no time"),
        (reading(at=10**30), "no time"),
        (reading(at=-(10**18)), "no time"),
        (reading(at="0001-01-01T00:00:00+23:00"), "no time"),
        (reading(ingested_at=10**30), "no time"),
        (reading(ingested_at=T - 1), "happened later than it was ingested"),
        (reading(celcius=1.0), "did you mean 'celsius'"),
        ({"at": T}, "station: is missing"),
        ([1, 2], "must be an object, not list"),
        ("event", "must be an object"),
        (None, "must be an object"),
    ],
    ids=repr,
)
def test_an_event_that_does_not_fit_is_refused_with_its_whole_batch(online, event, said):
    with pytest.raises(BadEvents) as refused:
        online.ingest("Reading", [reading(), event], stream="a", position=0)
    assert said in str(refused.value)
    assert "rows[1]" in str(refused.value)
    assert online.lookup(VIEW, ("s0",), T + HOUR)["newest"] is None
    assert online.positions() == {}
    assert online.ingest("Reading", [reading()]) == 1


def test_every_fault_of_a_batch_is_told_at_once_and_many_are_counted(online):
    with pytest.raises(BadEvents) as refused:
        online.ingest("Reading", [reading(celsius="x", retries="y"), {}, *[{"at": 0}] * 30])
    assert "rows[0].celsius" in str(refused.value)
    assert "rows[0].retries" in str(refused.value)
    assert "rows[1].station: is missing" in str(refused.value)
    assert "and 14 more" in str(refused.value)


def test_a_source_that_nobody_needs_is_not_found(online):
    with pytest.raises(NotFound, match="there is no source 'Readin'"):
        online.ingest("Readin", [reading()])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from([*(one.name for one in COLUMNS), "ingested_at", "x"])
anything = json_values | st.dictionaries(names, json_values)


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.lists(anything, min_size=1, max_size=3))
def test_whatever_is_sent_is_taken_in_or_refused_in_words(online, rows):
    try:
        online.ingest("Reading", rows)
    except BadInput as refused:
        assert refused.code == "N3101"


def test_an_entity_with_a_very_long_name_is_one_like_any_other(open_online):
    """LMDB keeps keys of up to 511 bytes; a longer name must not poison the spool."""
    online = open_online()
    names = ["n" * 5000, "n" * 5000 + "'", "Ω" * 400]
    online.ingest("Reading", [reading(station=name, celsius=float(number)) for number, name in enumerate(names)])
    die(online)
    again = open_online()
    again.checkpoint()
    assert [again.lookup(VIEW, (name,), T + 1)["newest"] for name in names] == [0.0, 1.0, 2.0]
    assert again.lookup(VIEW, ("n" * 4999,), T + 1)["newest"] is None


def test_a_sender_that_is_not_sure_sends_again(online):
    rows = [reading(number) for number in range(50)]
    assert online.ingest("Reading", rows[:30], stream="a", position=0) == 30
    assert online.ingest("Reading", rows[10:50], stream="a", position=10) == 20
    assert online.ingest("Reading", rows, stream="a", position=0) == 0
    assert online.positions() == {"a": 50}
    rows_seen = sum(values[f"rows_{13 * 24 * HOUR}"] for values in all_of(online).values())
    assert rows_seen == 50
    assert online.ingest("Reading", rows[:5], stream="b", position=0) == 5


def test_there_is_one_writer(open_online, tmp_path):
    open_online()
    with pytest.raises(Conflict, match="another process writes"):
        OnlineFeatures([VIEW], MemoryOnlineStore(), tmp_path / "here" / "spool")


def grown():
    """The view after its source was given another column, and a feature of it."""
    wind = replace(COLUMNS[2], name="wind")
    feature = replace(STATION.features[-2], name="wind", column="wind")
    return replace(VIEW, columns=(*VIEW.columns, wind), features=(*VIEW.features, feature))


def test_a_source_that_grows_while_it_is_served_is_read_by_its_newest_declaration(online):
    new = grown()
    online.ingest("Reading", [reading()])
    online.add_views([new])
    online.ingest("Reading", [reading(7), reading(1, wind=3.5)])
    assert online.lookup(new, ("s1",), T + HOUR)["wind"] == 3.5
    assert online.lookup(new, ("s0",), T + HOUR)["wind"] is None
    assert online.lookup(VIEW, ("s1",), T + HOUR)["newest"] == 1 / 8


def test_a_declaration_that_grew_reads_what_was_acknowledged_before(open_online):
    """The spool holds rows of the old declaration; the new one has a column that they lack."""
    online = open_online()
    online.ingest("Reading", [reading()])
    die(online)
    new = grown()
    found = open_online(view=new).lookup(new, ("s0",), T + 1)
    assert (found["newest"], found["wind"]) == (0.0, None)


_SENDER = f"""
import json, sys
sys.path[:0] = [{HERE!r}, {BESIDE!r}]
from pathlib import Path
from test_features import VIEW, reading
from noria.features.online import features as online
from noria.features.online.features import OnlineFeatures
from noria.stores.online_lmdb import LmdbOnlineStore
online._CHECKPOINT = 70  # checkpoints often, so that the kill also falls into them
folder = Path(sys.argv[1])
features = OnlineFeatures([VIEW], LmdbOnlineStore(folder / "online", map_bytes=1 << 28), folder / "spool")
at = features.positions().get("loop", 0)
while True:
    features.ingest("Reading", [reading(n) for n in range(at, at + 9)], stream="loop", position=at)
    at += 9
    print(at, flush=True)
"""


def test_killed_in_the_midst_again_and_again_and_sent_again_it_is_as_if_nothing_had_been(open_online, tmp_path):
    acknowledged = 0
    for lines in (60, 25, 111):
        command = [sys.executable, "-c", _SENDER, str(tmp_path / "killed")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender:
            for _ in range(lines):
                acknowledged = int(sender.stdout.readline())
            sender.send_signal(signal.SIGKILL)
    killed, undisturbed = open_online("killed"), open_online("undisturbed")
    reached = killed.positions()["loop"]
    assert reached >= acknowledged == (acknowledged // 9) * 9
    rows = [reading(number) for number in range(reached + 500)]
    killed.ingest("Reading", rows[reached - 40 :], stream="loop", position=reached - 40)
    undisturbed.ingest("Reading", rows, stream="loop", position=0)
    for at in (T + len(rows) * MINUTE, T + len(rows) * MINUTE + 5 * HOUR, T + 12 * 24 * HOUR):
        assert json.dumps(all_of(killed, at)) == json.dumps(all_of(undisturbed, at))
    assert killed.freshness() == undisturbed.freshness()
