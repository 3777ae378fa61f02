"""What the validation folder speaks of: estimates with intervals, an evaluation, a gate sheet."""

from __future__ import annotations

from dataclasses import dataclass, field

from noria.core.rules import Outcome, Rule, Verdict

METRICS = ("roc_auc", "log_loss", "brier", "average_precision", "accuracy", "rmse", "mae", "r2")
"""The metrics Noria knows, by their names in the field."""


@dataclass(frozen=True)
class Estimate:
    """A metric on `rows` rows with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True)
class Comparison:
    """New minus champion on the same rows, paired: the difference and its 95 % interval.

    The sign is the metric's own; `better` says whether the interval lies wholly on the better side,
    `worse` whether it lies wholly on the worse one.
    """

    metric: str
    new: float
    champion: float
    difference: float
    low: float
    high: float
    better: bool
    worse: bool


@dataclass(frozen=True)
class Evaluation:
    """A model on a later time window.

    `slices` maps a column to its values' estimates per metric: `slices["carrier"]["UA"]["roc_auc"]`.
    `trivial` are the metrics of a model that answers the training mean. `latency` has p50, p95 and p99 of a
    single-row prediction in microseconds.
    """

    rows: int
    first: int
    last: int
    metrics: dict[str, Estimate]
    trivial: dict[str, float]
    slices: dict[str, dict[str, dict[str, Estimate]]] = field(default_factory=dict)
    champion: dict[str, Comparison] = field(default_factory=dict)
    champion_version: int | None = None
    latency: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class GateSpec:
    """The rules a version must pass before it may be registered as a candidate."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class GateSheet:
    """Every rule with its verdict. Passed only when all of them passed; "not run" is no pass."""

    verdicts: tuple[Verdict, ...]

    @property
    def outcome(self) -> Outcome:
        """Failed when any failed, else not run when any was not run, else passed."""
        outcomes = {verdict.outcome for verdict in self.verdicts}
        for outcome in (Outcome.FAILED, Outcome.NOT_RUN):
            if outcome in outcomes:
                return outcome
        return Outcome.PASSED

    @property
    def reasons(self) -> list[str]:
        """The rules that did not pass, as sentences."""
        return [
            f"{verdict.rule}: {verdict.outcome}" + (f", was {verdict.value:.4g}" if verdict.value is not None else "")
            + (f" ({verdict.note})" if verdict.note else "")
            for verdict in self.verdicts
            if not verdict.passed
        ]  # fmt: skip
