"""The shape of a row, and the name that was probably meant."""

from __future__ import annotations

import pytest

from noria.core.schema import Column, Schema
from noria.core.suggest import closest, did_you_mean

FLIGHTS = Schema((Column("id", "string"), Column("at", "time"), Column("delay", "float", unit="min")), "at", "id")


def test_a_schema_is_asked_by_name_and_in_order():
    assert FLIGHTS.names == tuple(column.name for column in FLIGHTS) == ("id", "at", "delay")
    assert FLIGHTS["delay"].unit == "min"
    assert "delay" in FLIGHTS
    assert "dealy" not in FLIGHTS
    with pytest.raises(KeyError, match="dealy"):
        FLIGHTS["dealy"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("dealy", "delay"), ("DELAY", "delay"), ("delays", "delay"), ("zzz", None), ("", None), ("iD", "id")],
)
def test_the_name_that_was_meant(typed, meant):
    assert closest(typed, FLIGHTS.names) == meant
    assert did_you_mean(typed, FLIGHTS.names) == (f"did you mean {meant!r}?" if meant else "")
    assert closest(typed, []) is None
