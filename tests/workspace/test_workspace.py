"""The workspace carries what an operation may not fetch for itself."""

from __future__ import annotations

import pytest

from noria.config.settings import settings_for
from noria.core.clock import ManualClock, SystemClock
from noria.core.errors import BadInput, Conflict, Corrupt, Unavailable
from noria.stores.journal import Fact
from noria.testing.workspace import NOON, make_workspace
from noria.workspace.workspace import open_workspace


def test_what_was_kept_is_there_when_it_is_opened_again(tmp_path):
    first = make_workspace(tmp_path)
    with first.database.transaction() as connection:
        first.journal.append(connection, Fact("RunStarted", "lateness"))
    digest = first.blobs.put(b"a model")
    online = first.online_store("features")
    online.put_many({b"JFK": b"12"})
    online.close()
    first.close()

    again = make_workspace(tmp_path)
    assert [one.kind for one in again.journal.read()] == ["RunStarted"]
    assert again.blobs.get(digest) == b"a model"
    store = again.online_store("features")
    assert store.get_many([b"JFK"]) == [b"12"]
    with pytest.raises(Conflict, match="open in this process"):
        again.online_store("features")
    other = again.online_store("other")
    assert other.get_many([b"JFK"]) == [None]
    store.close()
    other.close()
    again.close()


def test_its_online_store_may_be_on_a_redis_server(tmp_path, redis_server):
    url = f"{redis_server.url}?prefix=workspace:"
    first = open_workspace(tmp_path, settings_for(tmp_path, {"online": url}, {}))
    first.online_store("features").put_many({b"JFK": b"12"})
    first.close()
    again = open_workspace(tmp_path, settings_for(tmp_path, {}, {"NORIA_ONLINE": url}))
    assert again.online_store("features").get_many([b"JFK"]) == [b"12"]
    assert again.online_store("other").get_many([b"JFK"]) == [None]
    again.close()
    wrong = open_workspace(tmp_path, settings_for(tmp_path, {"online": "mongodb://host"}, {}))
    with pytest.raises(BadInput, match="is no place for an online store"):
        wrong.online_store("features")
    wrong.close()


def test_the_clock_is_the_one_handed_in(tmp_path):
    clock = ManualClock(NOON)
    ws = make_workspace(tmp_path, clock=clock)
    clock.advance_to(NOON + 5)
    with ws.database.transaction() as connection:
        ws.journal.append(connection, Fact("RunStarted", "lateness"))
    (entry,) = ws.journal.read()
    assert (entry.at, entry.actor) == (NOON + 5, ws.actor)
    ws.close()
    real = open_workspace(tmp_path, settings_for(tmp_path, {}, {}))
    assert isinstance(real.clock, SystemClock)
    real.close()


def test_it_lives_on_postgresql_too(tmp_path, postgres):
    ws = make_workspace(tmp_path, database=postgres.url)
    with ws.database.transaction() as connection:
        ws.journal.append(connection, Fact("RunStarted", "workspace:test"))
    assert len(ws.journal.read(subject="workspace:test")) == 1
    assert not (tmp_path / ".noria" / "noria.db").exists()
    ws.close()


def test_a_database_that_does_not_answer_or_is_none_is_told(tmp_path):
    with pytest.raises(Unavailable, match="does not answer"):
        make_workspace(tmp_path, database="postgresql://127.0.0.1:1/nowhere")
    (tmp_path / ".noria").mkdir()
    (tmp_path / ".noria" / "noria.db").write_bytes(b"not a database " * 100)
    with pytest.raises(Corrupt, match="is no database"):
        make_workspace(tmp_path)


def test_a_folder_is_made_when_asked_for(tmp_path):
    ws = make_workspace(tmp_path)
    assert ws.folder("reports") == tmp_path / ".noria" / "reports"
    assert ws.folder("reports").is_dir()
    ws.close()
