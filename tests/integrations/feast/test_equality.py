"""The same entity rows and moments, asked of the real Feast and of the project made from its repository."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from noria.core.clock import to_micros
from noria.core.schema import Column, Schema
from noria.data import operations as data
from noria.data.model import Location, SourceSpec
from noria.features import operations as features
from noria.features.model import InputSet, ViewInput
from noria.project.load import load
from noria.testing.workspace import make_workspace

QUESTIONS = Schema(
    (
        Column("row", "int"), Column("driver_id", "int"), Column("customer", "string"), Column("zone", "string"),
        Column("event_timestamp", "time"),
    ),
    "event_timestamp", "row",
)  # fmt: skip
Answers = dict[str, list[Any]]
VIEWS = ("driver_hourly", "driver_short", "driver_customer", "zone_state")


def ours(project: Path, repository: Path, **how: Any) -> Answers:
    """Every view of the project, looked up for each question: the backfill that a turn makes."""
    plan = load(project).plan
    ws = make_workspace(project)
    sources = {}
    asked = SourceSpec("Ask", QUESTIONS, Location(path=str(repository / "data" / "asked.parquet")))
    for spec in (asked, *plan.sources):
        sources[spec.name] = data.check(ws, spec, data.take_snapshot(ws, spec))
        assert sources[spec.name].quarantined == 0
    views = tuple(view for view in plan.views if view.name in VIEWS)
    looked_up = tuple(ViewInput(view.name, view.entities) for view in views)
    inputs = InputSet("Ask", "row", "event_timestamp", QUESTIONS.columns, views, looked_up, **how)
    (spine,) = sources["Ask"].parts
    built = features.build_part(ws, inputs, spine, {name: one.parts for name, one in sources.items()}, {})
    answers = pq.read_table(ws.blobs.path(built)).sort_by("row").to_pydict()
    ws.close()
    return {name: values for name, values in answers.items() if "." in name}


def feasts(repository: Path, file: str) -> Answers:
    """What Feast answered, named and typed as ours is: not a number is null, and instants are microseconds."""
    answers = pq.read_table(repository / "data" / f"{file}.parquet").sort_by("row").to_pydict()
    named = {name.replace("__", ".", 1): values for name, values in answers.items() if "__" in name}
    named["driver_customer.class_"] = named.pop("driver_customer.class")
    named["driver_hourly.last_seen"] = [instant(one) for one in named["driver_hourly.last_seen"]]
    return {name: [None if one != one else one for one in values] for name, values in named.items()}


def instant(said: Any) -> int | None:
    """Microseconds of an instant, which may be text: DuckDB 2 has a type of its own for nanoseconds."""
    return None if said is None else to_micros(datetime.fromisoformat(str(said)))


def differing(mine: Answers, theirs: Answers) -> dict[str, int]:
    """Cells that differ, by feature: null equals null, and every number, text and instant is exactly the same."""
    pairs = {name: list(zip(values, theirs[name], strict=True)) for name, values in mine.items()}
    return {name: sum(one != other for one, other in cells) for name, cells in pairs.items()}


def share(values: list[Any]) -> float:
    """The share of questions that have an answer."""
    return sum(one is not None for one in values) / len(values)


def test_what_was_known_then_is_what_feast_says_with_its_created_timestamps(imported: Path, repository: Path) -> None:
    mine, theirs = ours(imported, repository), feasts(repository, "by_known")

    assert set(differing(mine, theirs).values()) == {0}
    assert len(mine["driver_hourly.conv_rate"]) == 2400 and len(mine) == 11
    assert share(mine["driver_hourly.conv_rate"]) > 0.5 and share(mine["driver_short.conv_rate"]) < 0.8
    assert share(mine["driver_customer.amount"]) > 0.1, "keys that look alike when joined as text"


def test_hindsight_is_what_feast_says_by_default(imported: Path, repository: Path) -> None:
    mine, theirs = ours(imported, repository, knowledge="as_of_event"), feasts(repository, "by_event")

    assert set(differing(mine, theirs).values()) == {0}
    known = differing(ours(imported, repository), theirs)
    assert known["driver_hourly.conv_rate"] > 100, "and that is not what was known when it was asked"
    assert known["zone_state.surge"] == 0, "where there is no created timestamp, the two are the same"
