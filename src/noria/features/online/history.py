"""Filling a view that comes later: its rows of history and of the spool, in the order in which they became known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter

import pyarrow as pa
import pyarrow.compute as pc

from noria.core.clock import Micros
from noria.data.model import INGESTED_AT
from noria.features.model import ViewSpec
from noria.features.online.batches import Known
from noria.features.online.joins import Joiner, joined_view
from noria.features.online.ledger import NEVER
from noria.features.online.view_states import ViewStates
from noria.features.windows import lookback
from noria.stores.online_memory import MemoryOnlineStore


def fill(states: ViewStates, sources: Mapping[str, pa.Table], later: Mapping[str, Sequence[Known]]) -> list[Known]:
    """Fill a view from tables of its sources, then from the rows that came `later`; gives the rows of history.

    What was known by the newest row of a table comes from there alone. Joined sources are played again beside
    the rows, so that each row finds what was known when it became known.
    """
    view = states.view
    states.clear()
    own = history_of(view, sources[view.source])
    last = max((known for _, known in own), default=NEVER)
    events = [(known, 1, 0, row) for row, known in [*own, *_after(later.get(view.source, ()), last)]]
    stand_ins = []
    for number, join in enumerate(view.joins):
        beside = joined_view(join)
        stand_ins.append(ViewStates(beside, "beside", MemoryOnlineStore(), None))
        table = sources[join.source]
        theirs = history_of(beside, table, everything=True)
        cut = max((known for _, known in theirs), default=NEVER)
        both = [*theirs, *_after(later.get(join.source, ()), cut)]
        events += [(known, 0, number, row) for row, known in both]  # known together: the joined row was there
    joiner = Joiner(view.joins, stand_ins) if view.joins else None
    events.sort(key=itemgetter(0, 1))
    for known, mine, number, row in events:
        if mine:
            states.take_in([(row, known)], joiner)
        else:
            stand_ins[number].take_in([(row, known)])
    states.history = last
    return own


def history_of(view: ViewSpec, table: pa.Table, *, everything: bool = False) -> list[Known]:
    """The rows of a source that a question after all of them can still depend on, in the order of knowing.

    With `everything` also older ones, which a row of another source may have found.
    """
    if not table.num_rows:
        return []
    used = {*view.entities, view.event_time, *(column.name for column in view.columns)}
    known = table[INGESTED_AT if INGESTED_AT in table.column_names else view.event_time]
    table = table.select(sorted(used & set(table.column_names))).append_column("noria_known", known)
    if not everything:
        earliest: Micros = pc.max(table[view.event_time]).as_py() - lookback([view])
        table = table.filter(pc.greater_equal(table[view.event_time], earliest))
    table = table.sort_by([("noria_known", "ascending"), (view.event_time, "ascending")])
    missing = dict.fromkeys(used - set(table.column_names))
    rows = table.to_pylist()
    learnt = [row.pop("noria_known") for row in rows]
    return [(row | missing, known) for row, known in zip(rows, learnt, strict=True)]


def _after(rows: Iterable[Known], moment: Micros) -> list[Known]:
    return [(row, known) for row, known in rows if known > moment]
