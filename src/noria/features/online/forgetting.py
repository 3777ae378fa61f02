"""Letting go of what a store keeps of views that nobody reads any more."""

from __future__ import annotations

from collections.abc import Collection

from noria.features.online.ledger import Ledger
from noria.features.online.view_states import prefix_of
from noria.stores.online import OnlineStore


def forget_outlived(store: OnlineStore, ledger: Ledger, kept: Collection[str]) -> None:
    """Drop the states of views (named by digest) that are not `kept` and have missed events; the ledger follows.

    They can answer nobody: were such a view added again, it would begin anew. One that missed nothing stays, for
    it may come back. The states go first: without their account nobody would find them any more.
    """
    for name in ledger.outlived(kept):
        store.clear(prefix_of(name))
        del ledger.views[name]
