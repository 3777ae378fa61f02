"""A prediction log kept in a list, and a workspace on a clock that is moved by hand."""

import pytest

from noria.config.settings import settings_for
from noria.core.clock import ManualClock
from noria.monitoring import tables as _tables  # declared before a workspace is opened
from noria.serving.model import FeedbackRecord, PredictionRecord
from noria.workspace.workspace import open_workspace

DAY = 86_400_000_000
START = 20_000 * DAY


class Log:
    """Everything a log must be able to do for the monitors: be read from a position on."""

    def __init__(self):
        self.rows, self.labels = [], []

    def predictions(self, after):
        return self.rows[after + 1 :], len(self.rows) - 1

    def feedback(self, after):
        return self.labels[after + 1 :], len(self.labels) - 1

    def predict(self, at, output=0.5, *, features=None, model="lateness", version=1, **more):
        record = PredictionRecord(
            prediction_id=more.pop("id", f"p{len(self.rows)}"), model=model, version=version, at=int(at),
            arm=more.pop("arm", "champion"), key=more.pop("key", str(len(self.rows))), request={},
            features=features or {}, output=float(output), latency=more.pop("latency", 900.0), **more,
        )  # fmt: skip
        self.rows.append(record)
        return record.prediction_id

    def label(self, prediction_id, label, at=0, **more):
        self.labels.append(FeedbackRecord(prediction_id=prediction_id, at=int(at), label=label, **more))


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def ws(tmp_path):
    assert _tables
    workspace = open_workspace(tmp_path, settings_for(tmp_path, {}, {}), ManualClock(START))
    yield workspace
    workspace.close()
