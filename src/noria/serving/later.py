"""How rows are answered when a version must be waited for: inputs first, all versions at once, then records."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from noria.serving.inputs import Inputs, finite, read_inputs
from noria.serving.lineup import Lineup
from noria.serving.metrics import Metrics
from noria.serving.scoring import score_later

_log = logging.getLogger(__name__)
Both = tuple[Inputs, float, Inputs | None, float | None]
"""What the champion saw and answered, and the challenger; None where there is none or it failed."""


async def score_both(
    lineup: Lineup, rows: Sequence[Mapping[str, Any]], now: int, priority: int, metrics: Metrics
) -> list[Both]:
    """The outputs of every version for every row. Raises what the champion raises; a challenger hurts nobody."""
    if lineup.champion.graph is not None:
        ask = partial(score_both, metrics=metrics)
        return await lineup.champion.graph.answer(lineup.champion, rows, now, priority, ask)
    seen = [read_inputs(lineup.champion, row, now) for row in rows]
    if lineup.challenger is None:  # as nearly always: two tasks less
        alone = await score_later(lineup.champion, [one.features for one in seen], priority)
        return [(mine, finite(lineup.champion, output), None, None) for mine, output in zip(seen, alone, strict=True)]
    other = list[Inputs | None](seen)
    if not lineup.same_inputs:
        other = challengers_inputs(lineup, ((now, row) for row in rows), metrics)
    first = asyncio.ensure_future(score_later(lineup.champion, [one.features for one in seen], priority))
    second = asyncio.ensure_future(_challenge(lineup, other, priority, metrics))
    try:
        outputs = [finite(lineup.champion, output) for output in await first]
        challenged = await second
    finally:
        for task in (first, second):
            task.cancel()
    return [
        (mine, output, theirs if answer is not None else None, answer)
        for mine, output, theirs, answer in zip(seen, outputs, other, challenged, strict=True)
    ]


def challengers_inputs(
    lineup: Lineup, rows: Iterable[tuple[int, Mapping[str, Any]]], metrics: Metrics
) -> list[Inputs | None]:
    """Rows, each with the moment whose features are used, as the challenger sees them; None where there is none."""
    found: list[Inputs | None] = []
    for now, row in rows:
        try:
            found.append(None if lineup.challenger is None else read_inputs(lineup.challenger, row, now))
        except Exception as error:
            challenger_failed(lineup, error, metrics)
            found.append(None)
    return found


async def _challenge(
    lineup: Lineup, inputs: Sequence[Inputs | None], priority: int, metrics: Metrics
) -> list[float | None]:
    asked = [one.features for one in inputs if one is not None]
    if lineup.challenger is None or not asked:
        return [None] * len(inputs)
    try:
        outputs = iter(await score_later(lineup.challenger, asked, priority))
    except Exception as error:
        challenger_failed(lineup, error, metrics)
        return [None] * len(inputs)
    found = [None if one is None else next(outputs) for one in inputs]
    return [None if one is None or not math.isfinite(one) else one for one in found]


def challenger_failed(lineup: Lineup, error: Exception, metrics: Metrics) -> None:
    """Count it and say so; nobody's answer suffers."""
    metrics.failed("challenger")
    number = lineup.challenger.number if lineup.challenger else None
    _log.warning("challenger %s of %s failed: %s", number, lineup.routing.model, error)
