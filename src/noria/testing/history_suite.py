"""What metric histories must do on every database: subclass `HistorySuite` and give it the fixture `database`."""

from __future__ import annotations

import itertools
import math
import struct
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.core.errors import BadInput, Corrupt, NotFound
from noria.stores.pages import BadToken
from noria.testing.history_oracle import (
    EXPERIMENT,
    HistoryFixtures,
    Logged,
    as_mlflow_samples,
    check_series,
    curve,
    rows_of,
)  # fmt: skip
from noria.tracking import history
from noria.tracking.model import Point
from noria.tracking.series.names import BadMetricName
from noria.tracking.series.points import LARGEST, BadPoint
from noria.tracking.tables import chunks
from noria.workspace.workspace import Workspace

FEW_POINTS = st.builds(
    Point,
    metric=st.sampled_from(["loss", "acc"]),
    value=st.sampled_from([0.0, -0.0, 1.5, -2.0, math.nan, math.inf, -math.inf]),
    at=st.integers(0, 5),
    step=st.integers(0, 5),
)
"""Points that often differ in one thing only, or in nothing."""
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("log"), st.lists(FEW_POINTS, min_size=1, max_size=30)),
        st.tuples(st.just("seal"), st.booleans()),
    ),
    max_size=8,
)


class HistorySuite(HistoryFixtures):
    """A subclass gives the fixture `database`: an open `Database` that nobody has used before."""

    # what goes in comes out

    def test_a_history_is_paged_in_the_order_of_time(self, run: Logged) -> None:
        run.log(*curve(40), Point("acc", 0.5, 3), Point("loss", 9.0, 1_700_000_000_100, -3))
        assert run.pages("loss", limit=7) == run.by_time("loss")
        assert run.pages("loss", limit=41) == run.by_time("loss")
        assert run.pages("loss", limit=2**70) == run.by_time("loss")
        assert run.pages("acc") == [(0, 3, 0.5, 0)]
        assert history.names(run.ws, run.id) == ["acc", "loss"]

    def test_a_point_sent_twice_is_one_point(self, run: Logged) -> None:
        run.log(*curve(20), *curve(20))
        run.log(*curve(10))
        assert run.pages() == run.by_time()
        assert run.stored() == (20, 0)

    def test_nan_and_infinity_are_kept_as_mlflow_keeps_them(self, run: Logged) -> None:
        run.log(*(Point("loss", value, 5, step) for step, value in enumerate([math.nan, math.inf, -math.inf, -0.0])))
        assert run.pages() == [(0, 5, 0.0, 1), (1, 5, LARGEST, 0), (2, 5, -LARGEST, 0), (3, 5, 0.0, 0)]

    def test_the_whole_range_of_steps_moments_and_values(self, run: Logged) -> None:
        least, most = -(2**63), 2**63 - 1
        smallest = struct.unpack("<d", b"\1" + bytes(7))[0]
        for step, at, value in itertools.product((least, 0, most), (least, -1, most), (smallest, -1e308, 1e308)):
            run.log(Point("loss", value, at, step))
        history.seal(run.ws, run.id, force=True)
        assert run.pages() == run.by_time()
        assert rows_of(history.overview(run.ws, [run.id], "loss", buckets=20)[run.id]) == run.by_step()

    def test_what_is_no_point_is_refused_and_leaves_nothing(self, run: Logged) -> None:
        for bad, told in (
            (Point("loss", 1.0, 2**63, 0), "moment of point 1"),
            (Point("loss", 1.0, 0, -(2**63) - 1), "step of point 1"),
            (Point("loss", 1.0, 0, 1.5), "step of point 1, 1.5"),  # type: ignore[arg-type]
            (Point("loss", "high", 0, 0), "value of point 1, 'high'"),  # type: ignore[arg-type]
            (Point("loss", 10**400, 0, 0), "enormous"),
            (Point("loss", None, 0, 0), "value of point 1"),  # type: ignore[arg-type]
        ):
            with pytest.raises(BadPoint, match=told):
                run.log(Point("loss", 1.0, 1), bad)
        with run.ws.database.transaction() as connection, pytest.raises(BadPoint, match="2 names, 1 values"):
            history.append_raw(run.ws, connection, run.key, EXPERIMENT, ["a", "b"], [1.0], [1, 2], [1, 2])
        assert (run.stored(), run.latest()) == ((0, 0), {})

    @pytest.mark.parametrize("name", ["", "x" * 256, "a\0b", "\ud800", None, 3, ["x"]])
    def test_what_is_no_name_is_refused(self, run: Logged, name: Any) -> None:
        with pytest.raises(BadMetricName):
            run.log(Point(name, 1.0, 1))
        assert history.names(run.ws, run.id) == []
        if isinstance(name, str):
            assert history.page(run.ws, run.id, name, limit=1)[0].size == 0

    def test_a_name_is_kept_letter_by_letter(self, run: Logged) -> None:
        names = [
            "'; DROP TABLE points; --",
            "\u00fc\u4e2d\U0001f682",
            "Loss",
            "loss",
            "loss ",
            "system/gpu_0",
            "x" * 255,
        ]
        run.log(*(Point(name, number, 1) for number, name in enumerate(names)))
        assert history.names(run.ws, run.id) == sorted(names)
        for number, name in enumerate(names):
            assert run.pages(name) == [(0, 1, float(number), 0)]

    def test_who_asks_for_what_is_not_there(self, run: Logged) -> None:
        run.log(*curve(3))
        assert history.page(run.ws, run.id, "nothing", limit=5)[1] is None
        assert history.whole(run.ws, run.id, "nothing").size == 0
        for ask in (
            lambda: history.page(run.ws, "nobody", "loss", limit=5),
            lambda: history.whole(run.ws, "nobody", "loss"),
            lambda: history.names(run.ws, "nobody"),
            lambda: history.overview(run.ws, [run.id, "nobody"], "loss", buckets=5),
            lambda: history.seal(run.ws, "nobody"),
            lambda: history.names(run.ws, "nobody\0"),
            lambda: history.page(run.ws, "nobody\ud800", "loss", limit=5),
            lambda: history.whole(run.ws, "nobody" * 1000, "loss"),
        ):
            with pytest.raises(NotFound, match="nobody"):
                ask()
        for bad in (
            lambda: history.page(run.ws, run.id, "loss", limit=0),
            lambda: history.overview(run.ws, [run.id], "loss", buckets=0),
            lambda: history.sample(run.ws, [run.id], "loss", limit=0),
        ):
            with pytest.raises(BadInput, match="at least one"):
                bad()

    def test_a_cursor_is_good_for_its_own_history_only(self, run: Logged) -> None:
        run.log(*curve(9), *curve(9, "acc"))
        _, cursor = history.page(run.ws, run.id, "loss", limit=4)
        assert cursor is not None
        for bad in (cursor[:-4], "", "\u00fc", "AAAA", cursor + "AAAA", cursor.replace(cursor[9], "*")):
            with pytest.raises(BadToken):
                history.page(run.ws, run.id, "loss", limit=4, after=bad)
        with pytest.raises(BadToken, match="another run or metric"):
            history.page(run.ws, run.id, "acc", limit=4, after=cursor)

    # the newest point

    def test_the_newest_point_is_the_greatest_by_step_moment_and_value(self, run: Logged) -> None:
        run.log(Point("loss", 1.0, 5, 3))
        for older in (Point("loss", 9.0, 9, 2), Point("loss", 9.0, 4, 3), Point("loss", 0.5, 5, 3)):
            run.log(older)
            assert run.latest() == {"loss": (3, 5, 1.0, 0)}
        run.log(Point("loss", 0.1, 1, 4), Point("loss", math.nan, 2, 4), Point("loss", -0.2, 2, 4))
        assert run.latest() == {"loss": (4, 2, 0.0, 1)}  # NaN counts as 0

    # names are remembered

    def test_a_name_of_a_transaction_that_was_rolled_back_was_never_there(self, run: Logged) -> None:
        with pytest.raises(ZeroDivisionError), run.ws.database.transaction() as connection:
            history.append(run.ws, connection, run, [Point("gone", 1.0, 1)])
            history.append(run.ws, connection, run, [Point("gone", 2.0, 2)])
            raise ZeroDivisionError
        run.log(Point("other", 3.0, 3))  # may get the key that `gone` had
        run.log(Point("gone", 4.0, 4), Point("other", 5.0, 5))
        assert (run.pages("gone"), run.pages("other")) == ([(0, 4, 4.0, 0)], [(0, 3, 3.0, 0), (0, 5, 5.0, 0)])

    # sealed points

    def test_a_long_series_is_packed_and_its_tail_stays(self, run: Logged) -> None:
        run.log(*curve(20_000), *curve(100, "acc"))
        assert history.seal(run.ws) == 16_384
        assert run.stored() == (3_616 + 100, 16_384)
        assert history.seal(run.ws) == 0
        run.end()
        assert history.seal(run.ws, run.id) == 3_716
        assert run.stored() == (0, 20_100)
        assert rows_of(history.whole(run.ws, run.id, "loss")) == run.by_time()
        assert run.pages("loss", limit=2_500) == run.by_time()
        assert rows_of(history.whole(run.ws, run.id, "acc")) == run.by_time("acc")

    def test_a_point_that_was_sealed_and_is_sent_again_is_one_point(self, run: Logged) -> None:
        run.log(*curve(9_000))
        assert history.seal(run.ws, run.id) == 8_192
        run.log(*curve(8_500))
        assert run.stored() == (9_000, 8_192)
        assert run.pages(limit=1_000) == run.by_time()
        assert history.seal(run.ws, run.id) == 8_192  # thrown away
        assert run.stored() == (808, 8_192)
        assert rows_of(history.whole(run.ws, run.id, "loss")) == run.by_time()

    def test_a_cursor_outlives_sealing_and_appending(self, run: Logged, small_chunks: None) -> None:
        run.log(*curve(50))
        first, cursor = history.page(run.ws, run.id, "loss", limit=20)
        history.seal(run.ws, run.id)
        run.log(*curve(10, start=50))
        second, end = history.page(run.ws, run.id, "loss", limit=100, after=cursor)
        assert rows_of(first) + rows_of(second) == run.by_time()
        assert end is None

    def test_points_that_stand_in_one_moment_are_paged_by_step(self, run: Logged, small_chunks: None) -> None:
        run.log(*(Point("loss", number % 3, 0, number) for number in range(100)))
        history.seal(run.ws, run.id)
        assert run.pages(limit=9) == run.by_time()

    @pytest.mark.parametrize("column", ["columns", "extremes"])
    def test_a_damaged_chunk_is_told_and_not_read(self, run: Logged, small_chunks: None, column: str) -> None:
        run.log(*curve(48))
        history.seal(run.ws, run.id)
        with run.ws.database.transaction() as connection:
            whole = connection.execute(sa.select(chunks.c[column]).where(chunks.c.number == 1)).scalar_one()
            bad = whole[:40] + bytes([whole[40] ^ 1]) + whole[41:]
            connection.execute(sa.update(chunks).where(chunks.c.number == 1).values({column: bad}))
        with pytest.raises(Corrupt, match="chunk 1"):
            if column == "columns":
                history.whole(run.ws, run.id, "loss")
            else:
                history.overview(run.ws, [run.id], "loss", buckets=3)

    # few points of many

    def test_a_picture_keeps_both_ends_and_every_spike(self, run: Logged) -> None:
        sent = curve(50_000)
        sent[31_234] = Point("loss", 99.0, sent[31_234].at, 31_234)
        sent[7] = Point("loss", -99.0, sent[7].at, 7)
        run.log(*sent)
        history.seal(run.ws, run.id)
        drawn = rows_of(history.overview(run.ws, [run.id], "loss", buckets=100)[run.id])
        assert len(drawn) <= 202
        assert drawn == sorted(drawn)
        assert set(drawn) <= run.kept["loss"]
        rows = run.by_step()
        assert {rows[0], rows[-1], rows[7], rows[31_234]} <= set(drawn)
        zoomed = history.overview(run.ws, [run.id], "loss", buckets=100, first_step=31_200, last_step=31_300)[run.id]
        assert rows_of(zoomed) == rows[31_200:31_301]

    def test_a_short_series_is_sampled_as_mlflow_samples_it(self, run: Logged) -> None:
        run.log(*curve(12_001), *(Point("loss", math.nan, 3, step) for step in range(0, 12_000, 7)))
        history.seal(run.ws, run.id)
        rows = run.by_step()
        for limit in (1, 2, 3, 320, 2_500, 20_000):
            got = history.sample(run.ws, [run.id], "loss", limit=limit)[run.id]
            assert rows_of(got) == as_mlflow_samples(rows, limit), limit
        within = [row for row in rows if 1_000 <= row[0] <= 9_000]
        got = history.sample(run.ws, [run.id], "loss", limit=320, first_step=1_000, last_step=9_000)[run.id]
        assert rows_of(got) == as_mlflow_samples(within, 320)

    def test_several_runs_are_drawn_at_once(self, ws: Workspace) -> None:
        some = [self.new_run(ws) for _ in range(3)]
        for number, run in enumerate(some[:2]):
            run.log(*curve(30 + number))
        drawn = history.overview(ws, [run.id for run in some], "loss", buckets=50)
        assert [rows_of(drawn[run.id]) for run in some] == [run.by_step() for run in some]
        assert history.sample(ws, [], "loss", limit=5) == {}

    # against the oracle

    def test_whatever_is_sent_sealed_and_read_in_whatever_order(self, ws: Workspace, small_chunks: None) -> None:
        @settings(max_examples=60, deadline=None)
        @given(moves=MOVES, limit=st.integers(1, 40), buckets=st.integers(1, 12))
        def play(moves: list[tuple[str, Any]], limit: int, buckets: int) -> None:
            run = self.new_run(ws)
            for what, given_ in moves:
                if what == "log":
                    run.log(*given_)
                else:
                    history.seal(ws, run.id, force=given_)
            for metric in ("loss", "acc"):
                check_series(run, metric, limit, buckets)
            assert run.latest() == {metric: run.by_step(metric)[-1] for metric in run.kept}

        play()
