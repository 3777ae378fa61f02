"""Features of a project's own parts, computed on another engine: what `build_part` does, with its rows sent there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from noria.data.model import INGESTED_AT, Part
from noria.data.operations import read_parts
from noria.features.engines.model import Engine, Lookup
from noria.features.engines.operations import join_features
from noria.features.model import InputSet, ViewInput
from noria.workspace.workspace import Workspace


def join_parts(
    ws: Workspace, engine: Engine, inputs: InputSet, spine: Sequence[Part], sources: Mapping[str, Sequence[Part]]
) -> pa.Table:
    """Every request of some parts with the features of the views among `inputs`, as known when it was asked.

    Columns: those of the requests, then `View.feature` in the order of the inputs, sorted by moment and key.
    Functions of the request are left to `build_part`: they are Python. Raises NotFound for a source that is
    not given, EngineRefused, EngineAway.
    """
    views = {view.name: view for view in inputs.views}
    lookups = [Lookup(views[one.view], one.keys) for one in inputs.inputs if isinstance(one, ViewInput)]
    requests = read_parts(ws, spine, [column.name for column in inputs.request])
    shapes = {view.source: view.columns for view in inputs.views}
    shapes |= {join.source: join.columns for view in inputs.views for join in view.joins}
    tables = {
        name: read_parts(ws, parts, [*(column.name for column in shapes[name]), INGESTED_AT])
        for name, parts in sources.items()
        if name in shapes
    }
    made = join_features(engine, requests, lookups, tables, asked_at=inputs.asked_at, knowledge=inputs.knowledge)
    return made.sort_by([(inputs.asked_at, "ascending"), (inputs.key, "ascending")])
