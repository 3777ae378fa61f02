"""The pictures of a replay report: each a function from figures to one inline SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter, MonthLocator
from matplotlib.figure import Figure

from noria.core.clock import to_datetime
from noria.monitoring.model import Measurement, MonitorState
from noria.retraining.result import Retraining
from noria.rollout.model import Rollout

LIVING, FROZEN = "#1565c0", "#b0b7c3"
COLOURS = {
    "promoted": "#2e7d32", "refused": "#c62828", "rolled back": "#ef6c00", "inconclusive": "#8d6e63",
    "failed": "#6a1b9a", "taking over": "#0288d1", "unchanged": "#9e9e9e",
}  # fmt: skip
MARKS = {"promoted": "^", "refused": "x", "rolled back": "v"}
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "noria",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9aa3af",
    "axes.grid": True,
    "grid.color": "#eceff3",
    "axes.axisbelow": True,
    "xtick.color": "#4b5563",
    "ytick.color": "#4b5563",
}
_DAY = 86_400_000_000
_POINTS = 140
"""So many points a small line has at most: more cannot be seen."""


def losses(
    at: np.ndarray[Any, Any], living: np.ndarray[Any, Any], frozen: np.ndarray[Any, Any], turns: Sequence[Retraining]
) -> str:
    """Trailing two-week log loss of both models, with the retrainings marked; below, the difference in per cent."""
    figure, (above, below) = _canvas(9.6, 4.6, rows=2, heights=(3, 1))
    days, alive = trailing(at, living)
    _, still = trailing(at, frozen)
    moments = _dates(days)
    above.plot(moments, still, color=FROZEN, lw=2.4, label="first model, left alone")
    above.plot(moments, alive, color=LIVING, lw=2.4, label="kept by Noria")
    better = alive <= still
    above.fill_between(moments, alive, still, where=better.tolist(), color=LIVING, alpha=0.13, lw=0)
    above.fill_between(moments, alive, still, where=(~better).tolist(), color="#c62828", alpha=0.13, lw=0)
    above.set_ylabel("log loss, trailing 14 days")
    _marks(above, turns)
    above.legend(loc="upper right", frameon=False, ncols=3, fontsize=9)
    gain = 100 * (still - alive) / still
    for side, colour in ((gain >= 0, LIVING), (gain < 0, "#c62828")):
        below.fill_between(moments, 0, gain, where=side.tolist(), step="mid", color=colour, alpha=0.75, lw=0)
    below.axhline(0, color="#6b7280", lw=0.8)
    below.set_ylabel("% better")
    _months(below)
    above.tick_params(labelbottom=False)
    return _svg(figure, "Log loss over time of the first model left alone and of the model kept by Noria")


def drift(measurements: Sequence[Measurement], features: Sequence[str]) -> str:
    """The effect of every feature against its threshold over time: a small line each, alarms filled."""
    by_feature: dict[str, list[Measurement]] = {}
    for one in measurements:
        if one.kind == "drift" and one.subject in features and one.value is not None:
            by_feature.setdefault(one.subject, []).append(one)
    names = sorted(by_feature, key=lambda name: -max(_ratio(one) for one in by_feature[name]))
    columns = 3
    rows = max(1, -(-len(names) // columns))
    figure, axes = _canvas(9.6, 1.25 * rows + 0.4, rows=rows, columns=columns)
    for axis, name in zip(axes, names, strict=False):
        _drift_panel(axis, name, by_feature[name])
    for axis in axes[len(names) :]:
        axis.set_visible(False)
    return _svg(figure, "Drift of each feature over time against its threshold")


def rollouts(taken_over: Sequence[Rollout]) -> str:
    """One bar a rollout, from its start to its end, in the colour of how it ended."""
    figure, (axis,) = _canvas(9.6, 0.32 * max(len(taken_over), 1) + 0.8)
    for row, one in enumerate(taken_over):
        start = to_datetime(one.started)
        length = ((one.ended or one.stage_started) - one.started) / _DAY
        axis.barh(row, max(length, 0.5), left=_date(start), color=COLOURS.get(_named(one.state), "#0288d1"), height=0.6)
        said = f"  version {one.challenger} over {one.champion}: {one.state}"
        axis.text(_date(start) + max(length, 0.5), row, said, va="center", fontsize=8.5, color="#374151")
    axis.set_yticks([])
    axis.invert_yaxis()
    axis.margins(x=0.22)
    _months(axis)
    return _svg(figure, "Rollouts from start to end")


def latency(at: np.ndarray[Any, Any], micros: np.ndarray[Any, Any]) -> str:
    """Median and 95th percentile of the time an answer took, week by week, in milliseconds."""
    figure, (axis,) = _canvas(9.6, 1.9)
    weeks = (at // (7 * _DAY)).astype(np.int64)
    unique = np.unique(weeks)
    moments = _dates(unique * 7 * _DAY)
    for quantile, colour in ((50, LIVING), (95, "#90a4ae")):
        values = [float(np.percentile(micros[weeks == week], quantile)) / 1000 for week in unique]
        axis.plot(moments, values, color=colour, lw=2, label=f"p{quantile}")
    axis.set_ylabel("ms")
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False, ncols=2, fontsize=9, loc="upper right")
    _months(axis)
    return _svg(figure, "Time an answer took, by week")


def trailing(
    at: np.ndarray[Any, Any], values: np.ndarray[Any, Any], days: int = 14
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The mean of `values` over the `days` before each day; gives the days (µs) and the means."""
    day = (at // _DAY).astype(np.int64)
    first, last = int(day.min()), int(day.max())
    sums = np.bincount(day - first, weights=values, minlength=last - first + 1)
    counts = np.bincount(day - first, minlength=last - first + 1)
    window = np.ones(days)
    total, rows = (np.convolve(one, window)[: len(sums)] for one in (sums, counts))
    kept = np.arange(len(sums)) >= min(days, len(sums)) - 1
    return (np.arange(first, last + 1)[kept] + 1) * _DAY, (total / np.maximum(rows, 1))[kept]


def _drift_panel(axis: Axes, name: str, seen: Sequence[Measurement]) -> None:
    seen = seen[:: max(1, len(seen) // _POINTS)]
    moments = _dates(np.array([one.at for one in seen]))
    values = np.array([one.value for one in seen], dtype=float)
    limits = np.array([one.threshold or np.nan for one in seen], dtype=float)
    alarmed = np.array([one.state in (MonitorState.ALARM, MonitorState.WATCH) for one in seen])
    axis.fill_between(moments, 0, values, where=alarmed.tolist(), color="#ef6c00", alpha=0.35, lw=0)
    axis.plot(moments, values, color="#374151", lw=1.2)
    axis.plot(moments, limits, color="#c62828", lw=0.9, ls="--")
    axis.set_title(name, fontsize=8.5, loc="left", pad=2, color="#111827")
    axis.set_ylim(0, max(float(np.nanmax(values)), float(np.nanmax(np.append(limits, 0)))) * 1.1 or 1)
    axis.tick_params(labelsize=7)
    quarters = _locator(3)
    axis.xaxis.set_major_locator(quarters)
    axis.xaxis.set_major_formatter(_formatter(quarters))


def _marks(axis: Axes, turns: Sequence[Retraining]) -> None:
    seen: set[str] = set()
    low, high = axis.get_ylim()
    axis.set_ylim(low - 0.09 * (high - low), high + 0.08 * (high - low))
    for turn in turns:
        colour = COLOURS.get(turn.outcome, "#6b7280")
        moment = _date(to_datetime(turn.ended or turn.at))
        label = turn.outcome if turn.outcome not in seen else None
        seen.add(turn.outcome)
        if turn.outcome == "promoted":
            axis.axvline(moment, color=colour, lw=1, ls=":", zorder=0)
        mark = MARKS.get(turn.outcome, "o")
        axis.plot([moment], [low - 0.03 * (high - low)], mark, color=colour, ms=8, mew=2, label=label, ls="none")


def _ratio(one: Measurement) -> float:
    return (one.value or 0.0) / (one.threshold or 1.0)


def _named(state: str) -> str:
    return "taking over" if state == "running" else state


def _canvas(
    width: float, height: float, rows: int = 1, columns: int = 1, heights: Sequence[float] | None = None
) -> tuple[Figure, list[Axes]]:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        grid = figure.subplots(
            rows, columns, squeeze=False, sharex=columns == 1, gridspec_kw={"height_ratios": heights} if heights else {}
        )
        return figure, list(grid.flat)


def _months(axis: Axes) -> None:
    months = _locator(1)
    axis.xaxis.set_major_locator(months)
    axis.xaxis.set_major_formatter(_formatter(months))


def _locator(interval: int) -> Any:
    return MonthLocator(interval=interval)  # type: ignore[no-untyped-call]


def _formatter(locator: Any) -> Any:
    return ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]


def _date(moment: datetime) -> float:
    return moment.timestamp() / 86_400


def _dates(micros: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(micros, dtype=float) / _DAY


def _svg(figure: Figure, title: str) -> str:
    with mpl.rc_context(_STYLE):
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Title": title})
    text = buffer.getvalue()
    return text[text.index("<svg") :].replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
