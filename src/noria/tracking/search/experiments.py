"""Search of experiments."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from noria.core.search.model import Comparison, OrderTerm
from noria.core.search.order import parse_order
from noria.core.search.parser import parse_filter
from noria.stores.clauses import Clause, moment_clause, plain_clause, text_clause, where
from noria.stores.pages import Found, Segment, Sort, page
from noria.tracking.search.runs import Stages, stages_of
from noria.tracking.tables import experiment_tags, experiments
from noria.workspace.workspace import Workspace

_COLUMNS = {
    "name": experiments.c.name,
    "experiment_id": experiments.c.key,
    "creation_time": experiments.c.created,
    "last_update_time": experiments.c.updated,
}
_NEWEST = (OrderTerm("attribute", "creation_time", ascending=False), OrderTerm("attribute", "experiment_id"))


def search_experiments(
    ws: Workspace,
    filter: str | None = None,
    order_by: Sequence[str] = (),
    *,
    stage: Stages = "active",
    limit: int = 1000,
    token: str | None = None,
) -> Found[int]:
    """The keys of the experiments that match: newest first, or as asked and then the largest key first.

    `filter` and `order_by` as core.search reads them. Raises BadSearch, BadToken.
    """
    parsed, order = parse_filter("experiments", filter), parse_order("experiments", order_by)
    sqlite = ws.database.is_sqlite
    matching = where(parsed.expression, lambda comparison: _clause(comparison, sqlite=sqlite))
    query = sa.select(experiments.c.key).where(experiments.c.stage.in_(stages_of(stage)), matching)
    question = ["experiments", filter or "", list(order_by), stage]
    with ws.database.reading() as connection:
        found = page(connection, [Segment([query], _sorts(order or _NEWEST))], question, limit, token)
    return Found([key for (key,) in found.keys], found.next_token)


def _sorts(order: Sequence[OrderTerm]) -> list[Sort]:
    directions: dict[str, bool] = {}
    for term in (*order, OrderTerm("attribute", "experiment_id", ascending=False)):
        directions.setdefault(term.key, term.ascending)
    return [Sort(_COLUMNS[key], ascending) for key, ascending in directions.items()]


def _clause(comparison: Comparison, *, sqlite: bool) -> Clause:
    operator, value = comparison.operator, comparison.value
    if comparison.entity == "tag":
        return _tag_clause(comparison, sqlite=sqlite)
    column = _COLUMNS[comparison.key]
    if comparison.key == "name":
        return text_clause(column, operator, value, sqlite=sqlite)
    if comparison.key == "experiment_id":
        numbers = [int(each) for each in value] if isinstance(value, tuple) else [int(str(value))]
        return plain_clause(column, operator, numbers[0]) if operator in ("=", "!=") else _among(operator, numbers)
    return moment_clause(column, operator, value)


def _among(operator: str, numbers: Sequence[int]) -> Clause:
    return experiments.c.key.in_(numbers) if operator == "IN" else experiments.c.key.not_in(numbers)


def _tag_clause(comparison: Comparison, *, sqlite: bool) -> Clause:
    named = sa.and_(experiment_tags.c.experiment == experiments.c.key, experiment_tags.c.name == comparison.key)
    if comparison.operator == "IS NULL":
        return ~sa.exists().where(named)
    row = text_clause(experiment_tags.c.value, comparison.operator, comparison.value, sqlite=sqlite)
    return sa.exists().where(named, row)
