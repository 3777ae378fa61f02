"""Search of runs.

Two orders are answered by walking an index, however many runs there are: newest first, and by a metric's latest
value. The walk by metric has three parts: values, then NaN, then the runs without the metric, which are only
looked for when a page has room left. Any other order sorts what matches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from noria.core.search.model import And, Comparison, Expression, OrderTerm
from noria.core.search.order import parse_order
from noria.core.search.parser import parse_filter
from noria.stores.clauses import Clause, plain_clause, where
from noria.stores.pages import Found, Segment, Sort, page
from noria.tracking.search.run_clauses import RunClauses, metric_keys
from noria.tracking.tables import latest_metrics, runs
from noria.workspace.workspace import Workspace

Stages = Literal["active", "deleted", "all"]

_NEWEST = OrderTerm("attribute", "start_time", ascending=False)
_MOST_GROUPS = 20
"""Up to so many groups (an experiment in a stage) are walked in order side by side; more are sorted."""


def search_runs(
    ws: Workspace,
    experiments: Sequence[int],
    filter: str | None = None,
    order_by: Sequence[str] = (),
    *,
    stage: Stages = "active",
    limit: int = 1000,
    token: str | None = None,
) -> Found[int]:
    """The keys of the runs that match: newest first where the order leaves it open, then by id.

    `filter` and `order_by` as core.search reads them. Raises BadSearch, BadToken.
    """
    parsed, order = parse_filter("runs", filter), parse_order("runs", order_by)
    asked = sorted(set(experiments))
    question = ["runs", asked, filter or "", list(order_by), stage]
    with ws.database.reading() as connection:
        clauses = RunClauses(ws.database.is_sqlite, metric_keys(connection, parsed, order))
        search = _Search(
            experiments=asked,
            stages=stages_of(stage),
            order=order,
            clauses=clauses,
            matching=where(parsed.expression, clauses.clause),
            needed=_needed(parsed.expression),
        )
        found = page(connection, search.segments() if asked else [], question, limit, token)
    return Found([key for (key,) in found.keys], found.next_token)


def stages_of(stage: Stages) -> Sequence[str]:
    """The stages that are asked for."""
    return ("active", "deleted") if stage == "all" else (stage,)


def _needed(expression: Expression | None) -> list[Comparison]:
    """The comparisons that every match meets."""
    if isinstance(expression, Comparison):
        return [expression]
    operands = expression.operands if isinstance(expression, And) else ()
    return [each for operand in operands for each in _needed(operand)]


@dataclass(frozen=True)
class _Search:
    """One search, ready to be cut into segments."""

    experiments: Sequence[int]
    stages: Sequence[str]
    order: Sequence[OrderTerm]
    clauses: RunClauses
    matching: Clause
    needed: Sequence[Comparison]

    @property
    def few(self) -> bool:
        """Whether only runs match that the filter names: sorting them beats walking all runs in order."""
        return any((each.entity, each.key) == ("attribute", "run_id") and each.operator in ("=", "IN")
                   for each in self.needed)  # fmt: skip

    def segments(self) -> list[Segment]:
        """The parts of the answer, one after the other."""
        first = self.order[0] if self.order else _NEWEST
        if first.entity == "metric" and not self.few and len(self.experiments) <= _MOST_GROUPS:
            return self._by_metric(first)
        return self._in_order(self.order)

    def _in_order(self, order: Sequence[OrderTerm], *conditions: Clause) -> list[Segment]:
        """Runs that meet more conditions; walked along the index of start times if the order begins with them."""
        first, rest = (order[0], order[1:]) if order else (_NEWEST, ())
        if self.few or (first.entity, first.key) != ("attribute", "start_time"):
            return [Segment(self._groups(*conditions), self._sorts(order))]
        tail = self._sorts(rest, started=True)
        return [
            Segment(
                self._groups(runs.c.started.is_not(None), *conditions), [Sort(runs.c.started, first.ascending), *tail]
            ),
            Segment(self._groups(runs.c.started.is_(None), *conditions), tail),
        ]

    def _by_metric(self, first: OrderTerm) -> list[Segment]:
        rest = self.order[1:]
        tail = self._sorts(rest)
        segments = []
        key = self.clauses.metrics.get(first.key)
        asked = [each for each in self.needed if (each.entity, each.key) == ("metric", first.key)]
        if key is not None:
            bounds = [
                plain_clause(latest_metrics.c.value, each.operator, each.value)
                for each in asked
                if each.value is not None
            ]
            value = Sort(latest_metrics.c.value, first.ascending)
            segments.append(Segment(self._along_metric(key, 0, *bounds), [value, *tail]))
            segments.append(Segment(self._along_metric(key, 1), tail))
        if not any(each.operator != "IS NULL" for each in asked):
            segments += self._in_order(rest, self.clauses.unmeasured(first.key))
        return segments

    def _along_metric(self, metric: int, is_nan: int, *bounds: Clause) -> list[sa.Select[Any]]:
        """Each experiment's runs along the index by the metric's value, which a filter may bound."""
        along = latest_metrics.join(runs, latest_metrics.c.run == runs.c.key)
        query = sa.select(runs.c.key).select_from(along).where(
            latest_metrics.c.metric == metric, latest_metrics.c.is_nan == is_nan, *bounds, self.matching
        )  # fmt: skip
        if len(self.stages) == 1:
            query = query.where(runs.c.stage == self.stages[0])
        return [query.where(latest_metrics.c.experiment == experiment) for experiment in self.experiments]

    def _groups(self, *conditions: Clause) -> list[sa.Select[Any]]:
        """The runs of each experiment and stage."""
        pairs = [(experiment, stage) for experiment in self.experiments for stage in self.stages]
        query = sa.select(runs.c.key).where(self.matching, *conditions)
        if len(pairs) > _MOST_GROUPS or self.few:
            return [query.where(runs.c.experiment.in_(self.experiments), runs.c.stage.in_(self.stages))]
        return [query.where(runs.c.experiment == experiment, runs.c.stage == stage) for experiment, stage in pairs]

    def _sorts(self, order: Sequence[OrderTerm], *, started: bool = False) -> list[Sort]:
        """What the terms order by, and what decides between equals: the start, unless it is settled, and the id."""
        settled = started or any((term.entity, term.key) == ("attribute", "start_time") for term in self.order)
        terms = order if settled else [*order, _NEWEST]
        return [*(sort for term in terms for sort in self.clauses.sort(term)), Sort(runs.c.id)]
