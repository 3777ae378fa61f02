"""A workspace on a temporary folder, and a small learnable history."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import noria.tracking.tables
import noria.training.tables  # noqa: F401
from noria.config.settings import settings_for
from noria.core.clock import ManualClock
from noria.core.schema import Column
from noria.core.units import days, hours
from noria.features.model import ColumnInput, InputSet, Predicate
from noria.training.model import LabelSpec, SplitSpec, TrainingSpec
from noria.workspace.workspace import Workspace, open_workspace

HOUR = 3_600_000_000


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path, settings_for(tmp_path, {}, {}), ManualClock(1000))


@pytest.fixture
def spec() -> TrainingSpec:
    """Is a parcel late? Asked of a carrier (text) and a distance."""
    columns = (
        Column("parcel", "string"), Column("carrier", "string"), Column("miles", "float"), Column("asked_at", "time")
    )  # fmt: skip
    seen = (ColumnInput("carrier", "string"), ColumnInput("miles", "float", nullable=True))
    inputs = InputSet("Parcel", "parcel", "asked_at", columns, (), seen)
    label = LabelSpec("late", "Delivery", "Parcel", "parcel", hours(2).micros, Predicate("delay", ">", 15))
    return TrainingSpec("study:train", inputs, label, SplitSpec(days(30), days(5), hours(2)), threads=2)


@pytest.fixture
def rows() -> pa.Table:
    """6,000 labelled rows, one every six minutes; late ones are far or slow, with missing miles among them."""
    random = np.random.default_rng(7)
    count = 6_000
    carrier = random.choice(np.array(["AA", "BB", "CC"]), count)
    miles = random.uniform(0, 100, count)
    late = (miles + 30 * (carrier == "CC") + random.normal(0, 20, count)) > 80
    asked = np.arange(count) * (HOUR // 10)
    return pa.table({
        "parcel": [f"p{number}" for number in range(count)], "carrier": carrier,
        "miles": pa.array(miles, mask=random.random(count) < 0.05), "asked_at": asked,
        "label": late.astype(float), "labelled_at": asked + HOUR,
    })  # fmt: skip
