"""What a filter and an order say of one row of `runs`, as SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from noria.core.search.model import Comparison, OrderTerm, Parsed, comparisons
from noria.stores.clauses import Clause, moment_clause, number_clause, text_clause
from noria.stores.pages import Sort, nullable
from noria.tracking.tables import datasets, latest_metrics, metric_names, run_datasets, run_params, run_tags, runs

_COLUMNS: Mapping[str, sa.ColumnElement[Any]] = {
    "run_id": runs.c.id,
    "run_name": runs.c.name,
    "status": sa.func.upper(runs.c.state, type_=sa.Text),
    "artifact_uri": runs.c.artifact_root,
    "user_id": runs.c.actor,
    "start_time": runs.c.started,
    "end_time": runs.c.ended,
}
_MOMENTS = ("start_time", "end_time")
_TABLES = {"param": run_params, "tag": run_tags}
_VALUES = latest_metrics.alias("latest")
_NOBODYS = -1
"""The key of a metric that nobody has logged: no row has it."""


def metric_keys(connection: sa.Connection, parsed: Parsed, order: Sequence[OrderTerm]) -> dict[str, int]:
    """The keys of the metrics that are named; one that nobody has logged has none."""
    names = {each.key for each in comparisons(parsed.expression) if each.entity == "metric"}
    names |= {term.key for term in order if term.entity == "metric"}
    if not names:
        return {}
    query = sa.select(metric_names.c.name, metric_names.c.key).where(metric_names.c.name.in_(sorted(names)))
    return {row.name: row.key for row in connection.execute(query)}


@dataclass(frozen=True)
class RunClauses:
    """Conditions and orders on `runs`, for one kind of database and the metrics that are named."""

    sqlite: bool
    metrics: Mapping[str, int]

    def clause(self, comparison: Comparison) -> Clause:
        """One comparison. A run without the key meets none but IS NULL."""
        if comparison.entity == "attribute":
            return self._attribute(comparison)
        if comparison.entity == "dataset":
            return self._dataset(comparison)
        operator, value = comparison.operator, comparison.value
        if comparison.entity == "metric":
            of_run, row = (
                self._of_run(comparison.key),
                number_clause(_VALUES.c.value, _VALUES.c.is_nan, operator, value),
            )
        else:
            table = _TABLES[comparison.entity]
            of_run = sa.and_(table.c.run == runs.c.key, table.c.name == comparison.key)
            row = text_clause(table.c.value, operator, value, sqlite=self.sqlite)
        if operator in ("IS NULL", "IS NOT NULL"):
            return sa.exists().where(of_run) if operator == "IS NOT NULL" else ~sa.exists().where(of_run)
        return sa.exists().where(of_run, row)

    def unmeasured(self, metric: str) -> Clause:
        """Runs that have no value of a metric."""
        return ~sa.exists().where(self._of_run(metric))

    def sort(self, term: OrderTerm) -> list[Sort]:
        """One key of an order; whatever has no such value comes last, NaN before it."""
        if term.entity == "attribute":
            column = _COLUMNS[term.key]
            plain = [Sort(column, term.ascending)]
            return nullable(column, 0, ascending=term.ascending) if term.key in _MOMENTS else plain
        if term.entity != "metric":
            table = _TABLES[term.entity]
            text = sa.select(table.c.value).where(table.c.run == runs.c.key, table.c.name == term.key)
            return nullable(text.scalar_subquery(), "", ascending=term.ascending)
        of_run = self._of_run(term.key)
        is_nan = sa.select(_VALUES.c.is_nan).where(of_run).scalar_subquery()
        value = sa.select(_VALUES.c.value).where(of_run, _VALUES.c.is_nan == 0).scalar_subquery()
        return [Sort(sa.func.coalesce(is_nan, 2)), Sort(sa.func.coalesce(value, 0.0), term.ascending)]

    def _of_run(self, metric: str) -> Clause:
        return sa.and_(_VALUES.c.run == runs.c.key, _VALUES.c.metric == self.metrics.get(metric, _NOBODYS))

    def _attribute(self, comparison: Comparison) -> Clause:
        column, operator, value = _COLUMNS[comparison.key], comparison.operator, comparison.value
        if comparison.key in _MOMENTS:
            return moment_clause(column, operator, value)
        if comparison.key == "run_name":
            column = sa.func.nullif(column, "")
        return text_clause(column, operator, value, sqlite=self.sqlite)

    def _dataset(self, comparison: Comparison) -> Clause:
        column = run_datasets.c.context if comparison.key == "context" else datasets.c[comparison.key]
        along = run_datasets.join(datasets, run_datasets.c.dataset == datasets.c.key)
        row = text_clause(column, comparison.operator, comparison.value, sqlite=self.sqlite)
        if comparison.operator == "IS NULL":
            return ~sa.exists(
                sa.select(1).select_from(along).where(run_datasets.c.run == runs.c.key, column.is_not(None))
            )
        return sa.exists(sa.select(1).select_from(along).where(run_datasets.c.run == runs.c.key, row))
