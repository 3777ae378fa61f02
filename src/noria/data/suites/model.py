"""What suites speak of: an expectation, a suite of them, and what came of checking a table.

The names of expectations and of their arguments are those of Great Expectations (`expect_column_values_to_be_unique`,
`mostly`, `row_condition`), as they are the ones that people in this field know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from noria.core.errors import BadInput
from noria.data.suites.plan import Bad


class Severity(StrEnum):
    """How bad it is when an expectation does not hold: only a critical one makes the suite fail."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Verdict(StrEnum):
    """What came of an expectation. `NOT_RUN` is neither: nobody looked, and the reason says why."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


class BadSuite(BadInput):
    """A document that is no suite: not JSON, not an object, without expectations, too deep or too large."""

    code = "N3050"


class UnreadableTable(BadInput):
    """What was to be checked cannot be read as a table."""

    code = "N3051"


class SuiteFailed(BadInput):
    """A critical expectation does not hold, where that stops the work."""

    code = "N3052"


@dataclass(frozen=True)
class Expectation:
    """One thing a table is expected to be.

    `document` is the JSON object it was read from, kept as it was found so that it can be written unchanged;
    empty for one made in Python. `severity` is how the check judges; one that no rule knows counts as critical.
    """

    type: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = Severity.CRITICAL
    meta: Mapping[str, Any] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it is about, as far as its arguments name them."""
        named = [self.kwargs.get(key) for key in ("column", "column_A", "column_B")]
        listed = self.kwargs.get("column_list")
        named += listed if isinstance(listed, list | tuple) else []
        return tuple(one for one in named if isinstance(one, str))


@dataclass(frozen=True)
class Suite:
    """Expectations under one name. `parameters` fill in arguments written as `{"$PARAMETER": name}`.

    `document` is the JSON object it was read from without its expectations; `dialect` tells how it is written.
    """

    name: str
    expectations: tuple[Expectation, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)
    dialect: str = "1.x"


@dataclass(frozen=True)
class Outcome:
    """What came of one expectation.

    `result` holds what was counted, under the names of Great Expectations: `element_count`,
    `unexpected_count`, `partial_unexpected_list`, or `observed_value` with `details`. `reason` says in a
    sentence why it failed or did not run. `raised` tells that it failed because it could not be asked of this
    table at all (no such column, a bound of another type). `rows` are examples, each a whole row; `bad` is how
    to find all of them.
    """

    expectation: Expectation
    verdict: Verdict
    result: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    raised: bool = False
    rows: Sequence[Mapping[str, Any]] = ()
    bad: Bad | None = None


@dataclass(frozen=True)
class Report:
    """What came of a suite on a table. `passes` counts the queries it took; `seconds` is wall time;
    `quarantined` is how many rows were set aside."""

    suite: Suite
    table: str
    rows: int
    columns: Mapping[str, str]
    outcomes: tuple[Outcome, ...]
    passes: int = 0
    seconds: float = 0.0
    quarantined: int = 0

    @property
    def verdict(self) -> Verdict:
        """Failed when something critical failed; not run when nothing ran; passed otherwise."""
        if any(one.expectation.severity is Severity.CRITICAL for one in self.of(Verdict.FAILED)):
            return Verdict.FAILED
        ran = len(self.outcomes) > len(self.of(Verdict.NOT_RUN))
        return Verdict.PASSED if ran or not self.outcomes else Verdict.NOT_RUN

    def of(self, verdict: Verdict, severity: Severity | None = None) -> tuple[Outcome, ...]:
        """The outcomes with this verdict (and severity)."""
        return tuple(
            one for one in self.outcomes
            if one.verdict is verdict and severity in (None, one.expectation.severity)
        )  # fmt: skip
