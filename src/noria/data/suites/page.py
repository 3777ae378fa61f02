"""The report of a check as one HTML file: nothing in it comes from elsewhere, and it works without scripts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noria.core.clock import Micros, to_datetime
from noria.data.suites.examples import plain
from noria.data.suites.expectations.bounds import shown
from noria.data.suites.model import Expectation, Outcome, Report, Severity, Verdict
from noria.data.suites.profile import Profile
from noria.data.suites.wording import sentence

_EXAMPLES = 6
_CELLS = 9
_ORDER = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


def write_page(path: Path, report: Report, profiles: Mapping[str, Profile], at: Micros) -> None:
    """Write the report to `path`, whole or not at all. `at` is the moment of the check."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(page(report, profiles, at), encoding="utf-8")
    temporary.replace(path)


def page(report: Report, profiles: Mapping[str, Profile], at: Micros) -> str:
    """The report as HTML."""
    failed = sorted(report.of(Verdict.FAILED), key=lambda one: _ORDER[one.expectation.severity])
    shares = [(str(verdict).replace(" ", "-"), len(report.of(verdict))) for verdict in Verdict]
    return str(
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            verdict=str(report.verdict).replace(" ", "-"),
            headline=headline(report),
            at=to_datetime(at).strftime("%-d %B %Y, %H:%M UTC"),
            shares=shares,
            failed=[_failure(one) for one in failed],
            not_run=[_line(one) for one in report.of(Verdict.NOT_RUN)],
            passed=[_line(one) for one in report.of(Verdict.PASSED)],
            columns=[_column(one, report) for one in profiles.values()],
        )
    )


def headline(report: Report) -> str:
    """The whole in a sentence."""
    failed, total = report.of(Verdict.FAILED), len(report.outcomes)
    if not total:
        return "The suite expects nothing."
    not_run = len(report.of(Verdict.NOT_RUN))
    rest = f" {_number(not_run)} could not be run." if not_run else ""
    if not failed:
        ran = total - not_run
        said = f"All {ran:,} expectations hold." if ran else "Nothing could be checked."
        return said + (rest if ran else "")
    verb = "does" if len(failed) == 1 else "do"
    severities = [
        f"{count:,} {severity}" for severity in Severity if (count := len(report.of(Verdict.FAILED, severity)))
    ]
    return f"{_number(len(failed))} of {total:,} expectations {verb} not hold: {', '.join(severities)}.{rest}"


def _number(count: int) -> str:
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
    return words[count] if count < len(words) else f"{count:,}"


def _line(outcome: Outcome) -> dict[str, Any]:
    expectation = outcome.expectation
    observed = outcome.result.get("observed_value")
    seen = f"{shown(plain(observed))}" if isinstance(observed, int | float | str) else ""
    if outcome.result.get("unexpected_count"):
        seen = f"{outcome.result['unexpected_count']:,} unexpected"
    return {
        "subject": _subject(expectation),
        "sentence": sentence(expectation),
        "type": expectation.type,
        "severity": str(expectation.severity),
        "reason": outcome.reason,
        "seen": seen,
    }


def _subject(expectation: Expectation) -> str:
    column = expectation.kwargs.get("column")
    return column if isinstance(column, str) else ""


def _failure(outcome: Outcome) -> dict[str, Any]:
    result, marked = outcome.result, outcome.expectation.columns
    there = result.get("element_count", 0) - result.get("missing_count", 0)
    share = result["unexpected_count"] / there if there and result.get("unexpected_count") else None
    names = _names(outcome.rows, marked)
    return {
        **_line(outcome),
        "share": share,
        "allowed": 1 - _mostly(outcome.expectation),
        "names": ["row" if name == "_row" else name for name in names],
        "more": len(outcome.rows[0]) - len(names) if outcome.rows else 0,
        "rows": [[(_cell(row[name]), name in marked) for name in names] for row in outcome.rows[:_EXAMPLES]],
        "counts": _counts(result),
    }


def _mostly(expectation: Expectation) -> float:
    mostly = expectation.kwargs.get("mostly", 1.0)
    return float(mostly) if isinstance(mostly, int | float) else 1.0


def _names(rows: Sequence[Mapping[str, Any]], marked: Sequence[str]) -> list[str]:
    """The columns that are shown of example rows: its number, those it is about, then others while there is room."""
    if not rows:
        return []
    first = [name for name in ("_row", *marked) if name in rows[0]]
    return [*first, *(name for name in rows[0] if name not in first)][:_CELLS]


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    text = shown(value) if isinstance(value, float) else str(value)
    if text != text.strip() or not text:
        text = repr(text)  # else a space at an end is not seen
    return text if len(text) <= 40 else text[:40] + "…"


def _counts(result: Mapping[str, Any]) -> list[tuple[str, int]]:
    counts = result.get("partial_unexpected_counts") or []
    several = [(_cell(one["value"]), one["count"]) for one in counts[:6]]
    return several if len(several) > 1 and any(count > 1 for _, count in several) else []


def _column(profile: Profile, report: Report) -> dict[str, Any]:
    about = [one for one in report.outcomes if profile.name in one.expectation.columns]
    tally = {verdict: sum(one.verdict is verdict for one in about) for verdict in Verdict}
    figures = [("missing", f"{profile.missing / profile.rows:.1%}" if profile.rows else "–"),
               ("distinct", f"{profile.distinct:,}")]  # fmt: skip
    if profile.mean is not None:
        figures += [("mean", f"{float(profile.mean):.4g}")]
    if profile.deviation is not None:
        figures += [("deviation", f"{float(profile.deviation):.3g}")]
    return {
        "name": profile.name,
        "type": profile.type.lower(),
        "figures": figures,
        "bars": _bars(profile),
        "binned": profile.binned,
        "least": _end(profile.least),
        "greatest": _end(profile.greatest),
        "failed": tally[Verdict.FAILED],
        "passed": tally[Verdict.PASSED],
        "not_run": tally[Verdict.NOT_RUN],
    }


def _end(value: Any) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()[:10]
    return "" if value is None else _cell(value)[:24]


def _bars(profile: Profile) -> list[dict[str, Any]]:
    shown_bars = profile.bars if profile.binned else _few(profile.bars)
    most = max((count for _, count in shown_bars), default=0) or 1
    return [
        {"label": _cell(label) if label else "others", "count": count, "share": count / most,
         "of": count / (profile.rows - profile.missing or 1), "rest": not label}
        for label, count in shown_bars
    ]  # fmt: skip


def _few(bars: Sequence[tuple[str, int]], most: int = 6) -> list[tuple[str, int]]:
    if len(bars) <= most:
        return list(bars)
    return [*bars[: most - 1], ("", sum(count for _, count in bars[most - 1 :]))]


def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("noria.data.suites"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["percent"] = lambda share: f"{share:.2%}" if share < 0.1 else f"{share:.1%}"
    environment.filters["number"] = lambda count: f"{count:,}"
    return environment
