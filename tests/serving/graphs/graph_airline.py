"""Three models that say how likely a flight is late, one that says what that costs, and functions around them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import many_airlines
import numpy as np
import pandas as pd
import pyarrow as pa
import tiny_airline
from sklearn.ensemble import HistGradientBoostingRegressor

from noria.core.schema import Column
from noria.features.model import ColumnInput, InputSet
from noria.optimization.model import Package
from noria.optimization.operations import package, save_package
from noria.registry.model import Lineage
from noria.registry.operations import promote, register
from noria.serving.model import ServedModel
from noria.validation.model import Evaluation, GateSheet
from noria.workspace.workspace import Workspace

LATE = ("early", "middling", "tardy")
COST = "cost"
COST_INPUTS = InputSet(
    source="Priced",
    key="flight_id",
    asked_at="priced_at",
    request=(
        Column("flight_id", "string"),
        Column("chance", "float", at_least=-10, at_most=10),
        Column("distance", "float", at_least=0),
        Column("seats", "int"),
        Column("priced_at", "time"),
    ),
    views=(),
    inputs=(ColumnInput("chance", "float"), ColumnInput("distance", "float"), ColumnInput("seats", "int")),
)
MODELS = {**{name: ServedModel(tiny_airline.INPUTS) for name in LATE}, COST: ServedModel(COST_INPUTS)}


def shouted(row: dict[str, Any]) -> dict[str, Any]:
    """Airports as everybody writes them."""
    return {**row, "origin": row["origin"].strip().upper()}


def rounded(answer: float) -> float:
    return round(answer, 2)


def at_least_a_cent_a_mile(answer: float, row: Mapping[str, Any]) -> float:
    return max(answer, row["distance"] / 100)


def broken(row: dict[str, Any]) -> dict[str, Any]:
    raise LookupError("no table of airports")


def nobody(answer: float) -> float:
    return float("nan")


def listing(row: dict[str, Any]) -> Any:
    return list(row)


FUNCTIONS = {
    **tiny_airline.FUNCTIONS,
    **{f"graph_airline:{one.__name__}": one for one in (
        shouted, rounded, at_least_a_cent_a_mile, broken, nobody, listing,
    )},
}  # fmt: skip


def priced(number: int = 1, **changes: object) -> dict[str, object]:
    """A row for a graph that begins with a model of lateness and ends with the cost."""
    return tiny_airline.flight(number, seats=100 + number, **changes)


def add_models(ws: Workspace) -> None:
    for seed, name in enumerate(LATE):
        many_airlines.add_version_of(ws, name, seed)
    made, blobs = _cost()
    for blob in blobs:
        ws.blobs.put(blob)
    version = register(
        ws, model=COST, package=made, package_digest=save_package(ws, made), profile=None,
        evaluation=Evaluation(600, 0, 1, {}, {}), gates=GateSheet(()),
        lineage=Lineage("run_cost", {}, {}, {}, {}, {}, "", 0), stage="candidate", idempotency="cost",
    )  # fmt: skip
    promote(ws, COST, version.number, reason="test")


@cache
def _cost() -> tuple[Package, list[bytes]]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"chance": rng.random(400), "distance": rng.uniform(100, 2500, 400), "seats": rng.integers(50, 400, 400)}
    )
    euros = frame["chance"] * frame["seats"] * (5 + frame["distance"] / 500)
    model = HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(frame, euros)
    with TemporaryDirectory() as folder:
        ws = tiny_airline.workspace(Path(folder))
        made = package(
            ws, model=model, inputs=COST_INPUTS, label="euros", task="regression",
            table=pa.Table.from_pandas(frame, preserve_index=False), prediction=model.predict(frame),
        )  # fmt: skip
        blobs = [ws.blobs.get(digest) for digest in ws.blobs.digests()]
        ws.close()
    return made, blobs
