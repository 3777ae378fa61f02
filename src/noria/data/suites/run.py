"""Checking a table against a suite: what all expectations ask is one SELECT a round; most need one round.

The first round is the one aggregate pass over the table. Only what failed, or needs a figure first, is looked
at again: for exact counts, and for examples of bad rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from noria.core.clock import Clock
from noria.data.suites.asking import asking
from noria.data.suites.catalogue import CATALOGUE
from noria.data.suites.examples import with_examples
from noria.data.suites.model import Expectation, Outcome, Report, Suite, UnreadableTable, Verdict
from noria.data.suites.parameters import filled
from noria.data.suites.plan import Ask, Judgement, NotRun, Plan, Query, Refused
from noria.data.suites.setting_aside import set_aside
from noria.data.suites.table import Opened, Table, opened

ROUNDS = 5
"""More rounds than any expectation needs."""

Watcher = Callable[[str], None]


def _unwatched(step: str) -> None:
    """Nobody is told."""


@dataclass(frozen=True)
class Options:
    """How a suite is run.

    `parameters` fill in the suite's, `environment` leaves out expectations that are not meant for it (a label
    that is absent at serving), `examples` is how many bad rows are shown of each failure. All bad rows are
    written to the Parquet file `quarantine`, with their reasons.
    """

    parameters: Mapping[str, Any] | None = None
    environment: str = ""
    examples: int = 20
    quarantine: Path | None = None


def check(
    suite: Suite, table: Table, clock: Clock, options: Options | None = None, watch: Watcher = _unwatched
) -> Report:
    """What came of the suite on the table. `watch` is called with a word for each step.

    Raises UnreadableTable; an expectation that cannot be asked fails or is not run, and says why.
    """
    options = options or Options()
    with opened(table) as there:
        report = check_opened(suite, there, table.name, clock, options, watch)
        if options.quarantine is None:
            return report
        watch("quarantine")
        return replace(report, quarantined=set_aside(there, report, options.quarantine))


def check_opened(
    suite: Suite, there: Opened, name: str, clock: Clock, options: Options, watch: Watcher = _unwatched
) -> Report:
    """The same for a table that is open already."""
    started = clock.now()
    plans: dict[int, Plan] = {}
    outcomes: dict[int, Outcome] = {}
    for place, expectation in enumerate(suite.expectations):
        done = _begin(expectation, suite, there, options)
        if isinstance(done, Outcome):
            outcomes[place] = done
        else:
            plans[place] = done
    rows = _rows(there)
    for _ in range(ROUNDS):
        watch("read")
        _round(there, plans, outcomes, suite.expectations)
        if all(isinstance(plan, Judgement) for plan in plans.values()):
            break
    for place, plan in plans.items():
        if isinstance(plan, Judgement):
            watch(suite.expectations[place].type)
            outcomes[place] = _judged(there, suite.expectations[place], plan, options.examples)
    types = {field.name: field.type for field in there.fields.values()}
    seconds = (clock.now() - started) / 1e6
    ordered = tuple(outcomes[place] for place in range(len(suite.expectations)))
    return Report(suite, name, rows, types, ordered, there.passes, seconds)


def _rows(there: Opened) -> int:
    try:
        return int(there.ask("SELECT count(*) FROM __table")[0][0])  # told by the files' own footers
    except duckdb.Error as error:
        raise UnreadableTable(f"the table cannot be read: {_said(error)}") from error


def _begin(expectation: Expectation, suite: Suite, there: Opened, options: Options) -> Plan | Outcome:
    build = CATALOGUE.get(expectation.type)
    if build is None:
        return Outcome(expectation, Verdict.NOT_RUN, reason="this expectation is not known here")
    if options.environment and options.environment in not_in_environment(expectation):
        return Outcome(expectation, Verdict.NOT_RUN, reason=f"not meant for the environment {options.environment!r}")
    try:
        kwargs = filled(expectation.kwargs, {**suite.parameters, **(options.parameters or {})})
        return build(asking(kwargs, there.fields, there.others))
    except Refused as refused:
        if _optional(expectation) and not set(expectation.columns) <= set(there.fields):
            return Outcome(expectation, Verdict.NOT_RUN, reason="the column is optional, and it is not there")
        return Outcome(expectation, Verdict.FAILED, reason=str(refused), raised=True)
    except NotRun as unknown:
        return Outcome(expectation, Verdict.NOT_RUN, reason=str(unknown))
    except (ValueError, RecursionError, OverflowError) as error:
        return Outcome(expectation, Verdict.FAILED, reason=f"its arguments cannot be used: {error}", raised=True)


def not_in_environment(expectation: Expectation) -> Sequence[str]:
    """The environments that an expectation is not meant for, as its `meta` says under `noria`."""
    named = _ours(expectation).get("not_in_environment")
    return [one for one in named if isinstance(one, str)] if isinstance(named, list) else []


def _optional(expectation: Expectation) -> bool:
    return _ours(expectation).get("optional") is True


def _ours(expectation: Expectation) -> Mapping[str, Any]:
    ours = expectation.meta.get("noria")
    return ours if isinstance(ours, Mapping) else {}


def _round(
    there: Opened, plans: dict[int, Plan], outcomes: dict[int, Outcome], expectations: Sequence[Expectation]
) -> None:
    asks = {place: plan for place, plan in plans.items() if isinstance(plan, Ask)}
    answers = _together(there, asks)
    for place, plan in list(plans.items()):
        if isinstance(plan, Judgement):
            continue
        try:
            if isinstance(plan, Query):
                plans[place] = plan.then(there.ask(plan.sql))
            else:
                plans[place] = plan.then(answers[place] if answers is not None else _alone(there, plan))
        except (Refused, duckdb.Error) as error:
            reason = str(error) if isinstance(error, Refused) else _said(error)
            outcomes[place] = Outcome(expectations[place], Verdict.FAILED, reason=reason, raised=True)
            del plans[place]
        except NotRun as unknown:
            outcomes[place] = Outcome(expectations[place], Verdict.NOT_RUN, reason=str(unknown))
            del plans[place]


def _together(there: Opened, asks: Mapping[int, Ask]) -> dict[int, dict[str, Any]] | None:
    """The aggregates of all asks in one SELECT, each asked once; None when one of them spoils it for all."""
    wanted = list(dict.fromkeys(sql for ask in asks.values() for sql in ask.aggregates.values()))
    if not wanted:
        return {}
    try:
        row = there.ask(f"SELECT {', '.join(wanted)} FROM __table")[0]
    except duckdb.Error:
        return None
    values = dict(zip(wanted, row, strict=True))
    return {place: {key: values[sql] for key, sql in ask.aggregates.items()} for place, ask in asks.items()}


def _alone(there: Opened, ask: Ask) -> dict[str, Any]:
    row = there.ask(f"SELECT {', '.join(ask.aggregates.values())} FROM __table")[0]
    return dict(zip(ask.aggregates, row, strict=True))


def _judged(there: Opened, expectation: Expectation, judgement: Judgement, examples: int) -> Outcome:
    verdict = Verdict.PASSED if judgement.success else Verdict.FAILED
    outcome = Outcome(expectation, verdict, judgement.result, judgement.reason, bad=judgement.bad)
    if judgement.bad is None or not examples:
        return outcome
    try:
        return with_examples(there, outcome, judgement.bad, examples)
    except duckdb.Error as error:
        return replace(outcome, reason=f"{outcome.reason}; no examples: {_said(error)}")


def _said(error: Exception) -> str:
    return str(error).partition("\n\n")[0][:400]
