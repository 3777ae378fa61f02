"""What is kept online of one entity under one view: tiles, the newest instant's rows apart, the newest values.

A window ends before the moment asked about, so rows of that very moment must not count. The rows of the
newest instant are therefore kept beside the tiles and folded in only when a later row comes; a question at
exactly that instant leaves them out. A window that ends earlier than now (`offset`) may end anywhere within a
tile that newer rows have filled already: its tiles keep beside their sum what each instant adds, until no
question can end in them any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from noria.core.clock import Micros
from noria.features.aggregates.partial import Told
from noria.features.aggregates.slots import column_types, layout, lifter, lowerer, merger
from noria.features.model import FOREVER, FeatureSpec, ViewSpec
from noria.features.online.newest import Newest
from noria.features.online.tiles import Groups, Partial, Tier, merge_at
from noria.features.windows import Span, span_of


class State:
    """The state of one entity.

    `newest`: the newest instant of any row; `pending`: the partial of its rows; `tiles`: for each tier its
    groups of tiles (without the pending rows where nothing is offset); `instants`: for each tier, by the tile's
    start, the partials of single instants; `latest`: for each group of newest values what is known.
    """

    __slots__ = ("instants", "latest", "newest", "pending", "tiles")

    def __init__(self, tiers: int, groups: int) -> None:
        self.newest: Micros | None = None
        self.pending: Partial | None = None
        self.tiles: list[Groups] = [{} for _ in range(tiers)]
        self.instants: list[dict[Micros, dict[Micros, Partial]]] = [{} for _ in range(tiers)]
        self.latest: list[Any] = [None] * groups


class Keeper:
    """Knows how one view's states take rows in, and what they answer.

    `rebuilt`: rows may be taken back. A lifetime then has a tile a day (else one for ever), so that only that
    day's rows are wanted again. `past`: how many former newest values are remembered, for rows of other sources.
    """

    def __init__(self, view: ViewSpec, *, rebuilt: bool, past: int = 0) -> None:
        slots, types = layout(view), column_types(view)
        self._lift, self._merge = lifter(slots), merger(slots)
        spans: dict[Span, list[FeatureSpec]] = {}
        for feature in view.features:
            if feature.windowed:
                spans.setdefault(span_of(feature), []).append(feature)
        self._tiers = _tiers(spans, rebuilt, self._merge)
        places = {(tier.hop, tier.offset): tier for tier in self._tiers}
        self._windows = [
            (
                places[_hop(span, rebuilt), span.offset],
                span,
                [(one.name, lowerer(one, slots, types)) for one in features],
            )
            for span, features in spans.items()
        ]
        self._plain = [tier for tier in self._tiers if not tier.offset]
        self._shifted = [tier for tier in self._tiers if tier.offset]
        self._newest = Newest.groups_of(view, rebuilt=rebuilt, past=past)
        self._nothing = {feature.name: feature.default for feature in view.features}
        self._lists = [feature.name for feature in view.features if feature.kind == "last_n"]

    def new(self) -> State:
        """The state of an entity that no row has been seen of."""
        return State(len(self._tiers), len(self._newest))

    def add(self, state: State, told: Told) -> None:
        """Take one row in, in any order."""
        for place, group in enumerate(self._newest):
            group.add(state.latest, place, told)
        at, newest = told.at, state.newest
        if newest is None or at > newest:
            state.newest = at
        if not self._tiers:
            return
        partial = self._lift(told)
        if newest is None or at > newest:
            self._fold_pending(state, newest)
            state.pending = partial
        elif at < newest:
            for tier in self._plain:
                tier.put(state.tiles[tier.place], at, partial, newest)
        elif state.pending is None:
            state.pending = partial
        else:
            self._merge(state.pending, partial)
        for tier in self._shifted:
            tier.put(state.tiles[tier.place], at, partial, state.newest or at)
            self._put_instant(state.instants[tier.place], tier, at, partial, state.newest or at)

    def answer(self, state: State | None, at: Micros) -> dict[str, Any]:
        """Every feature at `at`, in the view's order. Exact when `at` is not before any row taken in."""
        answers = self._nothing.copy()
        for name in self._lists:
            answers[name] = []
        if state is None:
            return answers
        for tier, span, features in self._windows:
            pieces = self._shifted_pieces(state, tier, span, at) if tier.offset else _pieces(state, tier, span, at)
            if pieces:
                columns = list(zip(*pieces, strict=True))
                for name, lower in features:
                    answers[name] = lower(columns)
        for group, entry in zip(self._newest, state.latest, strict=True):
            if entry is not None:
                group.answer(entry, at, answers)
        return answers

    def take_back(
        self,
        state: State,
        at: Micros,
        rows: Callable[[Micros, Micros], Iterable[Told]],
        back: Callable[[], Iterable[Sequence[Told]]],
    ) -> None:
        """A row that happened `at` counts no more.

        `rows` gives the rows that still count between two moments, `back` all of them, newest pieces first.
        """
        for place, group in enumerate(self._newest):
            group.rebuild(state.latest, place, at, back())
        if at == state.newest and self._tiers:
            state.pending = self._sum(rows(at, at + 1))
        for tier in self._tiers:
            if tier.offset or at != state.newest:
                self._rebuild(state, tier, at - at % tier.hop, rows)

    def _rebuild(
        self, state: State, tier: Tier, tile: Micros, rows: Callable[[Micros, Micros], Iterable[Told]]
    ) -> None:
        found = [one for one in rows(tile, tile + tier.hop) if tier.offset or one.at != state.newest]
        tier.replace(state.tiles[tier.place], tile, self._sum(found))
        instants = state.instants[tier.place]
        if tile in instants:
            instants[tile] = {}
            for one in found:
                merge_at(self._merge, instants[tile], one.at, self._lift(one))

    def _sum(self, rows: Iterable[Told]) -> Partial | None:
        found = None
        for one in rows:
            partial = self._lift(one)
            if found is None:
                found = partial
            else:
                self._merge(found, partial)
        return found

    def _fold_pending(self, state: State, newest: Micros | None) -> None:
        if newest is not None and state.pending is not None:
            for tier in self._plain:
                tier.put(state.tiles[tier.place], newest, state.pending, state.newest or newest)

    def _put_instant(
        self, instants: dict[Micros, dict[Micros, Partial]], tier: Tier, at: Micros, partial: Partial, newest: Micros
    ) -> None:
        tile, ended = at - at % tier.hop, newest - tier.offset - tier.hop
        if tile > ended:
            merge_at(self._merge, instants.setdefault(tile, {}), at, partial)
        while instants and (first := next(iter(instants))) <= ended:
            del instants[first]

    @staticmethod
    def _shifted_pieces(state: State, tier: Tier, span: Span, at: Micros) -> list[Partial]:
        start, end = span.start(at), span.end(at)
        within = end - end % tier.hop
        pieces = tier.pieces(state.tiles[tier.place], start, within)
        instants = state.instants[tier.place].get(within)
        if instants and within >= start:
            pieces += [piece for instant, piece in instants.items() if instant < end]
        return pieces


def _pieces(state: State, tier: Tier, span: Span, at: Micros) -> list[Partial]:
    start = span.start(at)
    pieces = tier.pieces(state.tiles[tier.place], start, 4 * FOREVER)  # nothing later is in the tiles
    if state.pending is not None and state.newest is not None and start <= state.newest < at:
        pieces.append(state.pending)
    return pieces


def _tiers(spans: Iterable[Span], rebuilt: bool, merge: Callable[[Partial, Partial], None]) -> list[Tier]:
    reach: dict[tuple[Micros, Micros], Micros] = {}
    for span in spans:
        kind = _hop(span, rebuilt), span.offset
        reach[kind] = max(span.length, reach.get(kind, 0))
    return [Tier(place, *kind, longest, merge) for place, (kind, longest) in enumerate(sorted(reach.items()))]


def _hop(span: Span, rebuilt: bool) -> Micros:
    """The width of a window's tiles: its own hop; a lifetime that nothing cuts has one tile."""
    return FOREVER if span.lifetime and not span.offset and not rebuilt else span.hop
