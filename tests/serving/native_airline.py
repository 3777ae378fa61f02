"""The small airline again, with a rule of thumb that has no ONNX form for a model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import tiny_airline
from homemade import Rule
from tiny_airline import MODEL

from noria.optimization.operations import package, save_package
from noria.registry.model import Lineage
from noria.registry.operations import promote, register
from noria.validation.model import Evaluation, GateSheet


def add_native(ws, weight: float = 0.01, *, expected_weight: float | None = None) -> int:
    """Register and promote a version that is a rule of thumb."""
    frame = pd.DataFrame({name: np.zeros(20) for name in (
        "Airport.mean_delay_1h", "Airport.mean_delay_3h", "Airport.mean_delay_24h", "Carrier.late_share_24h",
        "Carrier.late_share_7d", "Sky.visibility", "Sky.wind_speed")})  # fmt: skip
    frame["Aircraft.last_delay"] = np.linspace(0, 40, 20)
    frame["distance"] = np.linspace(100, 900, 20)
    for name in ("Airport.departures", "hour_of_day"):
        frame[name] = np.arange(20)
    for name in ("origin", "dest", "carrier"):
        frame[name] = "JFK"
    told = Rule(weight if expected_weight is None else expected_weight)
    return promote_native(ws, Rule(weight), frame, f"{weight}", told)


def promote_native(ws, model, frame: pd.DataFrame, name: str, expected=None) -> int:
    """Register and promote a model that stays native; its golden rows are `frame` as `expected`, or it, answers."""
    made = package(
        ws, model=model, inputs=tiny_airline.INPUTS, label="late", task="classification",
        table=pa.Table.from_pandas(frame, preserve_index=False),
        prediction=(expected or model).predict_proba(frame)[:, 1],
    )  # fmt: skip
    assert made.format == "native"
    version = register(
        ws, model=MODEL, package=made, package_digest=save_package(ws, made), profile=None,
        evaluation=Evaluation(20, 0, 1, {}, {}), gates=GateSheet(()),
        lineage=Lineage("run_n", {}, {}, {}, {}, {}, "", 0), stage="candidate", idempotency=f"native {name}",
    )  # fmt: skip
    return promote(ws, MODEL, version.number, reason="test").number
