"""What a turn saw of each feature is kept by the version of the view that gave it."""

import pytest
from declared import airport, departure

from noria.core.digest import canonical
from noria.data.model import Checked, Part
from noria.features.model import ColumnInput, InputSet, ViewInput
from noria.features.registry.figures import describe, keep_figures
from noria.features.registry.reading import view_figures_of
from noria.features.registry.recording import record
from noria.workspace.workspace import Workspace

SOURCES = {
    "Departure": Checked(
        "Departure", "snap-1", (Part("a.csv", "0" * 64, 3, 10, 30, 35), Part("b", "1" * 64, 1, 40, 50, 45)), 4, 0
    )
}
INPUTS = InputSet(
    "Departure", "id", "left_at", departure().noria_schema.columns, (airport(),),
    (ViewInput("Airport", "origin"), ColumnInput("origin", "string")),
)  # fmt: skip


@pytest.fixture
def tables(ws: Workspace) -> list[str]:
    """Two parts of a training frame, as the features folder writes them."""
    return [put(ws, [3, 0], [1.5, None]), put(ws, [7, 2], [None, 0.5])]


def put(ws: Workspace, flights: list[int], mean_delay: list[float | None]) -> str:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    columns = {
        "Airport.flights": flights, "Airport.mean_delay": mean_delay, "Airport.share_late": [0.5, 0.5],
        "Airport.last_delay": pa.array([None, None], pa.float64()), "origin": ["JFK", "EWR"],
    }  # fmt: skip
    pq.write_table(pa.table(columns), sink)
    return ws.blobs.put(sink.getvalue())


def test_figures_are_of_all_parts_together(ws: Workspace, tables: list[str]) -> None:
    found = describe(ws, INPUTS, tables)

    assert found["rows"] == 4
    assert found["columns"]["Airport.flights"] == {"nulls": 0.0, "min": 0, "max": 7, "mean": 3.0}
    assert found["columns"]["Airport.mean_delay"] == {"nulls": 0.5, "min": 0.5, "max": 1.5, "mean": 1.0}
    assert found["columns"]["Airport.last_delay"] == {"nulls": 1.0, "min": None, "max": None}
    assert "origin" not in found["columns"], "a column of the request is no view's"
    assert canonical(found), "it is kept as JSON"


def test_no_part_and_no_row_are_figures_too(ws: Workspace) -> None:
    assert describe(ws, INPUTS, []) == {"rows": 0, "columns": {}}


def test_they_are_kept_by_version_and_model_with_the_newest_of_the_source(ws: Workspace, tables: list[str]) -> None:
    record(ws, [airport()])
    described = describe(ws, INPUTS, tables)

    for model, at in (("lateness", 100), ("lateness", 200), ("cancelled", 150)):
        with ws.database.transaction() as connection:
            keep_figures(ws, connection, model, INPUTS, described, SOURCES, at)

    newest, older = view_figures_of(ws, "Airport", 1)
    assert (newest.model, newest.at, older.model, older.at) == ("lateness", 200, "cancelled", 150)
    assert (newest.rows, newest.snapshot, newest.newest_event, newest.newest_known) == (4, "snap-1", 50, 45)
    assert [one.name for one in newest.features] == ["flights", "mean_delay", "share_late", "last_delay"]
    assert newest.features[0].greatest == 7


def test_the_same_figures_again_are_no_news(ws: Workspace, tables: list[str]) -> None:
    record(ws, [airport()])
    described = describe(ws, INPUTS, tables)
    for _ in range(2):
        with ws.database.transaction() as connection:
            keep_figures(ws, connection, "lateness", INPUTS, described, SOURCES, 100)

    assert len(ws.journal.read(kinds=["FeaturesDescribed"])) == 1


def test_views_that_were_never_recorded_have_no_figures(ws: Workspace, tables: list[str]) -> None:
    with ws.database.transaction() as connection:
        assert keep_figures(ws, connection, "lateness", INPUTS, describe(ws, INPUTS, tables), SOURCES, 100) == []
