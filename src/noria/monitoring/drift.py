"""How far the traffic of a window lies from the reference, feature by feature.

Drift and missing rates are about the traffic, so they use the features of every answered row, whichever
version answered it; only the drift of the predictions uses one version's own answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from noria.monitoring import bins
from noria.monitoring.bins import Floats, Ints
from noria.monitoring.columns import Window
from noria.monitoring.distance import jensen_shannon, shannon_sampling, wasserstein, wasserstein_sampling
from noria.monitoring.model import FeatureProfile, Profile
from noria.monitoring.profile import PREDICTION

NOTICEABLE = 0.1
"""The effect below which no drift is worth a word (sd for numbers, distance for categories), unless told otherwise."""

_LENGTH = re.compile(r"_\d+(us|ms|s|min|h|d)")


@dataclass(frozen=True)
class Effect:
    """How far one feature has moved.

    `value` None when nothing could be compared; `floor` what ordinary blocks of the reference, of as many rows
    as the window has, show; `rows` the non-null rows compared; `unseen` the share of values the reference
    never had (categories).
    """

    feature: str
    value: float | None
    floor: float
    rows: int
    unseen: float = 0.0

    def beyond(self, threshold: float) -> float:
        """How many times the threshold, the floor included, the effect is; 0 when it is unknown."""
        return 0.0 if self.value is None else self.value / max(threshold, self.floor, 1e-12)


@dataclass(frozen=True)
class MissingRate:
    """The share of nulls of one feature, beside what the reference shows."""

    feature: str
    value: float | None
    reference: float
    floor: float
    rows: int


def effects(profile: Profile, window: Window, version: int) -> dict[str, Effect]:
    """The effect of every feature of the profile, and of the predictions of `version`."""
    return {name: effect(one, column_of(window, name, version)) for name, one in profile.features.items()}


def effect(profile: FeatureProfile, column: Any) -> Effect:
    """The effect of one feature, given its column of a `Window` (None: the rows do not have it)."""
    if profile.edges:
        return _numeric(profile, column if isinstance(column, np.ndarray) else np.empty(0))
    if profile.categories:
        codes, names = column if isinstance(column, tuple) else (np.empty(0, dtype=np.int64), ())
        return _categories(profile, codes, names)
    return Effect(profile.name, None, profile.noise, 0)


def missing(profile: Profile, window: Window, name: str, version: int) -> MissingRate:
    """The missing rate of one feature of the profile; a feature that no row carries is missing everywhere."""
    one = profile.features[name]
    column = column_of(window, name, version)
    if column is None:
        share = 1.0
    else:
        null = column[0] < 0 if isinstance(column, tuple) else np.isnan(column)
        share = float(null.mean()) if len(null) else 0.0
    return MissingRate(name, share if len(window) else None, one.missing, one.missing_noise, len(window))


def column_of(window: Window, name: str, version: int) -> Any:
    """A feature's column; for `prediction` what `version` answered."""
    if name != PREDICTION:
        return window.features.get(name)
    answers = window.prediction_of(version)
    return answers[~np.isnan(answers)]


def matching(profile: Profile, about: str) -> list[str]:
    """The features a drift or missing quantity speaks of: a whole view, one feature, or one over every length.

    `Airport` is all of `Airport.…`; `Airport.mean_delay` is `Airport.mean_delay_1h`, `…_3h` and so on.
    """
    if about in profile.features:
        return [about]
    return [
        name
        for name in profile.features
        if name.startswith(f"{about}.") or (name.startswith(f"{about}_") and _LENGTH.fullmatch(name[len(about) :]))
    ]


def _numeric(profile: FeatureProfile, values: Floats) -> Effect:
    known = values[~np.isnan(values)]
    edges = np.array(profile.edges)
    reference = np.array(profile.counts)
    chance = wasserstein_sampling(reference, edges, profile.sd)
    floor = widened(profile, chance, len(known))
    if not len(known):
        return Effect(profile.name, None, floor, 0)
    counts = bins.count_cells(known, edges)
    return Effect(profile.name, float(wasserstein(counts, reference, edges, profile.sd)), floor, len(known))


def _categories(profile: FeatureProfile, codes: Ints, names: tuple[str, ...]) -> Effect:
    reference = np.array([*profile.categories.values(), profile.other, 0])
    per_name = np.bincount(codes[codes >= 0], minlength=len(names))
    rows = int(per_name.sum())
    floor = widened(profile, shannon_sampling(reference), rows)
    if not rows:
        return Effect(profile.name, None, floor, 0)
    places = bins.category_bins(names, profile.categories, profile.rare)
    counts = np.bincount(places, weights=per_name, minlength=len(reference)).astype(np.int64)
    unseen = float(counts[-1] / rows)
    return Effect(profile.name, float(jensen_shannon(counts, reference)), floor, rows, unseen)


def widened(profile: FeatureProfile, chance: float, rows: int) -> float:
    """The noise floor for a window of `rows` rows: fewer than the reference's blocks have scatter more."""
    usual = profile.block_rows or float(profile.rows) or 1.0
    extra = max(0.0, 1 / max(rows, 1) - 1 / max(usual, 1.0))
    return float(np.sqrt(profile.noise**2 + chance**2 * extra))
