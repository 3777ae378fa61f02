"""What an explanation says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Explanation:
    """What each column contributed to an answer, against the model's golden rows.

    `base` is the mean over these, and `base` with all `contributions` makes `total`. On `scale` "output" the total is
    the answer itself, on "log-odds" the answer is its logistic function. `method` is "trees" where the values are
    exact, "permutation" where they are a mean over some orders of the columns (the sum is exact all the same).
    """

    base: float
    contributions: dict[str, float]
    total: float
    scale: Literal["output", "log-odds"]
    method: Literal["trees", "permutation"]
