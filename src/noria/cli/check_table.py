"""What `noria check` does when it is called, and how it tells people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from noria.cli.progress import Counted
from noria.core.clock import SystemClock
from noria.core.errors import BadInput
from noria.data.suites.compare import THRESHOLD, Comparison, Limits, limits_of
from noria.data.suites.compare import compare as compare_tables
from noria.data.suites.infer import infer
from noria.data.suites.loading import load_suite
from noria.data.suites.model import Outcome, Report, Suite, Verdict
from noria.data.suites.page import headline, write_page
from noria.data.suites.profile import profile
from noria.data.suites.results import validation_result
from noria.data.suites.run import Options, check_opened
from noria.data.suites.setting_aside import set_aside
from noria.data.suites.table import Table, opened, table_at
from noria.data.suites.wording import sentence

_MARKS = {Verdict.PASSED: "[green]✓[/green]", Verdict.FAILED: "[red]✗[/red]", Verdict.NOT_RUN: "[dim]–[/dim]"}
_TONES = {"critical": "red", "warning": "yellow", "info": "blue"}


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a check beside the verdict."""

    page: Path | None = None
    quarantine: Path | None = None
    ge_results: Path | None = None
    environment: str = ""
    others: Mapping[str, Table] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    shown: bool = True


def check_table(place: str, suite_at: str, wanted: Wanted) -> Report:
    """Check, and write what is wanted. Raises BadSuite, UnreadableTable."""
    import json

    suite = load_suite(suite_at, place)
    clock = SystemClock()
    at = clock.now()
    table = replace(table_at(place), others=wanted.others)
    options = Options(wanted.parameters, wanted.environment)
    with Counted("checking", shown=wanted.shown) as bar, opened(table) as there:
        report = check_opened(suite, there, table.name, clock, options, bar.advance)
        if wanted.quarantine is not None:
            bar.advance("quarantine")
            report = replace(report, quarantined=set_aside(there, report, wanted.quarantine))
        if wanted.page is not None:
            bar.advance("report")
            write_page(wanted.page, report, profile(there), at)
    if wanted.ge_results is not None:
        text = json.dumps(validation_result(report, at), indent=2, ensure_ascii=False)
        wanted.ge_results.write_text(text + "\n", encoding="utf-8")
    return report


def inferred(place: str, name: str, labels: Sequence[str]) -> Suite:
    """The suite that a table fits. Raises UnreadableTable, BadInput for a label that is no column."""
    table = table_at(place)
    with opened(table) as there:
        strange = [one for one in labels if one not in there.fields]
        if strange:
            raise BadInput(f"there is no column {strange[0]!r}", hint=f"there are {', '.join(there.fields)}")
        return infer(there, profile(there), name or Path(place).name.partition(".")[0], labels)


def compared(baseline: str, current: str, suite: str, environment: str, thresholds: Sequence[str]) -> Comparison:
    """The two tables side by side. Raises UnreadableTable, BadSuite, BadInput for a threshold that is none."""
    limits = limits_of(load_suite(suite, current), environment) if suite else Limits(THRESHOLD)
    for one in thresholds:
        column, _, number = one.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            raise BadInput(f"--threshold {one!r} is no number", hint="such as 0.1, or fare=0.2") from None
        limits = (
            replace(limits, columns={**limits.columns, column: value}) if column else replace(limits, default=value)
        )
    return compare_tables(table_at(baseline), table_at(current), limits)


def say_report(report: Report) -> None:
    """The outcome of every expectation as a table, what failed first."""
    console = Console()
    told = RichTable(box=None, pad_edge=False, header_style="bold", title_justify="left")
    for column in ("", "column", "expected", "severity", "what came of it"):
        told.add_column(column, overflow="fold")
    order = (Verdict.FAILED, Verdict.NOT_RUN, Verdict.PASSED)
    for verdict in order:
        for one in report.of(verdict):
            told.add_row(*_row(one))
    console.print(told)
    tone = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.NOT_RUN: "yellow"}[report.verdict]
    console.print(f"\n[bold {tone}]{escape(headline(report))}[/]", highlight=False)
    more = f", {report.quarantined:,} rows set aside" if report.quarantined else ""
    console.print(f"[dim]{report.rows:,} rows in {report.seconds:.2f} s{more}[/dim]", highlight=False)


def _row(one: Outcome) -> tuple[str, ...]:
    severity = str(one.expectation.severity)
    shown = severity if one.verdict is not Verdict.FAILED else f"[{_TONES[severity]}]{severity}[/]"
    column = one.expectation.kwargs.get("column")
    about = escape(column) if isinstance(column, str) else ""
    return _MARKS[one.verdict], about, escape(sentence(one.expectation)), shown, escape(one.reason)


def say_comparison(found: Comparison) -> None:
    """How far each column has moved, the furthest first."""
    console = Console()
    rows = f"{found.rows[0]:,} rows then, {found.rows[1]:,} now"
    told = RichTable(box=None, pad_edge=False, header_style="bold", title_justify="left", title=rows)
    for column in ("", "column", "measure", "distance", "threshold", "missing", "what moved"):
        told.add_column(column, overflow="fold", justify="right" if column in ("distance", "missing") else "left")
    for one in found.changes:
        distance = "-" if one.distance is None else f"{one.distance:.4f}"
        moved = ", ".join(f"{value} {was:.1%} to {now:.1%}" for value, was, now in one.largest[:2] if was != now)
        note = escape("; ".join(part for part in (one.note, moved) if part))
        mark, name = _MARKS[one.verdict], escape(one.column)
        told.add_row(mark, name, one.measure, distance, f"{one.threshold:g}", f"{one.missing:+.1%}", note)
    console.print(told)
