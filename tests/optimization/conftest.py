"""Rows to learn from: a carrier and a distance, each of them sometimes missing."""

import numpy as np
import pyarrow as pa
import pytest

from noria.core.schema import Column
from noria.features.model import ColumnInput, InputSet
from noria.testing.workspace import make_workspace

ROWS = 2_000


@pytest.fixture
def ws(tmp_path):
    return make_workspace(tmp_path)


@pytest.fixture
def inputs() -> InputSet:
    request = (Column("id", "string"), Column("at", "time"), Column("carrier", "string"), Column("miles", "float"))
    seen = (ColumnInput("carrier", "string"), ColumnInput("miles", "float", nullable=True))
    return InputSet("Flight", "id", "at", request, (), seen)


@pytest.fixture
def rows() -> pa.Table:
    random = np.random.default_rng(3)
    carrier = random.choice(np.array(["AA", "B6", "UA", "WN", "DL", "EV", "MQ"]), ROWS)
    miles = random.uniform(0, 100, ROWS).astype(np.float32).astype(np.float64)
    late = miles + 40 * np.isin(carrier, ["B6", "EV", "MQ"]) + random.normal(0, 15, ROWS) > 75
    known = pa.array(miles, mask=random.random(ROWS) < 0.1)
    return pa.table({"carrier": carrier, "miles": known, "label": late.astype(float)})
