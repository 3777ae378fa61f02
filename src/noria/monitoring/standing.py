"""From single measurements to a state: one bad window is watched, several in a row are an alarm."""

from __future__ import annotations

from dataclasses import dataclass, replace

from noria.core.clock import Micros
from noria.monitoring.model import MonitorState


@dataclass(frozen=True)
class Standing:
    """How a monitor stands after its latest evaluation.

    `streak` counts evaluations beyond the threshold in a row, the newest counted at `counted`; `alarmed` stays
    true through blind windows, so that the end of an alarm is told once, when it is seen to have ended.
    """

    version: int
    state: MonitorState = MonitorState.OK
    alarmed: bool = False
    streak: int = 0
    counted: Micros = 0
    at: Micros = 0


def advanced(before: Standing, beyond: bool | None, at: Micros, *, persistence: int, period: int) -> Standing:
    """The standing after an evaluation; `beyond` None means that nothing could be measured.

    Evaluations closer together than `period` see nearly the same window, so they count once.

    >>> calm = Standing(version=1)
    >>> once = advanced(calm, True, 10, persistence=2, period=5)
    >>> again = advanced(once, True, 12, persistence=2, period=5)
    >>> later = advanced(again, True, 15, persistence=2, period=5)
    >>> once.state.value, again.state.value, later.state.value
    ('watch', 'watch', 'alarm')
    """
    if at < before.at:
        return before
    if beyond is None:
        return replace(before, state=MonitorState.BLIND, at=at)
    if not beyond:
        return Standing(before.version, at=at)
    counts = before.streak == 0 or at - before.counted >= period
    streak = before.streak + counts
    alarmed = before.alarmed or streak >= persistence
    return replace(
        before,
        state=MonitorState.ALARM if alarmed else MonitorState.WATCH,
        alarmed=alarmed,
        streak=streak,
        counted=at if counts else before.counted,
        at=at,
    )
