"""The events of entities that have been taken in, an hour a page, for views whose rows have keys.

Reading features never touches them: they tell a copy of an event that has counted already, and give back what
is left of a tile when one of its rows is taken back (nothing is ever subtracted). Pages that no question can
reach any more are removed.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from typing import Any

from noria.core.clock import Micros
from noria.features.aggregates.partial import Told
from noria.features.online.packing import packed, unpacked
from noria.stores.online import OnlineStore

PAGE: Micros = 3_600_000_000
_CACHED = 20_000


class Page:
    """The events of one entity and hour: `keyed` by instant and key, None for one that was taken back; `plain` ones.

    An event is [moment of knowing, values]; without values where nothing is ever taken back.
    """

    __slots__ = ("keyed", "plain")

    def __init__(self, keyed: dict[Micros, dict[Any, Any]], plain: dict[Micros, list[Any]]) -> None:
        self.keyed, self.plain = keyed, plain


class EventPages:
    """Pages under `prefix` of `store`, whose events have the values of `columns`."""

    def __init__(self, store: OnlineStore, prefix: bytes, columns: tuple[str, ...]) -> None:
        self._store, self._prefix, self._columns = store, prefix, columns
        self._pages: dict[tuple[bytes, Micros], Page] = {}
        self._starts: dict[bytes, list[Micros]] = {}
        self._changed: set[tuple[bytes, Micros]] = set()
        self._moved: set[bytes] = set()
        self._gone: set[tuple[bytes, Micros]] = set()

    def fetch(self, events: Sequence[tuple[bytes, Micros]]) -> None:
        """Load the pages of entities' events that happened at given moments, in one go."""
        entities = [one for one in dict.fromkeys(entity for entity, _ in events) if one not in self._starts]
        if entities:
            found = self._store.get_many([self._index(one) for one in entities])
            self._starts |= {
                one: unpacked(stored) if stored else [] for one, stored in zip(entities, found, strict=True)
            }
        pages = {(entity, at - at % PAGE) for entity, at in events}
        wanted = [one for one in sorted(pages - self._pages.keys()) if one[1] in self._starts[one[0]]]
        if wanted:
            kept = self._store.get_many([self._key(*one) for one in wanted])
            self._pages |= {one: Page(*unpacked(stored)) for one, stored in zip(wanted, kept, strict=True) if stored}

    def knows(self, entity: bytes, at: Micros, key: Any) -> bool:
        """Whether an event is here, or was taken back."""
        page = self._page(entity, at - at % PAGE)
        return page is not None and key in page.keyed.get(at, ())

    def keep(self, entity: bytes, told: Told) -> None:
        """Add an event that is not known."""
        page = self._changing(entity, told.at - told.at % PAGE)
        event = [told.known, [told.row[column] for column in self._columns]]
        if told.key is None:
            page.plain.setdefault(told.at, []).append(event)
        else:
            page.keyed.setdefault(told.at, {})[told.key] = event

    def take_back(self, entity: bytes, at: Micros, key: Any) -> bool:
        """Mark an event as taken back, also one that is still to come; whether it counted until now."""
        events = self._changing(entity, at - at % PAGE).keyed.setdefault(at, {})
        counted = events.get(key) is not None
        events[key] = None
        return counted

    def rows(self, entity: bytes, start: Micros, end: Micros) -> Iterator[Told]:
        """Every event that counts from `start` to before `end`."""
        starts = self._of(entity)
        first = bisect_left(starts, start - start % PAGE)
        for page in starts[first : bisect_left(starts, end)]:
            yield from (told for told in self._told(entity, page) if start <= told.at < end)

    def back(self, entity: bytes) -> Iterator[list[Told]]:
        """Every event that counts, page by page, the newest page first."""
        for start in reversed(self._of(entity)):
            yield list(self._told(entity, start))

    def forget(self, entity: bytes, oldest: Micros) -> None:
        """Remove the pages that end by `oldest`."""
        starts = self._of(entity)
        while starts and starts[0] + PAGE <= oldest:
            gone = entity, starts.pop(0)
            self._pages.pop(gone, None)
            self._changed.discard(gone)
            self._gone.add(gone)
            self._moved.add(entity)

    def changes(self) -> dict[bytes, bytes | None]:
        """What has changed since it was written last, as it is stored."""
        entries: dict[bytes, bytes | None] = {self._key(*one): None for one in self._gone}
        for one in self._changed:
            page = self._pages[one]
            entries[self._key(*one)] = packed([page.keyed, page.plain])
        for entity in self._moved:
            starts = self._starts[entity]
            entries[self._index(entity)] = packed(starts) if starts else None
        return entries

    def written(self) -> None:
        """The changes are in the store now."""
        self._changed.clear()
        self._moved.clear()
        self._gone.clear()
        if len(self._pages) > _CACHED:
            self._pages.clear()
            self._starts.clear()

    def clear(self) -> None:
        """Forget everything; what is in the store is cleared by its prefix."""
        for kept in (self._pages, self._starts, self._changed, self._moved, self._gone):
            kept.clear()

    def _told(self, entity: bytes, start: Micros) -> Iterator[Told]:
        page = self._page(entity, start)
        if page is None:
            return
        names = self._columns
        for at, events in page.keyed.items():
            for key, event in events.items():
                if event is not None:
                    yield Told(at, event[0], key, dict(zip(names, event[1], strict=True)))
        for at, plain in page.plain.items():
            for known, values in plain:
                yield Told(at, known, None, dict(zip(names, values, strict=True)))

    def _changing(self, entity: bytes, start: Micros) -> Page:
        page = self._page(entity, start)
        if page is None:
            page = self._pages[entity, start] = Page({}, {})
            insort(self._of(entity), start)
            self._moved.add(entity)
            self._gone.discard((entity, start))
        self._changed.add((entity, start))
        return page

    def _page(self, entity: bytes, start: Micros) -> Page | None:
        page = self._pages.get((entity, start))
        if page is None:
            starts = self._of(entity)
            place = bisect_left(starts, start)
            if place < len(starts) and starts[place] == start:
                (stored,) = self._store.get_many([self._key(entity, start)])
                page = self._pages[entity, start] = Page(*unpacked(stored)) if stored else Page({}, {})
        return page

    def _of(self, entity: bytes) -> list[Micros]:
        """Where the pages of an entity begin, in order."""
        starts = self._starts.get(entity)
        if starts is None:
            (stored,) = self._store.get_many([self._index(entity)])
            starts = self._starts[entity] = unpacked(stored) if stored else []
        return starts

    def _index(self, entity: bytes) -> bytes:
        return self._prefix + b"i" + entity

    def _key(self, entity: bytes, start: Micros) -> bytes:
        return self._prefix + b"p" + entity + (start + 2**63).to_bytes(8, "big")
