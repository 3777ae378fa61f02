"""How history and events meet, how versions of views live together, and what survives a restart."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sensors import DAY, EVERY_KIND, HOUR, MINUTE, READING, reading

from noria.core.clock import parse_moment
from noria.core.errors import BadInput, NotFound, StorageFull
from noria.core.schema import Column
from noria.features.model import ViewSpec
from noria.features.online import features as module
from noria.features.online.features import OnlineFeatures
from noria.stores.online_lmdb import LmdbOnlineStore
from noria.testing import oracle

AT = 100 * DAY
Open = Callable[..., OnlineFeatures]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens the features of one folder; whoever had them before is closed."""
    current: list[OnlineFeatures] = []

    def open_features(*views: ViewSpec) -> OnlineFeatures:
        while current:
            current.pop().close()
        store = LmdbOnlineStore(tmp_path / "store")
        current.append(OnlineFeatures(views or [EVERY_KIND], store, tmp_path / "spool"))
        return current[0]

    yield open_features
    while current:
        current.pop().close()


def table(rows: list[dict[str, Any]]) -> pa.Table:
    types = {"float": pa.float64(), "string": pa.string()}
    fields = [pa.field(column.name, types.get(column.dtype, pa.int64())) for column in READING]
    return pa.Table.from_pylist(rows, schema=pa.schema([*fields, pa.field("ingested_at", pa.int64())]))


def test_an_event_counts_after_its_own_instant(opened: Open) -> None:
    online = opened()
    assert online.ingest("Reading", [reading("a", AT, heat=3.0)]) == 1
    now, then = online.lookup(EVERY_KIND, ("a",), AT), online.lookup(EVERY_KIND, ("a",), AT + 1)
    assert (now["rows_1h"], now["heat"]) == (0, 3.0), (
        "a window ends before the moment asked about; a latest value does not"
    )
    assert (then["rows_1h"], then["mean_heat_1h"]) == (1, 3.0)
    assert online.lookup(EVERY_KIND, (None,), AT) == online.lookup(EVERY_KIND, ("nobody",), AT)
    assert online.freshness() == {"Reading": AT}


def test_rows_sent_again_are_passed_over(opened: Open) -> None:
    online = opened()
    rows = [reading("a", AT + number) for number in range(5)]
    assert online.ingest("Reading", rows[:3], stream="file", position=0) == 3
    assert online.ingest("Reading", rows, stream="file", position=0) == 2
    assert online.ingest("Reading", rows, stream="file", position=0) == 0
    online = opened()
    assert online.positions() == {"file": 5}
    assert online.ingest("Reading", rows[1:], stream="file", position=1) == 0
    assert online.ingest("Reading", [reading("a", AT + 9)], stream="file") == 1, "without a position: what comes next"
    assert online.positions() == {"file": 6}
    assert online.lookup(EVERY_KIND, ("a",), AT + 10)["rows_1h"] == 6
    with pytest.raises(BadInput, match="before its beginning"):
        online.ingest("Reading", rows, stream="file", position=-1)


def test_a_view_that_is_not_kept_is_named(opened: Open) -> None:
    with pytest.raises(NotFound, match="Other"):
        opened().lookup(replace(EVERY_KIND, name="Other"), ("a",), AT)


def test_times_may_be_text_and_ingested_at_may_be_left_out(opened: Open) -> None:
    online = opened()
    online.ingest("Reading", [{"sensor": "a", "read_at": "1969-12-31T23:59:00Z", "heat": 2}])
    assert online.lookup(EVERY_KIND, ("a",), parse_moment("1970-01-01"))["heat"] == 2.0


def test_values_of_any_size_survive_a_restart(opened: Open) -> None:
    name = "ü" * 2000
    rows = [reading(name, AT + number, heat=1e308, ticks=2**63 - 1) for number in range(3)]
    opened().ingest("Reading", rows)
    for _ in range(2):
        answer = opened().lookup(EVERY_KIND, (name,), AT + 5)
        assert answer["rows_1h"] == 3
        assert answer["sum_ticks_1h"] is None, "three of them do not fit 64 bits"
        assert answer["sum_heat_24h"] is None, "nor a double"
        assert answer["most_ticks_13d"] == 2**63 - 1


def test_a_full_store_loses_nothing_that_was_acknowledged(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    online = opened()
    monkeypatch.setattr(module, "_CHECKPOINT", 2)

    def full(items: object) -> None:
        raise StorageFull("no room")

    with monkeypatch.context() as patch:
        patch.setattr(online._store, "put_many", full)
        assert online.ingest("Reading", [reading("a", AT + number) for number in range(4)]) == 4
    online = opened()
    assert online.lookup(EVERY_KIND, ("a",), AT + 10)["rows_1h"] == 4


SHORT = ViewSpec("Short", "Reading", ("sensor",), "read_at", EVERY_KIND.features[:1], READING)


def test_history_and_events_meet_without_a_gap_or_a_double(opened: Open) -> None:
    rows = [reading("a", AT + number * MINUTE, late=number % 3 * MINUTE) for number in range(40)]
    by_known = sorted(rows, key=lambda row: row["ingested_at"])
    online = opened()
    online.ingest("Reading", by_known, stream="s", position=0)
    online.checkpoint()
    online.add_views([SHORT])
    assert online.waiting() == ["Reading"]
    online.backfill({"Reading": table(by_known[:25])})
    assert online.waiting() == []
    assert online.backfill({"Reading": table(by_known)}) == 0, "a view is filled once"
    for features in (online, opened(EVERY_KIND, SHORT)):
        want = oracle.answer(EVERY_KIND, rows, ("a",), AT + HOUR)
        assert features.lookup(EVERY_KIND, ("a",), AT + HOUR) == want
        assert features.lookup(SHORT, ("a",), AT + HOUR) == {"rows_1h": want["rows_1h"]}


def test_only_given_sources_are_filled_and_only_rows_that_can_matter(opened: Open) -> None:
    online = opened()
    assert online.backfill({}) == 0
    assert online.waiting() == ["Reading"]
    rows = [reading("a", AT), reading("a", AT - 20 * DAY), reading("a", AT - 12 * DAY)]
    assert online.backfill({"Reading": table(rows)}) == 2
    assert opened().lookup(EVERY_KIND, ("a",), AT + 1)["rows_13d"] == 2
    assert opened().waiting() == []


def test_an_empty_history_is_a_history(opened: Open) -> None:
    online = opened()
    assert online.backfill({"Reading": table([])}) == 0
    assert online.waiting() == []
    online.ingest("Reading", [reading("a", AT)])
    assert online.lookup(EVERY_KIND, ("a",), AT + 1)["rows_1h"] == 1


DYING = """
import os, sys
sys.path[:0] = {tests!r}
from pathlib import Path
from sensors import EVERY_KIND, reading
from noria.features.online.features import OnlineFeatures
from noria.stores.online_lmdb import LmdbOnlineStore
from test_handover import AT, table
store = LmdbOnlineStore(Path(sys.argv[1]) / "store")
online = OnlineFeatures([EVERY_KIND], store, Path(sys.argv[1]) / "spool")
online.ingest("Reading", [reading("a", AT + 1)], stream="s", position=0)
store.put_many = lambda items: os._exit(9)
online.backfill({{"Reading": table([reading("a", AT), reading("b", AT)])}})
"""


def test_a_backfill_that_was_killed_begins_anew(opened: Open, tmp_path: Path) -> None:
    here = Path(__file__).parent
    script = DYING.format(tests=[str(here), str(here.parent)])
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == 9
    online = opened()
    assert online.waiting() == ["Reading"]
    online.backfill({"Reading": table([reading("a", AT), reading("b", AT)])})
    for features in (online, opened()):
        assert features.waiting() == []
        assert features.lookup(EVERY_KIND, ("a",), AT + 2)["rows_1h"] == 2
        assert features.lookup(EVERY_KIND, ("b",), AT + 2)["rows_1h"] == 1


def test_a_view_that_missed_events_starts_anew(opened: Open) -> None:
    both = opened(EVERY_KIND, SHORT)
    both.ingest("Reading", [reading("a", AT)])
    both.backfill({"Reading": table([])})
    alone = opened(EVERY_KIND)
    alone.ingest("Reading", [reading("a", AT + 1)])
    assert not alone.has(SHORT)
    alone.add_views([SHORT])
    assert alone.waiting() == ["Reading"], "it must not answer from before the events it has missed"
    assert alone.lookup(SHORT, ("a",), AT + 2)["rows_1h"] == 0
    again = opened(EVERY_KIND, SHORT)
    again.backfill({"Reading": table([reading("a", AT)])})
    assert again.lookup(SHORT, ("a",), AT + 2)["rows_1h"] == 2, "history, and the event after it from the spool"


def test_two_versions_of_a_view_live_side_by_side(opened: Open) -> None:
    wider = replace(EVERY_KIND, columns=(*READING, Column("battery", "float")), features=EVERY_KIND.features[:2])
    online = opened(EVERY_KIND)
    online.ingest("Reading", [reading("a", AT)])
    online.add_views([wider])
    online.ingest("Reading", [reading("a", AT + 1), {**reading("a", AT + 2), "battery": 0.5}])
    assert online.lookup(EVERY_KIND, ("a",), AT + 3)["rows_1h"] == 3
    assert online.lookup(wider, ("a",), AT + 3) == {"rows_1h": 2, "rows_24h": 2}
    assert opened(wider, EVERY_KIND).lookup(wider, ("a",), AT + 3)["rows_1h"] == 2
