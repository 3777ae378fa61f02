"""What the features of each view held in the frames of a turn, and how new their source was.

The frames are those a model was given: a feature that is null for a third of the requests is null here for a
third. Figures are kept for each version and model, the newest only: the journal tells when others were taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from noria.core.clock import Micros
from noria.core.digest import canonical
from noria.core.schema import Column, Schema
from noria.data import statistics
from noria.data.model import Checked
from noria.features.model import InputSet, ViewInput, ViewSpec
from noria.features.registry.model import FeatureFigures, ViewFigures, subject
from noria.features.registry.reading import versions_of
from noria.features.tables import view_figures
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace

Described = dict[str, dict[str, Any]]
"""For each column of the frames its share of nulls, extremes, mean or most frequent values."""


def describe(ws: Workspace, inputs: InputSet, parts: Sequence[str]) -> dict[str, Any]:
    """Figures over the feature tables `parts` (digests of blobs), as JSON: rows, and each view column's figures.

    One part is read at a time.
    """
    from noria.features.operations import load_features

    schema = Schema(_columns(inputs), event_time="")
    names, rows, partials = list(schema.names), 0, []
    for part in parts:
        table = load_features(ws, [part]).select(names)
        rows += table.num_rows
        partials.append(statistics.partial(table, schema))
    return {"rows": rows, "columns": statistics.combine(partials, schema)}


def keep_figures(
    ws: Workspace,
    connection: sa.Connection,
    model: str,
    inputs: InputSet,
    described: Mapping[str, Any],
    sources: Mapping[str, Checked],
    at: Micros,
) -> list[ViewFigures]:
    """Keep what a turn of `model` saw of each view, inside the caller's transaction, with one fact a view.

    Figures of the same moment and snapshot as those that are there are no news: nothing is written.
    """
    numbers = versions_of(connection, inputs.views)
    found = [
        _figures(view, numbers[view.name], model, described, sources[view.source], at)
        for view in inputs.views
        if view.name in numbers
    ]
    news = [one for one in found if not _known(connection, one)]
    rows = [
        {"view": one.view, "number": one.number, "model": model, "at": one.at, "value": canonical(one)} for one in news
    ]
    ws.database.upsert(connection, view_figures, rows, ["view", "number", "model"])
    facts = [
        Fact("FeaturesDescribed", subject(one.view), {
            "version": one.number, "model": model, "rows": one.rows, "snapshot": one.snapshot, "as_of": one.at,
        })
        for one in news
    ]  # fmt: skip
    if facts:
        ws.journal.append(connection, *facts)
    return found


def _known(connection: sa.Connection, figures: ViewFigures) -> bool:
    same = (
        view_figures.c.view == figures.view, view_figures.c.number == figures.number,
        view_figures.c.model == figures.model, view_figures.c.value == canonical(figures),
    )  # fmt: skip
    return connection.execute(sa.select(view_figures.c.at).where(*same)).first() is not None


def _figures(
    view: ViewSpec, number: int, model: str, described: Mapping[str, Any], source: Checked, at: Micros
) -> ViewFigures:
    columns = described["columns"]
    seen = [_feature(one.name, columns.get(f"{view.name}.{one.name}")) for one in view.features]
    return ViewFigures(
        view=view.name,
        number=number,
        model=model,
        at=at,
        rows=described["rows"],
        snapshot=source.snapshot,
        newest_event=max((part.last_event for part in source.parts), default=None),
        newest_known=max((part.last_ingested for part in source.parts), default=None),
        features=tuple(one for one in seen if one),
    )


def _feature(name: str, found: Mapping[str, Any] | None) -> FeatureFigures | None:
    if found is None:
        return None
    return FeatureFigures(
        name, found["nulls"], found.get("min"), found.get("max"), found.get("mean"), found.get("top", {})
    )


def _columns(inputs: InputSet) -> tuple[Column, ...]:
    views = {view.name: view for view in inputs.views}
    return tuple(
        Column(f"{view.name}.{spec.name}", spec.dtype, nullable=True)
        for one in inputs.inputs
        if isinstance(one, ViewInput)
        for view in [views[one.view]]
        for spec in view.features
        if spec.kind != "last_n"  # a list has no extremes and no mean
    )
