"""What the monitoring folder speaks of: a reference profile, measurements, and the state of a monitor."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from noria.core.clock import Micros
from noria.core.rules import Rule


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

    Numbers: `edges` and `counts` of fixed bins (counts has two more entries than gaps: below and above),
    `mean` and `sd`. Categories: `categories` with counts. `missing` is the share of nulls. `noise` maps a
    window length in days to the noise floor: the effect that ordinary blocks of the reference show against
    the rest of it (99th percentile).
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


@dataclass(frozen=True)
class Profile:
    """The reference of a version: a profile per input column and one of its predictions (named `prediction`)."""

    rows: int
    window: int
    features: dict[str, FeatureProfile]


@dataclass(frozen=True)
class MonitorSpec:
    """The rules watched, and the length of the window (microseconds) drift and missing rates are taken over."""

    rules: tuple[Rule, ...]
    window: int = 7 * 86_400_000_000
    persistence: int = 2
    period: int = 86_400_000_000
    least_rows: int = 200


@dataclass(frozen=True)
class Measurement:
    """One number a monitor saw: `subject` is the rule or the feature, `rows` what it was computed from.

    `threshold` includes the noise floor for drift; `low` and `high` are the interval for realised metrics.
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
