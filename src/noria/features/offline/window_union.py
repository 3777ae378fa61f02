"""Plan 2: requests stand among the rows of their entity in order of time, and a window function looks back.

Rows that were known when they happened are seen by frames; the few that were late, or taken back, are joined
one by one. A row stands before a request of the same moment or behind it: a frame's ends are moments, not rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from noria.features.offline.bundles import Bundle, code_column
from noria.features.offline.range_join import piece
from noria.features.offline.task import Ground, Task, start

_ON_TIME = "noria_gone IS NULL AND noria_seen = noria_at"


def window_union(ground: Ground, tasks: Sequence[Task]) -> None:
    """Do the tasks."""
    for task in tasks:
        pieces = [_framed(ground, task)]
        if ground.events.late or ground.events.undone:
            pieces.append(piece(ground, task, f"(SELECT * FROM {ground.events.table} WHERE NOT ({_ON_TIME}))"))
        ground.merge(task, *pieces)


def _framed(ground: Ground, task: Task) -> str:
    span, nearest = task.span, task.span.offset + 1
    far = "0" if span.lifetime else f"noria_t - {start(span)}"
    union = (
        f"SELECT * EXCLUDE (noria_seen, noria_gone), NULL::BIGINT AS noria_row, {nearest}::BIGINT AS far "
        f"FROM {ground.events.table} WHERE {_ON_TIME} UNION ALL BY NAME "
        f"SELECT noria_row, {ground.entity}, noria_t AS noria_at, {far} AS far FROM {ground.asked}"
    )
    begins = "UNBOUNDED" if span.lifetime else "far"
    over = (
        f" OVER (PARTITION BY {ground.entity} ORDER BY noria_at "
        f"RANGE BETWEEN {begins} PRECEDING AND {nearest} PRECEDING)"
    )
    framed = f"SELECT noria_row, {_lift(task.bundle, over)} FROM ({union})"
    kept = f"SELECT * FROM ({framed}) WHERE noria_row IS NOT NULL"
    sketch = task.bundle.sketch
    if sketch is None:
        return kept
    if sketch.kind == "buckets":
        return f"SELECT noria_row, unnest(codes) AS k, 1 AS n FROM ({kept})"
    codes = f"SELECT noria_row, unnest(codes) AS code FROM ({kept})"
    return f"SELECT noria_row, code >> 6 AS k, code & 63 AS n FROM ({codes})"


def _lift(bundle: Bundle, over: str) -> str:
    rows = "noria_row IS NULL"
    if bundle.sketch is None:
        return bundle.lift(inside=rows, over=over)
    return f"list({code_column(bundle.sketch)}) FILTER (WHERE {rows} AND {bundle.needs}){over} AS codes"
