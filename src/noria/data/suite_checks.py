"""The suite of a source, run over its good rows as part of its checks.

A critical expectation that does not hold refuses the snapshot; any other, and one that could not be run, is
told as a problem.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from noria.core.digest import digest_bytes
from noria.data.model import Checked, Problem, SourceSpec
from noria.data.suites.loading import load_suite, place_of
from noria.data.suites.model import Outcome, Severity, Verdict
from noria.data.suites.parts import table_of_parts
from noria.data.suites.results import jsonable
from noria.data.suites.run import Options, check
from noria.data.suites.wording import sentence
from noria.workspace.workspace import Workspace

_EXAMPLES = 1


def rules(ws: Workspace, spec: SourceSpec) -> dict[str, str]:
    """What of the suite decides about a snapshot: its place and content. Raises BadSuite when it is not there."""
    if spec.suite is None:
        return {}
    load_suite(_at(ws, spec.suite), spec.name)
    return {"suite": spec.suite, "content": digest_bytes(Path(place_of(_at(ws, spec.suite))).read_bytes())}


def judge(ws: Workspace, spec: SourceSpec, checked: Checked) -> tuple[list[Problem], list[str]]:
    """What the suite finds wrong with the good rows, and what of it refuses them.

    Raises BadSuite, FaultySuite. Without good rows there is nothing to ask: they are refused anyway.
    """
    if spec.suite is None or not checked.parts:
        return [], []
    suite = load_suite(_at(ws, spec.suite), spec.name)
    table = table_of_parts(ws, spec.schema, checked.parts, spec.name)
    report = check(suite, table, ws.clock, Options(examples=_EXAMPLES))
    wrong = [one for one in report.outcomes if one.verdict is not Verdict.PASSED]
    refusing = [
        f"{_told(one)}: {one.reason}"
        for one in report.of(Verdict.FAILED, Severity.CRITICAL)
    ]  # fmt: skip
    return [_problem(one) for one in wrong], refusing


def _at(ws: Workspace, place: str) -> str:
    return str(ws.root / place)


def _told(one: Outcome) -> str:
    return f"{', '.join(one.expectation.columns)} {sentence(one.expectation)}".strip()


def _problem(one: Outcome) -> Problem:
    kind = "not run" if one.verdict is Verdict.NOT_RUN else f"suite ({one.expectation.severity})"
    columns, rows = one.expectation.columns, one.result.get("unexpected_count") or 0
    return Problem(
        kind, columns[0] if columns else "", rows, f"{sentence(one.expectation)}: {one.reason}", _example(one)
    )


def _example(one: Outcome) -> str:
    shown: Any = jsonable(one.rows[0]) if one.rows else {}
    return ", ".join(f"{name} = {value}" for name, value in shown.items() if name in one.expectation.columns)
