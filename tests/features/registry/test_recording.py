"""A changed meaning is a new version, another spelling is none, and any number of processes agree on the numbers."""

import multiprocessing
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from declared import airport, departure, others

from noria.core.units import hours
from noria.features.registry.meaning import definition, meaning
from noria.features.registry.reading import view_history, view_version
from noria.features.registry.recording import AmbiguousView, record, record_within
from noria.project.views import count, latest, mean, share
from noria.testing.postgres import PostgresServer
from noria.testing.workspace import make_workspace
from noria.workspace.workspace import Workspace


def test_the_first_definition_is_version_1_and_the_same_one_is_nothing_new(ws: Workspace) -> None:
    assert [(one.number, one.outcome) for one in record(ws, [airport()])] == [(1, "registered")]
    assert [(one.number, one.outcome) for one in record(ws, [airport()])] == [(1, "unchanged")]

    (version,) = view_history(ws, "Airport")

    assert version.current and version.entities == ("origin",) and version.source == "Departure"
    assert [one["name"] for one in version.features] == ["flights", "mean_delay", "share_late", "last_delay"]
    (fact,) = ws.journal.read(subject="view:Airport")
    assert fact.kind == "FeatureViewRegistered" and fact.data["features"][0] == "flights"


def test_spelling_is_no_change(ws: Workspace) -> None:
    source = departure(more=True)  # a column that the view does not read
    respelled = airport(
        source,
        share_late=share(source.delay > 15.0, over=hours(24)),
        mean_delay=mean(source.delay, over=hours(1)),
        flights=count(over=hours(1)),
        last_delay=latest(source.delay, ttl=hours(6)),
    )
    assert meaning(definition(respelled)) == meaning(definition(airport()))

    record(ws, [airport()])
    assert record(ws, [respelled])[0].outcome == "unchanged"


@pytest.mark.parametrize(
    "changed",
    [
        airport(window=hours(2)),
        airport(departure(unit="seconds")),
        replace(airport(), source="Arrival"),
        replace(airport(), features=airport().features[:-1]),
    ],
    ids=["another window", "another unit", "another source", "one feature less"],
)
def test_another_meaning_is_another_version_beside_the_old_one(ws: Workspace, changed: object) -> None:
    record(ws, [airport()])

    assert [(one.number, one.outcome) for one in record(ws, [changed])] == [(2, "versioned")]  # type: ignore[list-item]

    old, new = view_history(ws, "Airport")
    assert (old.current, new.current) == (False, True)
    (fact,) = ws.journal.read(kinds=["FeatureViewVersioned"])
    assert fact.data["previous"] == 1 and fact.data["changes"], "the journal says what changed"


def test_what_is_taken_back_is_the_old_version_again(ws: Workspace) -> None:
    record(ws, [airport()])
    record(ws, [airport(window=hours(2))])

    assert [(one.number, one.outcome) for one in record(ws, [airport()])] == [(1, "returned")]

    assert view_version(ws, "Airport").number == 1
    assert record(ws, [airport(window=hours(3))])[0].number == 3, "a number is given once"
    kinds = [fact.kind.removeprefix("FeatureView") for fact in ws.journal.read(subject="view:Airport")]
    assert kinds == ["Registered", "Versioned", "Returned", "Versioned"]


def test_nothing_is_recorded_when_the_transaction_fails(ws: Workspace) -> None:
    with pytest.raises(RuntimeError), ws.database.transaction() as connection:
        record_within(ws, connection, [airport()])
        raise RuntimeError("and then the turn failed to begin")

    assert view_history(ws) == [] and ws.journal.read() == []


def test_two_views_of_one_name_are_refused_with_their_difference(ws: Workspace) -> None:
    source = departure()
    with pytest.raises(AmbiguousView, match=r"worst is new: the greatest delay over 3h"):
        record(ws, [airport(source), airport(source, **others(source))])
    assert view_history(ws) == []


def _record_many(root: Path, database: str | None, hour: int, gate: Any) -> None:
    ws = make_workspace(root, database=database)
    gate.wait()
    for number in range(6):
        record(ws, [airport(window=hours(1 + (number + hour) % 3))])
    ws.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Where the workspace keeps its tables: SQLite in its folder, or a database of its own on the shared server."""
    if request.param == "sqlite":
        yield None
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    admin = sa.create_engine(server.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE recording"))
        yield server.url.replace("/postgres", "/recording")
        connection.execute(sa.text("DROP DATABASE recording WITH (FORCE)"))
    admin.dispose()


def test_processes_that_record_at_once_give_each_meaning_one_number(database: str | None, tmp_path: Path) -> None:
    make_workspace(tmp_path, database=database).close()
    fork = multiprocessing.get_context("fork")
    gate = fork.Barrier(4)
    processes = [fork.Process(target=_record_many, args=(tmp_path, database, hour, gate)) for hour in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    ws = make_workspace(tmp_path, database=database)
    assert [process.exitcode for process in processes] == [0] * 4
    found = view_history(ws, "Airport")
    assert [one.number for one in found] == [1, 2, 3] and len({one.digest for one in found}) == 3
    assert sum(one.current for one in found) == 1
    assert ws.journal.verify() == len(ws.journal.read())
    ws.close()
