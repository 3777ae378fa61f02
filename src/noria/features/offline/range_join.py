"""Plan 1: every request meets every row of its entity in reach. Best while entities have few rows in a window.

All windows share one join; which rows are in which window is asked of each pair.
"""

from __future__ import annotations

from collections.abc import Sequence

from noria.features.offline.made import listed
from noria.features.offline.task import VISIBLE, Ground, Task, inside
from noria.features.windows import Span


def range_join(ground: Ground, tasks: Sequence[Task]) -> None:
    """Do the tasks."""
    plain = [task for task in tasks if task.bundle.sketch is None]
    if plain:
        _together(ground, plain)
    for task in tasks:
        if task.bundle.sketch is not None:
            ground.run(f"CREATE OR REPLACE TEMP TABLE {task.table} AS {piece(ground, task, ground.events.table)}")


def piece(ground: Ground, task: Task, events: str) -> str:
    """The query of a task's partials by request, over the rows of `events`."""
    return (
        f"SELECT noria_row, {task.bundle.lift()} FROM {ground.asked} a JOIN {events} e ON {ground.by_entity} "
        f"AND {inside(task.span)} AND {VISIBLE} WHERE {task.bundle.needs} GROUP BY ALL"
    )


def _together(ground: Ground, tasks: Sequence[Task]) -> None:
    lifts = listed(
        task.bundle.lift(inside=inside(task.span), prefix=f"w{number}_") for number, task in enumerate(tasks)
    )
    spans = [task.span for task in tasks]
    ground.run(
        f"CREATE OR REPLACE TEMP TABLE ranged AS SELECT noria_row, {lifts} FROM {ground.asked} a "
        f"JOIN {ground.events.table} e ON {ground.by_entity} AND {inside(_around(spans))} AND {VISIBLE} "
        "GROUP BY noria_row"
    )
    for number, task in enumerate(tasks):
        names = zip(task.bundle.columns(f"w{number}_"), task.bundle.columns(), strict=True)
        chosen = listed(f"{given} AS {name}" for given, name in names)
        ground.run(f"CREATE OR REPLACE TEMP TABLE {task.table} AS SELECT noria_row, {chosen} FROM ranged")


def _around(spans: Sequence[Span]) -> Span:
    """A window that covers all of these."""
    if len(spans) == 1:
        return spans[0]
    return Span(max(span.reach for span in spans), 1, 0) if len(set(spans)) > 1 else spans[0]
