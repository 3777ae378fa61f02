"""The views that one process keeps, each with its states, by their names and by their sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from noria.core.digest import digest
from noria.core.errors import NotFound
from noria.features.model import ViewSpec
from noria.features.online.batches import Known
from noria.features.online.intake import Intake
from noria.features.online.joins import joined_view, joiner, past_of
from noria.features.online.ledger import Kept, Ledger
from noria.features.online.view_states import ViewStates
from noria.stores.online import OnlineStore


class Names:
    """The digests of views, each computed once for an object (which is kept, so that its id stays its own)."""

    def __init__(self) -> None:
        self._named: dict[int, tuple[ViewSpec, str]] = {}

    def of(self, view: ViewSpec) -> str:
        """The digest of a view."""
        found = self._named.get(id(view))
        if found is None:
            found = self._named[id(view)] = (view, digest(view))
        return found[1]


class KeptViews:
    """Views whose states are in `store`, as `ledger` says; `write` writes down what has changed."""

    def __init__(self, store: OnlineStore, ledger: Ledger, names: Names, write: Callable[[], None]) -> None:
        self._store, self._ledger, self._names, self._write = store, ledger, names, write
        self._views: dict[str, ViewStates] = {}
        self._by_source: dict[str, list[ViewStates]] = {}
        self.intakes: dict[str, Intake] = {}

    def __iter__(self) -> Iterator[ViewStates]:
        return iter(self._views.values())

    def __contains__(self, view: ViewSpec) -> bool:
        return self._names.of(view) in self._views

    def add(self, views: Sequence[ViewSpec]) -> None:
        """Keep these views too, and what they join, before them. One that is kept already changes nothing."""
        for view in views:
            if view not in self:
                self.add([joined_view(join) for join in view.joins])
                self._add(view, self._names.of(view))

    def of(self, view: ViewSpec) -> ViewStates:
        """The states of a view. Raises NotFound."""
        states = self._views.get(self._names.of(view))
        if states is None:
            raise NotFound("view", view.name, [one.view.name for one in self], hint="add it first")
        return states

    def waiting(self) -> list[ViewStates]:
        """Views whose history has not been taken in yet."""
        return [states for states in self if states.history is None]

    def spread(self, source: str, rows: Sequence[Known]) -> None:
        """Give rows to every view of their source."""
        for states in self._by_source.get(source, ()):
            states.take_in(rows)
        if source in self.intakes:
            self._ledger.note(source, self.intakes[source].newest(rows))

    def changes(self) -> dict[bytes, bytes | None]:
        """Every state that changed, as it is stored; the ledger knows then what the states contain."""
        entries: dict[bytes, bytes | None] = {}
        for states in self:
            view = states.view
            self._ledger.views[states.name] = Kept(self._ledger.record, states.history, states.fresh, view.sources)
            entries.update(states.changes())
        return entries

    def written(self) -> None:
        """The changes are in the store now."""
        for states in self:
            states.written()

    def _add(self, view: ViewSpec, name: str) -> None:
        complete = all(self._ledger.complete(name, source) for source in view.sources)
        kept = self._ledger.views[name] if complete else None
        states = ViewStates(view, name, self._store, kept, joiner=joiner(view.joins, self.of), past=past_of(view))
        if not complete:
            if self._ledger.views.pop(name, None):
                self._write()  # first the account, then the states: a crash in between leaves no false claim
            states.clear()
        self._views[name] = states
        of_source = self._by_source.setdefault(view.source, [])
        of_source.append(states)
        self.intakes[view.source] = Intake(view.source, [one.view for one in of_source])
