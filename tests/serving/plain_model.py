"""A model that looks nothing up: three numbers in, one chance out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.linear_model import LogisticRegression

from noria.core.schema import Column
from noria.features.model import ColumnInput, InputSet
from noria.optimization.operations import package, save_package
from noria.registry.model import Lineage
from noria.registry.operations import promote, register
from noria.serving.model import ServedModel
from noria.validation.model import Evaluation, GateSheet
from noria.workspace.workspace import Workspace

PLAIN = "plain"
NUMBERS = ("a", "b", "c")
INPUTS = InputSet(
    source="Ask",
    key="ask_id",
    asked_at="asked_at",
    request=(Column("ask_id", "string"), *(Column(name, "float") for name in NUMBERS), Column("asked_at", "time")),
    views=(),
    inputs=tuple(ColumnInput(name, "float") for name in NUMBERS),
)
PLAIN_MODELS = {PLAIN: ServedModel(INPUTS)}


def ask(number: int, **more: object) -> dict[str, object]:
    """A row as a client sends it."""
    return {"ask_id": f"q{number}", "a": number / 10, "b": 1.0, "c": -0.5, **more}


def add_plain(ws: Workspace, seed: int = 0) -> int:
    """Register and promote a version."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.normal(size=200) for name in NUMBERS})
    model = LogisticRegression().fit(frame, (frame["a"] + rng.normal(size=200) > 0).astype(int))
    made = package(
        ws, model=model, inputs=INPUTS, label="label", task="classification",
        table=pa.Table.from_pandas(frame, preserve_index=False), prediction=model.predict_proba(frame)[:, 1],
    )  # fmt: skip
    version = register(
        ws, model=PLAIN, package=made, package_digest=save_package(ws, made), profile=None,
        evaluation=Evaluation(200, 0, 1, {}, {}), gates=GateSheet(()),
        lineage=Lineage(f"run_{seed}", {}, {}, {}, {}, {}, "", seed), stage="candidate", idempotency=f"plain {seed}",
    )  # fmt: skip
    return promote(ws, PLAIN, version.number, reason="test").number
