"""What the training folder speaks of: the label, the split, the values, the training function."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from noria.core.errors import BadInput
from noria.core.units import Duration
from noria.features.model import InputSet, Predicate

Value = bool | int | float | str
Frame = Literal["pandas", "polars", "arrow", "numpy"]


@dataclass(frozen=True)
class LabelSpec:
    """What is to be predicted: a predicate (0/1) or a column of the row that answers the request.

    The answering row is the row of `source` with the same `key` as the request; its event time is when the
    label can be known. A request whose answer has not come `matures_after` its asking has no label.
    """

    name: str
    source: str
    of: str
    key: str
    matures_after: int
    predicate: Predicate | None = None
    column: str | None = None

    @property
    def task(self) -> Literal["classification", "regression"]:
        """Classification for a predicate, regression for a column."""
        return "classification" if self.predicate else "regression"


@dataclass(frozen=True)
class SplitSpec:
    """How history is cut at a turn's moment T.

    Test: requests asked in [T - test - gap, T - gap), whose labels have matured; training: the `train`
    before that, ending another `gap` earlier, so that no training label was learnt later than a test request.
    """

    train: Duration
    test: Duration
    gap: Duration


@dataclass(frozen=True)
class Choice:
    """A value to be searched for: one of these."""

    options: tuple[Value, ...]


@dataclass(frozen=True)
class Range:
    """A value to be searched for: a number between `low` and `high`, on a log scale if told."""

    low: float
    high: float
    log: bool = False
    integer: bool = False


@dataclass(frozen=True)
class SearchSpec:
    """Which values are searched, how often one is tried, and on how many training rows (None: all)."""

    space: dict[str, Choice | Range]
    trials: int = 20
    rows: int | None = None


@dataclass(frozen=True)
class TrainingSpec:
    """The training function and everything it is given.

    `function` is `module:name`; it is called `function(X, y, **values)` with `X` in `frame`. `fingerprint` is
    the digest of its code and all it reaches; `code`, where told, has the parts of that by name, so that a
    change can be told by the name of the helper that changed.
    """

    function: str
    inputs: InputSet
    label: LabelSpec
    split: SplitSpec
    values: dict[str, Value] = field(default_factory=dict)
    search: SearchSpec | None = None
    frame: Frame = "pandas"
    seed: int = 0
    threads: int = 1
    fingerprint: str = ""
    code: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Environment:
    """What ran the training: interpreter, platform, threads, and the versions of the packages it reaches."""

    python: str
    platform: str
    threads: int
    packages: dict[str, str]


@dataclass(frozen=True)
class CodeState:
    """Which code ran: the transitive fingerprint, and the git commit and whether files differed from it."""

    fingerprint: str
    commit: str | None = None
    dirty: bool = False


class TrainingFailed(BadInput):
    """The user's training function raised, or returned something that cannot predict."""

    code = "N4001"


class TooFewRows(BadInput):
    """A split has too few labelled rows, or one class only."""

    code = "N4002"
