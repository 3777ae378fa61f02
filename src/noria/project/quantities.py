"""What rules are about: `metric`, `latency`, `champion`, `drift`, `missing`, `every`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from noria.core.rules import Quantity, Rule, Trigger
from noria.core.units import Duration
from noria.project.views import Feature, FeatureView


@dataclass(frozen=True)
class Metric(Quantity):
    """A quality metric of a model, by its name in the field: `roc_auc`, `brier`, `log_loss`, `rmse`."""

    def worst(self, column: str) -> Quantity:
        """The metric of the worst slice: over the values of a request column with enough rows."""
        return Quantity("worst", (self.about[0], column))

    def live(self, window: Duration) -> Quantity:
        """The metric realised in production, over predictions of the last `window` whose labels have come."""
        return Quantity("live", (self.about[0], window.micros))


@dataclass(frozen=True)
class Drift(Trigger):
    """How far features have moved from what the model was trained on.

    The effect is the Wasserstein distance in reference standard deviations for numbers and the
    Jensen-Shannon distance for categories, the largest over the features named. Bare, as a trigger, it fires
    beyond the noise floor alone; compared, beyond the larger of the two.
    """

    def __gt__(self, threshold: float) -> Rule:
        return self.quantity > threshold


def metric(name: str) -> Metric:
    """A quality metric by name."""
    return Metric("metric", (name,))


def latency(quantile: str) -> Quantity:
    """A quantile of the time a prediction takes: `latency("p95") <= ms(20)`."""
    return Quantity("latency", (quantile,))


def champion(of: Quantity) -> Quantity:
    """The same metric of the version in production, on the same rows.

    A gate that compares with it is passed at 95 % confidence: when the whole paired interval lies on the side
    that the gate asks for.
    """
    return Quantity("champion", of.about)


def drift(of: type[FeatureView[Any]] | Feature) -> Drift:
    """Drift of a feature view, or of one of its features."""
    return Drift(Quantity("drift", _names(of)))


def missing(of: Feature) -> Quantity:
    """The share of requests for which a feature had no value."""
    return Quantity("missing", _names(of))


def errors() -> Quantity:
    """The share of requests that could not be answered."""
    return Quantity("errors")


def every(interval: Duration) -> Trigger:
    """Fires when `interval` has passed since the last turn."""
    return Trigger(Quantity("every", (interval.micros,)))


def _names(of: object) -> tuple[str, ...]:
    if isinstance(of, Feature):
        return of.names()
    if isinstance(of, type) and issubclass(of, FeatureView):
        return (of.__name__,)
    return (repr(of),)
