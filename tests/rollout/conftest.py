"""A workspace with two registered versions, and requests as a server would have logged them."""

import hashlib

import numpy as np
import pytest

from noria.config.settings import settings_for
from noria.core.clock import ManualClock
from noria.core.rules import Outcome, Verdict
from noria.features.model import InputSet
from noria.monitoring.observations import Observations
from noria.optimization.model import Package
from noria.registry import operations as registry
from noria.registry.model import Lineage
from noria.rollout import operations as _tables  # declared before a workspace is opened
from noria.serving import operations as serving
from noria.serving.model import FeedbackRecord, PredictionRecord
from noria.validation.model import Estimate, Evaluation, GateSheet
from noria.workspace.workspace import open_workspace

HOUR = 3_600_000_000
START = 480_000 * HOUR


class Server:
    """Answers requests by the committed routing, as the data plane does, and logs them in a list.

    `skill` is each version's chance of knowing the label; `latency` its microseconds; `broken` versions answer
    nothing.
    """

    def __init__(self, ws, skill=(0.6, 0.6)):
        self.ws, self.rng = ws, np.random.default_rng(0)
        self.skill = {1: skill[0], 2: skill[1]}
        self.latency, self.broken = {1: 900.0, 2: 950.0}, set()
        self.rows, self.labels = [], []
        self.truth = []
        self.skew = False
        self.seen = Observations(self)

    def predictions(self, after):
        return self.rows[after + 1 :], len(self.rows) - 1

    def feedback(self, after):
        return self.labels[after + 1 :], len(self.labels) - 1

    def answer(self, number, *, labels=True, apart=HOUR):
        for _ in range(number):
            self.ws.clock.advance_to(self.ws.clock.now() + apart)
            self._one(self.ws.clock.now(), labels)

    def _one(self, at, labels):
        routing = serving.get_routing(self.ws, "lateness")
        key = str(len(self.rows))
        label = float(self.rng.random() < 0.5)
        answers = {version: self._score(version, label) for version in (1, 2)}
        place = int.from_bytes(hashlib.sha256((routing.salt + key).encode()).digest()[:4]) / 2**32
        share = routing.share / 2 if self.skew else routing.share
        ours = routing.challenger if routing.mode == "split" and place < share else routing.champion
        if answers[ours] is None:
            ours = routing.champion
        other = next((v for v in (routing.champion, routing.challenger) if v not in (None, ours)), None)
        record = PredictionRecord(
            prediction_id=key, model="lateness", version=ours, key=key, at=at, request={}, features={},
            arm="challenger" if ours == routing.challenger else "champion", output=answers[ours],
            latency=self.latency[ours], other_version=other, other_output=answers[other] if other else None,
            rollout=routing.rollout,
        )  # fmt: skip
        self.rows.append(record)
        if labels:
            self.labels.append(FeedbackRecord(prediction_id=key, at=at, label=label))

    def _score(self, version, label):
        if version in self.broken:
            return None
        sure = 0.5 + self.skill[version] * 0.5 if self.rng.random() < 0.8 else 0.5 - self.skill[version] * 0.4
        return sure if label else 1 - sure


def register(ws, number, outcome=Outcome.PASSED):
    inputs = InputSet("Flight", "flight_id", "asked_at", (), (), ())
    package = Package(f"{number}" * 64, "onnx", f"{number}" * 64, "0" * 64, inputs, (), "late", "classification", 1)
    return registry.register(
        ws, model="lateness", package=package, package_digest=package.digest, profile=None,
        evaluation=Evaluation(100, 0, 1, {"brier": Estimate(0.2, 0.1, 0.3, 100)}, {}),
        gates=GateSheet((Verdict("brier <= 0.25", outcome, 0.2, 0.25),)),
        lineage=Lineage(f"run{number}", {}, {}, {}, {}, {}, "0" * 64, 0), stage="candidate",
        idempotency=f"run{number}",
    )  # fmt: skip


@pytest.fixture
def ws(tmp_path):
    assert _tables
    workspace = open_workspace(tmp_path, settings_for(tmp_path, {}, {}), ManualClock(START))
    for number in (1, 2, 3):
        register(workspace, number)
    register(workspace, 4, Outcome.FAILED)
    registry.promote(workspace, "lateness", 1, reason="the first")
    yield workspace
    workspace.close()


@pytest.fixture
def server(ws):
    return Server(ws)
