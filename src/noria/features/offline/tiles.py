"""Plan 3: rows are rolled up into cells, which requests share. Best for entities with many rows.

A cell is an entity's rows of one tile of time in which they happened and one in which they became known. A
request takes, merged, the cells of tiles that lie wholly in its window and were known before the tile that the
request itself lies in; requests of one entity and tile share them. Beside them it takes, one by one, the rows
at the edges: those that became known in the request's own tile, and of the others those that happened in
the tiles that the window's ends cut. Late rows need no path of their own; rows that were taken back are
joined one by one. Tiles may be of any length, whatever the window's hop (`costs` chooses).
"""

from __future__ import annotations

from collections.abc import Sequence

from noria.core.clock import Micros
from noria.features.offline.made import both, entities
from noria.features.offline.range_join import piece
from noria.features.offline.task import Ground, Task, start
from noria.features.sql import floored


def tiles(ground: Ground, tasks: Sequence[tuple[Task, Micros]]) -> None:
    """Do the tasks, each with tiles of its length."""
    for task, tile in tasks:
        _bounded(ground, task, tile)
        _bodies(ground, task, tile)
        pieces = [_body(ground, task), *_edges(ground, task, tile)]
        if ground.events.undone:
            pieces.append(piece(ground, task, f"(SELECT * FROM {ground.events.table} WHERE noria_gone IS NOT NULL)"))
        ground.merge(task, *pieces)


def _bounded(ground: Ground, task: Task, tile: Micros) -> None:
    """Requests with their window (lo, hi exclusive), whole tiles (first, beyond) and own tile."""
    span = task.span
    lo = "NULL::BIGINT" if span.lifetime else start(span)
    first = floored(f"lo + {tile - 1}", tile)
    asked = f"SELECT *, {lo} AS lo, noria_t - {span.offset} AS hi FROM {ground.asked}"
    ground.run(
        f"CREATE OR REPLACE TEMP TABLE bounded AS SELECT *, {first} AS first, {floored('hi', tile)} AS beyond, "
        f"{floored('noria_t', tile)} AS own FROM ({asked})"
    )


def _bodies(ground: Ground, task: Task, tile: Micros) -> None:
    """Merged cells by entity, whole tiles and own tile."""
    bundle, happened, learnt = task.bundle, floored("noria_at", tile), floored("noria_seen", tile)
    ground.run(
        f"CREATE OR REPLACE TEMP TABLE cells AS SELECT {ground.entity}, {happened} AS tile, {learnt} AS learnt, "
        f"{bundle.lift()} FROM {ground.events.table} WHERE noria_gone IS NULL AND {bundle.needs} GROUP BY ALL"
    )
    distinct = f"SELECT DISTINCT {ground.entity}, first, beyond, own FROM bounded"
    by_entity = both([f"r.{name} = c.{name}" for name in entities(ground.events.entities)])
    if task.span.lifetime:
        ranges, met = f"({distinct})", "c.tile < r.beyond"
    else:
        ranges, met = f"(SELECT *, unnest(range(first, beyond, {tile})) AS tile FROM ({distinct}))", "c.tile = r.tile"
    named = ", ".join(f"r.{name}" for name in [*entities(ground.events.entities), "first", "beyond", "own"])
    ground.run(
        f"CREATE OR REPLACE TEMP TABLE bodies AS SELECT {named}, {bundle.merge()} FROM {ranges} r "
        f"JOIN cells c ON {by_entity} AND {met} AND c.learnt < r.own GROUP BY ALL"
    )


def _body(ground: Ground, task: Task) -> str:
    same = "IS NOT DISTINCT FROM" if task.span.lifetime else "="
    return (
        f"SELECT noria_row, {', '.join(f'b.{name}' for name in task.bundle.columns())} FROM bounded a JOIN bodies b "
        f"ON {both([f'a.{name} = b.{name}' for name in entities(ground.events.entities)])} "
        f"AND a.first {same} b.first AND a.beyond = b.beyond AND a.own = b.own"
    )


def _edges(ground: Ground, task: Task, tile: Micros) -> list[str]:
    """The rows that no whole tile holds: known in the own tile, or in a tile that an end of the window cuts."""
    span, bundle = task.span, task.bundle
    happened, learnt = floored("noria_at", tile), floored("noria_seen", tile)
    rows = f"(SELECT *, {happened} AS tile, {learnt} AS learnt FROM {ground.events.table} WHERE noria_gone IS NULL)"
    begun = "TRUE" if span.lifetime else "e.noria_at >= a.lo"
    inside = f"{begun} AND e.noria_at < a.hi AND e.noria_seen <= a.noria_t"
    cuts = ["a.own = e.learnt"]
    if span.offset:
        cuts.append("a.beyond = e.tile AND e.learnt < a.own")
    if not span.lifetime and span.hop % tile:
        # the first tile is cut; when both ends lie in it, an offset's edge (or the own tile) has it already
        apart = "AND a.first - {tile} < a.beyond" if span.offset else ""
        cuts.append(f"a.first - {tile} = e.tile AND a.first > a.lo AND e.learnt < a.own {apart.format(tile=tile)}")
    return [
        f"SELECT noria_row, {bundle.lift()} FROM bounded a JOIN {rows} e ON {ground.by_entity} AND {cut} "
        f"AND {inside} WHERE {bundle.needs} GROUP BY ALL"
        for cut in cuts
    ]
