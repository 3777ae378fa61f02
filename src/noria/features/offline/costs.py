"""Which plan, and how long its tiles: the cheapest by estimated row visits, from four counts.

The counts are cheap: how many rows and requests there are of each entity, and over how long the rows are
spread. Rows are taken to be spread evenly; a wrong guess costs time, never a wrong value. The weights were
measured (benchmarks/features.py): a million rows and 100,000 requests, three windows of three aggregates, took
1.2, 4.6 and 1.7 s of CPU by pairs, frames and tiles with 10,000 entities; 5.3, 5.8 and 1.5 with 1,000; with 100
by frames 13.8 and by tiles 1.5. Tiles of the right length are seldom beaten, by pairs when entities have few rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import Literal

from noria.core.clock import Micros
from noria.features.offline.made import entities, listed
from noria.features.offline.task import Ground
from noria.features.windows import DAY, Span

Plan = Literal["range", "window", "tiles"]
TILES: tuple[Micros, ...] = (
    DAY, 6 * 3_600_000_000, 3_600_000_000, 900_000_000, 300_000_000, 60_000_000, 10_000_000, 1_000_000
)  # fmt: skip
_PAIR, _FRAME, _CELL, _ROW = 1.0, 0.6, 1.5, 2.0
"""A row met by a request; a row in a frame, by doubling of rows; a cell met by a body; a row rolled up."""


@dataclass(frozen=True)
class Counts:
    """Rows and requests, entities asked about, pairs of a request and a row of its entity, microseconds of rows."""

    rows: int
    asked: int
    entities: int
    pairs: float
    spread: Micros


@dataclass(frozen=True)
class Choice:
    """A plan with its estimated cost; `tile` for the plan of tiles."""

    plan: Plan
    cost: float
    tile: Micros = 0


def counted(ground: Ground) -> Counts:
    """The counts of requests and rows."""
    columns = listed(entities(ground.events.entities))
    found = ground.connection.execute(
        f"SELECT count(*), coalesce(sum(n), 0), coalesce(sum(n::DOUBLE * m), 0) FROM "
        f"(SELECT {columns}, count(*) AS n FROM {ground.asked} GROUP BY ALL) JOIN "
        f"(SELECT {columns}, count(*) AS m FROM {ground.events.table} GROUP BY ALL) USING ({columns})"
    ).fetchone()
    assert found is not None
    events = ground.events
    return Counts(events.rows, int(found[1]), found[0], float(found[2]), max(1, events.last - events.first))


def choose(span: Span, counts: Counts, *, simple: bool) -> Choice:
    """The cheapest plan for a window; one whose partials grow with the rows (not `simple`) is never framed."""
    choices = [Choice("range", _PAIR * _met(span.length + span.hop, counts))]
    if simple:
        together = counts.rows + counts.asked
        choices.append(Choice("window", _FRAME * together * log2(together + 2)))
    choices += [Choice("tiles", _tiled(span, counts, tile), tile) for tile in TILES]
    return min(choices, key=lambda choice: choice.cost)


def tile_of(span: Span, counts: Counts) -> Micros:
    """The best length of tiles for a window."""
    return min(TILES, key=lambda tile: _tiled(span, counts, tile))


def _met(length: Micros, counts: Counts) -> float:
    """Pairs of a request and a row of its entity within a length of time."""
    return counts.pairs * min(1.0, length / counts.spread)


def _tiled(span: Span, counts: Counts, tile: Micros) -> float:
    several = counts.spread / tile + 1
    bodies = min(counts.asked, counts.entities * several)
    cells = min(several, counts.rows / max(1, counts.entities)) / 2 if span.lifetime else span.length / tile
    cuts = 0.5 + (1.0 if span.offset else 0.0) + (0.5 if span.hop % tile and not span.lifetime else 0.0)
    return _ROW * counts.rows + _CELL * bodies * cells + _PAIR * cuts * _met(tile, counts)
