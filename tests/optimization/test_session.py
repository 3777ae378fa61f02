"""A graph, opened: fast on one row, alike on many, safe in threads, and sure of its own bytes."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from hangar import ROWS, boosted, inputs_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noria.core.clock import cpu_seconds
from noria.core.errors import BadInput, Corrupt
from noria.optimization.latency import measure
from noria.optimization.model import GoldenMismatch
from noria.optimization.session import Session

INPUTS = inputs_of(origin="string?", distance="float?", hour="int", holiday="bool?")


@pytest.fixture
def flights(hangar):
    """A packaged model of every kind of input, and its session."""
    hangar.made = hangar.package(
        boosted("origin"), INPUTS, origin=hangar.with_nulls(hangar.origin), hour=hangar.hour,
        distance=hangar.with_nulls(hangar.distance), holiday=hangar.with_nulls(hangar.holiday),
    )  # fmt: skip
    hangar.session = hangar.open(hangar.made)
    return hangar


class TestRows:
    def test_one_by_one_columns_and_table_answer_alike(self, flights):
        many = flights.session.predict(flights.table)
        assert (many.dtype, many.shape) == (np.float64, (ROWS,))
        rows = flights.table.to_pylist()
        assert [flights.session.predict_row(row) for row in rows[:50]] == list(many[:50])
        columns = {name: flights.table[name].to_pylist() for name in flights.table.column_names}
        assert np.array_equal(flights.session.predict(columns), many)

    def test_no_rows_have_no_answers(self, flights):
        assert flights.session.predict(flights.table.slice(0, 0)).shape == (0,)

    def test_columns_in_another_order_and_columns_too_many_change_nothing(self, flights):
        row = flights.table.slice(3, 1).to_pylist()[0]
        turned = {"more": 1, **dict(reversed(row.items()))}
        assert flights.session.predict_row(turned) == flights.session.predict_row(row)

    @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
    @given(
        origin=st.none() | st.text(st.characters(codec="utf-8")), hour=st.integers(-(2**63), 2**63 - 1),
        distance=st.none() | st.floats(-1e300, 1e300), holiday=st.none() | st.booleans(),
    )  # fmt: skip
    def test_any_typed_row_is_answered_with_a_chance(self, flights, origin, hour, distance, holiday):
        row = {"origin": origin, "hour": hour, "distance": distance, "holiday": holiday}
        assert 0 <= flights.session.predict_row(row) <= 1

    @pytest.mark.parametrize(
        "wrong", [{"hour": None}, {"hour": 2**70}, {"hour": "noon"}, {"distance": "far"}, {"origin": "\ud800"}]
    )
    def test_a_row_that_does_not_fit_is_refused_with_what_does(self, flights, wrong):
        row = flights.table.slice(0, 1).to_pylist()[0]
        with pytest.raises(BadInput, match=r"distance \(float\), hour \(int\)"):
            flights.session.predict_row(row | wrong)

    def test_a_missing_column_is_refused(self, flights):
        with pytest.raises(BadInput, match="'hour'"):
            flights.session.predict_row({"origin": "JFK", "distance": 1.0, "holiday": True})
        with pytest.raises(BadInput, match="hour"):
            flights.session.predict(flights.table.drop_columns(["hour"]))

    def test_nulls_where_none_may_be_are_refused(self, flights):
        hours = pa.array([None] * ROWS, pa.int64())
        with pytest.raises(BadInput, match="hour may not be null, and 600 of 600 values are"):
            flights.session.predict(flights.table.set_column(1, "hour", hours))

    def test_threads_get_the_answers_that_one_alone_gets(self, flights):
        rows = flights.table.to_pylist()
        alone = [flights.session.predict_row(row) for row in rows]
        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(flights.session.predict_row, rows * 3))
        assert together == alone * 3


class TestBytes:
    def test_a_damaged_graph_is_not_parsed(self, flights):
        path = flights.ws.blobs.path(flights.made.model)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(content)
        with pytest.raises(Corrupt, match="is damaged"):
            Session(path, flights.made.columns)

    def test_a_package_of_other_columns_is_refused(self, flights):
        with pytest.raises(Corrupt, match="takes 4 inputs, and the package names 3"):
            Session(flights.ws.blobs.path(flights.made.model), flights.made.columns[:3])

    def test_golden_rows_that_do_not_come_out_are_told(self, flights):
        names = [column.name for column in flights.made.columns]
        golden = flights.table.select(names).slice(0, 8)
        right = flights.expected[:8]
        flights.session.check_golden(golden.append_column("prediction", pa.array(right)))
        for wrong in (right + 0.01, np.full(8, np.nan)):
            with pytest.raises(GoldenMismatch, match="off by"):
                flights.session.check_golden(golden.append_column("prediction", pa.array(wrong)))


class TestSpeed:
    def test_one_row_takes_less_than_sixty_microseconds_of_processor(self, flights):
        rows = flights.table.to_pylist() * 2
        best = []
        for _ in range(3):
            began = cpu_seconds()
            for row in rows:
                flights.session.predict_row(row)
            best.append((cpu_seconds() - began) / len(rows))
        assert min(best) < 60e-6

    def test_latency_is_told_by_quantile_in_microseconds(self, flights):
        taken = measure(flights.session, flights.table)
        assert 0 < taken["p50"] <= taken["p95"] <= taken["p99"]

    def test_no_rows_have_no_latency(self, flights):
        assert measure(flights.session, flights.table.slice(0, 0)) == {}
