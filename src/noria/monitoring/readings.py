"""What each quantity reads at a moment: drift, missing rates, realised metrics, latency, errors.

A reading that cannot be trusted, for want of rows or of labels, is blind and says why: "not measured" is
never "fine".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from noria.core.clock import Micros
from noria.core.rules import Quantity, Rule, Trigger
from noria.monitoring import drift
from noria.monitoring.columns import Window
from noria.monitoring.model import MonitorSpec, Profile
from noria.monitoring.observations import Observations
from noria.monitoring.realised import realised

LEAST_COVERAGE = 0.3
"""The share of matured predictions that must have their label before a realised metric is believed."""


@dataclass(frozen=True)
class Reading:
    """One rule or trigger read once. `beyond` None: blind, and `note` says why."""

    value: float | None
    threshold: float | None
    beyond: bool | None
    rows: int
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Scene:
    """Everything the readings of one evaluation share.

    `traffic` are the rows of the trailing window, whichever version answered them; `effects` how far each
    feature of the profile has moved in them.
    """

    spec: MonitorSpec
    model: str
    version: int
    profile: Profile | None
    observations: Observations
    at: Micros
    traffic: Window
    effects: dict[str, drift.Effect] = field(default_factory=dict)


def scene(
    spec: MonitorSpec, model: str, version: int, profile: Profile | None, observations: Observations, at: Micros
) -> Scene:
    """Look once: take the trailing window and compare its features with the profile."""
    traffic = observations.window(model, at - spec.window, at)
    effects = drift.effects(profile, traffic, version) if profile else {}
    return Scene(spec, model, version, profile, observations, at, traffic, effects)


def read(look: Scene, leaf: Rule | Trigger) -> Reading:
    """What a rule or trigger reads. A quantity nobody can measure on live traffic is blind."""
    reader = _READERS.get(leaf.quantity.kind)
    if reader is None:
        return Reading(None, None, None, 0, note=f"{leaf.quantity} cannot be measured on live traffic")
    if isinstance(leaf, Rule) and isinstance(leaf.threshold, Quantity):
        return Reading(None, None, None, 0, note=f"{leaf.threshold} is no threshold that live traffic can be held to")
    return reader(look, leaf)


def _limit(leaf: Rule | Trigger, otherwise: float) -> float:
    return leaf.threshold if isinstance(leaf, Rule) and isinstance(leaf.threshold, float) else otherwise


def _holds(leaf: Rule | Trigger, value: float) -> bool:
    return leaf.verdict(lambda _: value).passed if isinstance(leaf, Rule) else False


def _drift(look: Scene, leaf: Rule | Trigger) -> Reading:
    names = _features(look, leaf)
    if isinstance(names, Reading):
        return names
    least, limit = look.spec.least_rows, _limit(leaf, drift.NOTICEABLE)
    known = [look.effects[name] for name in names if look.effects[name].rows >= least]
    if not known:
        return Reading(None, limit, None, len(look.traffic), note=f"fewer than {least} rows in the window")
    worst = max(known, key=lambda one: one.beyond(limit))
    threshold = max(limit, worst.floor)
    beyond = worst.value is not None and worst.value > threshold
    return Reading(worst.value, threshold, beyond, worst.rows, reference=worst.floor, note=worst.feature)


def _missing(look: Scene, leaf: Rule | Trigger) -> Reading:
    names = _features(look, leaf)
    if isinstance(names, Reading):
        return names
    least, limit = look.spec.least_rows, _limit(leaf, 0.0)
    if look.profile is None or len(look.traffic) < least:
        return Reading(None, limit, None, len(look.traffic), note=f"fewer than {least} rows in the window")
    rates = [drift.missing(look.profile, look.traffic, name, look.version) for name in names]
    worst = max(rates, key=lambda one: (one.value or 0.0) - max(limit, one.floor))
    threshold = max(limit, worst.floor)
    beyond = worst.value is not None and worst.value > threshold
    return Reading(worst.value, threshold, beyond, worst.rows, reference=worst.reference, note=worst.feature)


def _features(look: Scene, leaf: Rule | Trigger) -> list[str] | Reading:
    about = str(leaf.quantity.about[0]) if leaf.quantity.about else ""
    if look.profile is None:
        return Reading(None, None, None, len(look.traffic), note="this version has no reference profile")
    names = drift.matching(look.profile, about)
    if names:
        return names
    known = ", ".join(list(look.profile.features)[:20])
    return Reading(None, None, None, 0, note=f"the version has no input {about!r}; it has: {known}")


def _live(look: Scene, leaf: Rule | Trigger) -> Reading:
    """Predictions are counted by when they were made: the newest `window` whose labels may be counted on.

    Taken are the rows the version has scored on live traffic, as the answering version or beside it during a
    rollout, so that a version just promoted is not blind for weeks. Unmatured rows are left out even when their
    label is there already: labels that come early are not a fair sample.
    """
    metric, window = str(leaf.quantity.about[0]), int(leaf.quantity.about[1])
    until = look.at - look.spec.matures_after
    rows = look.observations.window(look.model, until - window, until)
    scored = rows.prediction_of(look.version)
    label = np.where(rows.labelled_at <= look.at, rows.label, np.nan)
    mature = int((~np.isnan(scored)).sum())
    labelled = ~np.isnan(scored) & ~np.isnan(label)
    number, limit = int(labelled.sum()), _limit(leaf, np.nan)
    if number < look.spec.least_rows:
        note = f"only {number} of the {mature} matured predictions have their label; {look.spec.least_rows} are needed"
        return Reading(None, limit, None, number, note=note)
    if number < LEAST_COVERAGE * mature:
        note = f"only {number / mature:.0%} of {mature} matured predictions have their label"
        return Reading(None, limit, None, number, note=note)
    found = realised(metric, label[labelled], scored[labelled])
    if found is None:
        return Reading(None, limit, None, number, note=f"{metric} cannot be computed on these labels")
    note = f"{number / mature:.0%} of matured predictions labelled"
    return Reading(found.value, limit, _holds(leaf, found.value), number, found.low, found.high, note=note)


def _latency(look: Scene, leaf: Rule | Trigger) -> Reading:
    """A percentile of the latency of the answers this version gave in the trailing window, in microseconds."""
    latency = look.traffic.latency[(look.traffic.version == look.version) & ~np.isnan(look.traffic.latency)]
    limit = _limit(leaf, np.nan)
    if len(latency) < look.spec.least_rows:
        return Reading(None, limit, None, len(latency), note=f"fewer than {look.spec.least_rows} rows in the window")
    value = float(np.quantile(latency, int(str(leaf.quantity.about[0])[1:]) / 100))
    return Reading(value, limit, _holds(leaf, value), len(latency))


def _errors(look: Scene, leaf: Rule | Trigger) -> Reading:
    """The share of this version's answers in the trailing window that are no finite number."""
    output = look.traffic.output[look.traffic.version == look.version]
    limit = _limit(leaf, np.nan)
    if len(output) < look.spec.least_rows:
        return Reading(None, limit, None, len(output), note=f"fewer than {look.spec.least_rows} rows in the window")
    value = float((~np.isfinite(output)).mean())
    return Reading(value, limit, _holds(leaf, value), len(output))


_READERS: dict[str, Callable[[Scene, Rule | Trigger], Reading]] = {
    "drift": _drift, "missing": _missing, "live": _live, "latency": _latency, "errors": _errors,
}  # fmt: skip
