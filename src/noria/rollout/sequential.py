"""Statistics that stay honest however often one looks.

Looking at a running comparison after every request and stopping at the first "significant" one finds harm
in about 40 % of harmless rollouts. Three tools keep the promised error rate: a confidence sequence (harm may
be declared at any look), a Bayes factor for the sample ratio (any look), and an O'Brien-Fleming boundary for
promotion (looks up to a planned number of rows). Errors are one-sided and given as `alpha`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mean:
    """A running mean: `sd` is the standard deviation of one row, autocorrelation allowed for."""

    rows: int
    mean: float
    sd: float

    @property
    def error(self) -> float:
        """The standard error of the mean; infinite without rows."""
        return self.sd / self.rows**0.5 if self.rows else float("inf")


def mean_of(values: Floats, *, least_sd: float = 0.0) -> Mean:
    """The mean of values in time order, with a standard deviation that does not trust their independence.

    Neighbouring requests share their weather: differences of nearby rows go together, and the plain standard
    error is too small. So rows are also averaged in about `sqrt(rows)` consecutive batches, and the larger of
    the two estimates is taken (method of batch means).
    """
    rows = len(values)
    if rows < 2:
        return Mean(rows, float(values.mean()) if rows else 0.0, float("inf"))
    size = max(1, int(rows**0.5))
    number = rows // size
    batched = values[: number * size].reshape(number, size).mean(axis=1)
    by_batch = float(batched.std(ddof=1)) * size**0.5 if number > 1 else 0.0
    return Mean(rows, float(values.mean()), max(float(values.std(ddof=1)), by_batch, least_sd))


def lower_bound(seen: Mean, alpha: float, *, tuned_for: int) -> float:
    """A bound that the true mean stays above, at every look at once, with probability `1 - alpha`.

    The one-sided asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas ("Time-uniform
    central limit theory and asymptotic confidence sequences", arXiv 2103.06476). It is tightest around
    `tuned_for` rows and valid from some fifty rows on; minus infinity before the second row.
    """
    rows = seen.rows
    if rows < 2:
        return float("-inf")
    spread = _spread(alpha, tuned_for)
    inflated = rows * spread + 1
    reach = 2 * inflated / (rows**2 * spread) * np.log(1 + np.sqrt(inflated) / (2 * alpha))
    return seen.mean - seen.sd * float(np.sqrt(reach))


def _spread(alpha: float, tuned_for: int) -> float:
    """The squared mixture parameter rho² which makes the bound tightest after `tuned_for` rows."""
    logs = -2 * np.log(2 * alpha)
    return float((logs + np.log(logs + 1)) / max(tuned_for, 1))


def sample_ratio_p(counts: Sequence[int], shares: Sequence[float], *, strength: float = 100.0) -> float:
    """How believable it is that the arms were filled by their shares; may be looked at any time.

    A Dirichlet-multinomial Bayes factor against the multinomial with the planned shares, after Lindon and
    Malek ("Anytime-valid inference for multinomial count data", arXiv 2011.03567); the answer is
    `min(1, 1 / factor)`, so declaring a mismatch below `alpha` errs with at most that probability, over all
    looks together. `strength` is how close to the shares the alternative is expected.

    >>> sample_ratio_p([500, 500], [0.5, 0.5]), sample_ratio_p([700, 300], [0.5, 0.5]) < 1e-6
    (1.0, True)
    """
    seen, planned = np.asarray(counts, dtype=float), np.asarray(shares, dtype=float)
    if (seen[planned <= 0] > 0).any():
        return 0.0
    seen, planned = seen[planned > 0], planned[planned > 0] / planned[planned > 0].sum()
    prior = planned * strength
    factor = (
        special.gammaln(prior.sum()) - special.gammaln(prior.sum() + seen.sum())
        + (special.gammaln(prior + seen) - special.gammaln(prior)).sum()
        - (seen * np.log(planned)).sum()
    )  # fmt: skip
    return float(min(1.0, np.exp(-factor)))


@dataclass(frozen=True)
class NonInferiority:
    """Whether the new version is proven no more than `margin` worse.

    `upper` is the bound on the mean difference (new minus champion) at this look, `information` the share of
    the planned rows that were used, `critical` how many standard errors the bound stands off.
    """

    rows: int
    difference: float
    upper: float
    margin: float
    information: float
    critical: float

    @property
    def proven(self) -> bool:
        """The upper bound lies within the margin."""
        return self.upper <= self.margin

    @property
    def final(self) -> bool:
        """All planned rows are in: no later look may change the answer."""
        return self.information >= 1


def non_inferiority(differences: Floats, margin: float, *, planned: int, alpha: float = 0.05) -> NonInferiority:
    """Look once at paired differences of loss (new minus champion, in time order).

    The boundary is O'Brien and Fleming's in its continuous form: `z(1 - alpha/2) / sqrt(information)` standard
    errors. A Brownian path crosses it before its end with probability `alpha`, so any number of looks up to
    the planned rows may be taken; early looks must be very convincing. Rows beyond the planned number are not
    used, so the last look stays the last.
    """
    used = mean_of(differences[:planned])
    information = min(1.0, used.rows / max(planned, 1))
    critical = float(stats.norm.ppf(1 - alpha / 2)) / max(information, 1e-9) ** 0.5
    upper = used.mean + critical * used.error if used.rows > 1 else float("inf")
    return NonInferiority(used.rows, used.mean, upper, margin, information, critical)
