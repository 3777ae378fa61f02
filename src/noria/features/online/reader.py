"""Reading features that another process keeps: for servers that answer from a shared store and take no events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from noria.core.clock import Micros
from noria.core.errors import NotFound
from noria.features.model import ViewSpec
from noria.features.online.kept_views import Names
from noria.features.online.ledger import Ledger
from noria.features.online.view_states import Entity, Reading, ViewStates
from noria.stores.online import OnlineStore


class FeatureReader:
    """The features of `views` in `store`, as the process that keeps them wrote them last.

    Writes nothing. A read is one question to the store for all its entities, and sees one moment of it.
    """

    def __init__(self, views: Sequence[ViewSpec], store: OnlineStore) -> None:
        self._store = store
        self._names = Names()
        self._views = {self._names.of(view): view for view in views}
        self.refresh()

    def read_many(self, view: ViewSpec, entities: Sequence[Entity], at: Micros) -> list[Reading]:
        """The features of entities at `at`, in their order, and how fresh they were when the account was read.

        Raises NotFound for a view that nobody keeps there, or that waits for its history.
        """
        name = self._names.of(view)
        if name not in self._states or self._states[name].history is None:
            self._views[name] = view
            self.refresh()
        states = self._states[name]
        if states.history is None:
            filled = [one.view.name for one in self._states.values() if one.history is not None]
            raise NotFound("view", view.name, filled, hint="start the process that keeps it, and let it fill")
        states.forget()
        states.fetch(entities)
        return [states.reading(entity, at) for entity in entities]

    def lookup(self, view: ViewSpec, entity: Entity, at: Micros) -> dict[str, Any]:
        """The features of one entity, by name."""
        (found,) = self.read_many(view, [entity], at)
        return found.values

    def refresh(self) -> None:
        """Read the account again: how fresh views are, and which of them are filled."""
        kept = Ledger.read(self._store).views
        self._states = {name: ViewStates(view, name, self._store, kept.get(name)) for name, view in self._views.items()}

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()
