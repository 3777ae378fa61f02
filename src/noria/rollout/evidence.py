"""What a rollout is judged on: gathered from the prediction log, the same whoever gathers it.

During a rollout both versions score every request, so their losses are compared on the very same rows, and the
share that the challenger answers decides only what users see. Latency is compared where it can be told apart:
in a canary stage the challenger's own answers, in a shadow stage every answer (the request waits for neither,
but both run on the same machine).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from noria.core.clock import Micros
from noria.core.rules import Quantity
from noria.monitoring.columns import Window
from noria.monitoring.observations import Observations
from noria.monitoring.realised import realised
from noria.rollout.model import Rollout, RolloutSpec, StageSpec
from noria.rollout.sequential import sample_ratio_p
from noria.validation.metrics import row_losses

Floats = NDArray[np.float64]
Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Evidence:
    """A rollout at one look.

    About the stage: `answered` requests in it, `by_arm` how many each version answered, `ratio_p` how
    believable their ratio is, `latency` microseconds of the challenger's answers, `failed` for each request
    whether the challenger could not score it. About the whole rollout: `differences` of loss, new minus
    champion, of matured labelled rows in time order, with the `label` and the challenger's `prediction`;
    `waiting` rows scored by both without a label that may be counted yet.
    """

    rollout: str
    stage: int
    at: Micros
    answered: int = 0
    by_arm: dict[str, int] = field(default_factory=dict)
    ratio_p: float = 1.0
    latency: Floats = field(default_factory=lambda: np.empty(0))
    failed: Floats = field(default_factory=lambda: np.empty(0))
    differences: Floats = field(default_factory=lambda: np.empty(0))
    label: Floats = field(default_factory=lambda: np.empty(0))
    prediction: Floats = field(default_factory=lambda: np.empty(0))
    waiting: int = 0

    def numbers(self) -> dict[str, Any]:
        """The evidence as JSON, for the journal."""
        found: dict[str, Any] = {
            "stage": self.stage, "at": self.at, "answered": self.answered, "by_arm": dict(self.by_arm),
            "ratio_p": self.ratio_p, "failed": int(self.failed.sum()), "pairs": len(self.differences),
            "waiting": self.waiting,
        }  # fmt: skip
        if len(self.differences):
            found["loss_difference"] = float(self.differences.mean())
        if len(self.latency):
            p50, p95, p99 = np.quantile(self.latency, (0.5, 0.95, 0.99))
            found["latency"] = {"p50": float(p50), "p95": float(p95), "p99": float(p99)}
        return found

    def measure(self, quantity: Quantity) -> float | None:
        """What a quantity measured for the challenger; None when nothing here can tell."""
        if quantity.kind == "latency" and len(self.latency):
            return float(np.quantile(self.latency, int(str(quantity.about[0])[1:]) / 100))
        if quantity.kind == "errors" and len(self.failed):
            return float(self.failed.mean())
        if quantity.kind in ("metric", "live") and len(self.label):
            found = realised(str(quantity.about[0]), self.label, self.prediction)
            return found.value if found else None
        return None


def gather(
    observations: Observations,
    spec: RolloutSpec,
    rollout: Rollout,
    *,
    task: Task,
    at: Micros,
    matures_after: int = 0,
) -> Evidence:
    """The evidence on a running rollout at the moment `at`.

    `task` picks the loss: log loss for classification, squared error for regression. A row counts when its label
    is there and `matures_after` microseconds have passed since its prediction: early labels are no fair sample.
    """
    observations.refresh()
    rows = observations.window(rollout.model, rollout.started, at + 1).of_rollout(rollout.id)
    stage = rows.where(rows.at > rollout.stage_started) if rollout.stage else rows
    plan = spec.stages[min(rollout.stage, len(spec.stages) - 1)]
    champion, challenger = rows.prediction_of(rollout.champion), rows.prediction_of(rollout.challenger)
    both = np.isfinite(champion) & np.isfinite(challenger)
    known = both & ~np.isnan(rows.label) & (rows.labelled_at <= at) & (rows.at + matures_after <= at)
    label, new = rows.label[known], challenger[known]
    own = stage.latency[stage.challenger] if plan.kind == "canary" else stage.latency
    return Evidence(
        rollout=rollout.id,
        stage=rollout.stage,
        at=at,
        answered=len(stage),
        by_arm={"champion": int((~stage.challenger).sum()), "challenger": int(stage.challenger.sum())},
        ratio_p=_ratio_p(stage, plan),
        latency=own[np.isfinite(own)],
        failed=(~np.isfinite(stage.prediction_of(rollout.challenger))).astype(float),
        differences=row_losses(task, label, new) - row_losses(task, label, champion[known]),
        label=label,
        prediction=new,
        waiting=int((both & ~known).sum()),
    )


def _ratio_p(stage: Window, plan: StageSpec) -> float:
    """Arms are drawn by key, so keys are counted, not requests: one busy key is one draw."""
    if plan.kind != "canary" or not 0 < plan.share < 1:
        return 1.0
    ours = len(np.unique(stage.key[stage.challenger]))
    theirs = len(np.unique(stage.key[~stage.challenger]))
    return sample_ratio_p([theirs, ours], [1 - plan.share, plan.share])
