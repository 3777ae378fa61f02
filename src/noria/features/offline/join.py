"""Views joined to requests: rows are prepared once, each window goes by the plan that is cheapest for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import duckdb

from noria.core.clock import Micros
from noria.core.schema import DType
from noria.features.aggregates.slots import column_types
from noria.features.model import FeatureSpec, Knowledge, ViewSpec
from noria.features.offline.bundles import bundles, code_column, code_of
from noria.features.offline.costs import Counts, Plan, choose, counted, tile_of
from noria.features.offline.enrich import enrich, joined_columns
from noria.features.offline.events import Events, Wanted, prepare
from noria.features.offline.latest import Newest, latest
from noria.features.offline.made import Made, listed
from noria.features.offline.partials import Rows, shift_of
from noria.features.offline.range_join import range_join
from noria.features.offline.task import Ground, Task
from noria.features.offline.tiles import tiles
from noria.features.offline.window_union import window_union
from noria.features.sql import default_of, quoted
from noria.features.windows import Span, lookback, span_of


class Join:
    """Joins features of views to the table `spine(noria_row, noria_t, …)` of one connection.

    `first` and `last` are the earliest and latest moment asked about. `plan` forces one plan for every window;
    None takes the cheapest. All plans give the same values.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        first: Micros,
        last: Micros,
        *,
        knowledge: Knowledge = "as_known",
        plan: Plan | None = None,
    ) -> None:
        self._connection, self._first, self._last = connection, first, last
        self._knowledge: Knowledge = knowledge
        self._plan = plan
        self.chosen: dict[str, Plan] = {}
        """The plan taken for each window feature, by its full name."""

    def view(self, view: ViewSpec, keys: Sequence[str], sources: Mapping[str, str]) -> list[Made]:
        """Compute a view for the requests' columns `keys`, from the rows that the SQL of each source selects.

        Column names of the tables made are full feature names, such as `Airport.mean_delay_1h`.
        """
        types = column_types(view)
        events = self._events(view, sources)
        parts = listed(
            f"{quoted(key)}{' + 0.0' if types.get(name) == 'float' else ''} AS noria_e{place}"
            for place, (key, name) in enumerate(zip(keys, view.entities, strict=True))
        )
        present = " AND ".join(f"{quoted(key)} IS NOT NULL" for key in keys)
        self._run(
            f"CREATE OR REPLACE TEMP TABLE asked AS SELECT noria_row, noria_t, {parts} FROM spine WHERE {present}"
        )
        ground = Ground(self._connection, events)
        return [*self._windows(view, types, ground), *self._newest(view, types, ground)]

    def _events(self, view: ViewSpec, sources: Mapping[str, str]) -> Events:
        used = dict.fromkeys(_used(view))
        own = {column.name: column.dtype for column in view.columns if column.name in used}
        earliest = self._first - lookback([view])
        wanted = Wanted(view, sources[view.source], view.entities, own, earliest, self._last, self._knowledge)
        events = prepare(self._connection, wanted, "events")
        for join in view.joins:
            columns = joined_columns(view.joins, used)[join.source]
            if columns:
                enrich(self._connection, events, join, columns, sources[join.source], self._knowledge)
        return events

    def _windows(self, view: ViewSpec, types: Mapping[str, DType], ground: Ground) -> list[Made]:
        features = [feature for feature in view.features if feature.windowed]
        if not features:
            return []
        rows = Rows(types, self._shifts(features, types, ground), view.key is not None, default_of(types, view.key))
        tasks = [
            Task(span, bundle, quoted(f"noria {view.name} {number}.{place}"))
            for number, (span, those) in enumerate(_by_span(features))
            for place, bundle in enumerate(bundles(those, rows))
        ]
        self._add_codes(tasks)
        self._do(view, ground, tasks)
        return [self._lower(view, task) for task in tasks]

    def _do(self, view: ViewSpec, ground: Ground, tasks: Sequence[Task]) -> None:
        counts = counted(ground)
        by_plan: dict[Plan, list[tuple[Task, Micros]]] = {"range": [], "window": [], "tiles": []}
        for task in tasks:
            plan, tile = self._choice(task, counts)
            by_plan[plan].append((task, tile))
            self.chosen.update({f"{view.name}.{one.name}": plan for one in task.bundle.features})
        range_join(ground, [task for task, _ in by_plan["range"]])
        window_union(ground, [task for task, _ in by_plan["window"]])
        tiles(ground, by_plan["tiles"])

    def _choice(self, task: Task, counts: Counts) -> tuple[Plan, Micros]:
        if self._plan is not None:
            return self._plan, tile_of(task.span, counts)
        choice = choose(task.span, counts, simple=task.bundle.simple)
        return choice.plan, choice.tile

    def _lower(self, view: ViewSpec, task: Task) -> Made:
        table = quoted(f"noria of {task.table.strip(chr(34))}")
        names = {feature: quoted(f"{view.name}.{feature.name}") for feature in task.bundle.features}
        lowered = task.bundle.lower(f"SELECT * FROM {task.table}", lambda feature: names[feature])
        self._run(f"CREATE OR REPLACE TEMP TABLE {table} AS {lowered}")
        return Made(table, tuple(f"{view.name}.{feature.name}" for feature in task.bundle.features))

    def _newest(self, view: ViewSpec, types: Mapping[str, DType], ground: Ground) -> list[Made]:
        features = sorted((one for one in view.features if not one.windowed), key=lambda one: repr(one.where))
        made = []
        for number, (_, group) in enumerate(groupby(features, key=lambda one: one.where)):
            those = list(group)
            names = [f"{view.name}.{one.name}" for one in those]
            wanted = [Newest(quoted(f"{view.name}.{one.name}"), one.column or "", one.ttl, one.where) for one in those]
            table = quoted(f"noria {view.name} newest {number}")
            latest(ground, wanted, table, keyed=view.key is not None, key_default=default_of(types, view.key))
            made.append(Made(table, tuple(names)))
        return made

    def _shifts(self, features: Sequence[FeatureSpec], types: Mapping[str, DType], ground: Ground) -> dict[str, float]:
        """How the doubles of each column that is summed are cut in two."""
        kinds = ("sum", "mean")
        summed = sorted(
            {one.column for one in features if one.column and one.kind in kinds and types[one.column] == "float"}
        )
        if not summed:
            return {}
        largest = self._connection.execute(
            f"SELECT {listed(f'max(abs({quoted(name)}))' for name in summed)} FROM {ground.events.table}"
        ).fetchone()
        assert largest is not None
        return {name: shift_of(size or 0.0, ground.events.rows) for name, size in zip(summed, largest, strict=True)}

    def _add_codes(self, tasks: Sequence[Task]) -> None:
        """Add to the events the codes of every column that is sketched."""
        sketched = {code_column(task.bundle.sketch): task.bundle.sketch for task in tasks if task.bundle.sketch}
        if sketched:
            codes = listed(f"{code_of(slot)} AS {name}" for name, slot in sketched.items())
            self._run(f"CREATE OR REPLACE TEMP TABLE events AS SELECT *, {codes} FROM events")

    def _run(self, statement: str) -> None:
        self._connection.execute(statement)


def _by_span(features: Sequence[FeatureSpec]) -> list[tuple[Span, list[FeatureSpec]]]:
    found: dict[Span, list[FeatureSpec]] = {}
    for feature in features:
        found.setdefault(span_of(feature), []).append(feature)
    return sorted(found.items())


def _used(view: ViewSpec) -> list[str]:
    """The columns that features and joins look at."""
    used = [mine for join in view.joins for mine, _ in join.on]
    for feature in view.features:
        used += [feature.column] if feature.column else []
        used += [predicate.column for predicate in feature.where]
        used += [feature.predicate.column] if feature.predicate else []
    return sorted(set(used))
