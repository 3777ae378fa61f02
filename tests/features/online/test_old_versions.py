"""An old version of a view is kept online beside the new one while somebody reads it, and dropped when nobody does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sensors import DAY, EVERY_KIND, HOUR, reading

from noria.core.digest import digest
from noria.features.model import ViewSpec
from noria.features.online.features import OnlineFeatures
from noria.features.online.view_states import prefix_of
from noria.stores.online_lmdb import LmdbOnlineStore

AT = 100 * DAY
OLD = EVERY_KIND
NEW = replace(EVERY_KIND, features=tuple(replace(one, name=f"new_{one.name}") for one in EVERY_KIND.features))


@contextmanager
def serving(folder: Path, views: Sequence[ViewSpec]) -> Iterator[OnlineFeatures]:
    """The features of the models that are loaded, from start to stop of a data plane."""
    online = OnlineFeatures(views, LmdbOnlineStore(folder / "store"), folder / "spool")
    yield online
    online.close()


def keys(folder: Path, view: ViewSpec) -> int:
    """How many keys of a view the stopped store holds."""
    store = LmdbOnlineStore(folder / "store")
    found = sum(1 for _ in store.keys(prefix_of(digest(view))))
    store.close()
    return found


def test_both_versions_answer_while_both_are_read(tmp_path: Path) -> None:
    with serving(tmp_path, [OLD]) as online:
        online.ingest("Reading", [reading("a", AT, heat=3.0)])
        online.add_views([NEW])  # and a model with the new definition is swapped in
        online.ingest("Reading", [reading("a", AT + HOUR, heat=5.0)])
        assert online.lookup(OLD, ("a",), AT + 2 * HOUR)["heat"] == 5.0
        assert online.lookup(NEW, ("a",), AT + 2 * HOUR)["new_heat"] == 5.0


def test_one_that_missed_nothing_may_come_back(tmp_path: Path) -> None:
    with serving(tmp_path, [OLD, NEW]) as online:
        online.backfill({})
        online.ingest("Reading", [reading("a", AT, heat=3.0)])
    with serving(tmp_path, [NEW]):
        pass
    assert keys(tmp_path, OLD) > 0
    with serving(tmp_path, [OLD, NEW]) as online:
        assert online.lookup(OLD, ("a",), AT + 1)["heat"] == 3.0, "a rollback needs no backfill"


def test_one_that_nobody_reads_goes_once_events_have_passed_it_by(tmp_path: Path) -> None:
    with serving(tmp_path, [OLD, NEW]) as online:
        online.ingest("Reading", [reading("a", AT, heat=3.0)])
    with serving(tmp_path, [NEW]) as online:
        online.ingest("Reading", [reading("a", AT + HOUR, heat=5.0)])
    with serving(tmp_path, [NEW]) as online:
        assert online.lookup(NEW, ("a",), AT + 2 * HOUR)["new_heat"] == 5.0

    assert keys(tmp_path, OLD) == 0 and keys(tmp_path, NEW) > 0
    with serving(tmp_path, [OLD, NEW]) as online:
        assert online.lookup(OLD, ("a",), AT + 2 * HOUR)["heat"] is None, "it would be backfilled like a new one"
