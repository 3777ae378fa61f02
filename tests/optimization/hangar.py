"""Flights small enough to fit a model in a blink, and the ways in which their columns can be awkward."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder

from noria.core.schema import Column
from noria.features.model import ColumnInput, InputSet, input_columns
from noria.optimization import operations
from noria.optimization.session import Session
from noria.training.frames import to_frame
from noria.training.operations import predict

ROWS = 600


def inputs_of(**columns):
    """Inputs by name: `distance="float"`, or `tailnum="string?"` for one that may be null."""
    given = [(name, kind.rstrip("?"), kind.endswith("?")) for name, kind in columns.items()]
    return InputSet(
        source="Flight", key="flight_id", asked_at="asked_at", views=(),
        request=tuple(Column(name, kind, nullable=nullable) for name, kind, nullable in given),
        inputs=tuple(ColumnInput(name, kind, nullable) for name, kind, nullable in given),
    )  # fmt: skip


def boosted(*texts, **options):
    """What the example's pipeline is: texts by the mean of their label, then boosted trees."""
    encode = make_column_transformer((TargetEncoder(random_state=0), list(texts)), remainder="passthrough")
    return make_pipeline(encode, HistGradientBoostingClassifier(max_iter=15, **options))


@dataclass
class Hangar:
    """Where flights, models and packages meet."""

    ws: object
    label: np.ndarray = field(init=False)

    def __post_init__(self):
        random = np.random.default_rng(0)
        self.origin = random.choice(["EWR", "JFK", "LGA", "BOS"], ROWS)
        self.distance = random.normal(900, 300, ROWS)
        self.hour = random.integers(0, 24, ROWS)
        self.holiday = random.random(ROWS) < 0.3
        late = (self.origin == "EWR") + (self.hour - 12) / 12 + self.distance / 900 + random.normal(size=ROWS)
        self.label = (late > 1).astype(float)
        self._random = random

    def with_nulls(self, values, share=0.2):
        return [
            None if gone else value
            for value, gone in zip(values.tolist(), self._random.random(ROWS) < share, strict=True)
        ]

    def package(self, model, inputs, task="classification", label=None, frame="pandas", ask=True, **values):
        """Fit, package, and keep what was answered."""
        table = pa.table(values)
        columns = input_columns(inputs)

        def answer(rows):
            return predict(model, to_frame(rows, columns, frame), task)

        model.fit(to_frame(table, columns, frame), self.label if label is None else label)
        self.table, self.expected = table, answer(table)
        return operations.package(
            self.ws, model=model, inputs=inputs, label="late", task=task, table=table, prediction=self.expected,
            answer=answer if ask else None,
        )  # fmt: skip

    def open(self, package):
        return Session(self.ws.blobs.path(package.model), package.columns)
