"""What the monitoring folder speaks of: a reference profile, measurements, and the state of a monitor."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from noria.core.clock import Micros
from noria.core.rules import Rule, Trigger


class MonitorState(StrEnum):
    """How a monitor stands.

    `WATCH`: beyond the threshold, not yet often enough. `ALARM`: beyond it with persistence. `BLIND`: could
    not be measured.
    """

    OK = "ok"
    WATCH = "watch"
    ALARM = "alarm"
    BLIND = "blind"


@dataclass(frozen=True)
class FeatureProfile:
    """The reference distribution of one feature.

    Numbers: `edges` and `counts` of fixed bins of equal width (`counts` has two entries more than there are
    gaps: below the first edge and above the last), `mean` and `sd` of the values held within the edges.
    Categories: `categories` with the counts of the most frequent values, `other` the count of the remaining
    ones and `rare` their names. `missing` is the share of nulls. `noise` is the effect that ordinary blocks of
    the reference show against the rest of it, each about `block_rows` rows of non-null values; `missing_noise`
    is the missing rate that ordinary blocks reach. A feature without edges and categories (a time, a column of
    nulls only) is watched for missing values alone.
    """

    name: str
    numeric: bool
    rows: int
    missing: float
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    categories: dict[str, int] = field(default_factory=dict)
    mean: float = 0.0
    sd: float = 1.0
    noise: float = 0.0
    other: int = 0
    rare: tuple[str, ...] = ()
    missing_noise: float = 0.0
    block_rows: float = 0.0


@dataclass(frozen=True)
class Profile:
    """The reference of a version: a profile per input column and one of its predictions (named `prediction`).

    `window` is the length, in microseconds, of the blocks the noise floors were calibrated on.
    """

    rows: int
    window: int
    features: dict[str, FeatureProfile]


@dataclass(frozen=True)
class MonitorSpec:
    """What is watched, and how.

    `rules` alarm when they hold (`drift(Airport) > 0.2`); `triggers` are drift quantities without a threshold
    of their own, watched against the noise floor. Drift, missing rates, latency and errors are taken over the
    trailing `window` (microseconds). A monitor alarms when it was beyond its threshold at `persistence`
    evaluations in a row, at least `period` (microseconds) apart; with fewer than `least_rows` rows it is blind.
    A label may be counted on `matures_after` (microseconds) after its prediction.
    """

    rules: tuple[Rule, ...]
    window: int = 7 * 86_400_000_000
    persistence: int = 2
    period: int = 86_400_000_000
    least_rows: int = 200
    triggers: tuple[Trigger, ...] = ()
    matures_after: int = 0


@dataclass(frozen=True)
class Measurement:
    """One number a monitor saw: `subject` is the rule, the trigger or the feature, `rows` what it was computed from.

    `threshold` includes the noise floor for drift; `low` and `high` are the interval for realised metrics;
    `reference` is the same number on the reference (the noise floor for drift, the missing rate for missing
    values); `note` names the feature that weighed most, or says why nothing could be measured.
    """

    at: Micros
    model: str
    version: int
    kind: str
    subject: str
    value: float | None
    threshold: float | None
    state: MonitorState
    rows: int
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    note: str = ""
