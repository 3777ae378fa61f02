"""Search of registered models and their versions.

Prompts are registered models with a tag. They are found only by a filter that asks for them; any other one finds
models alone, whatever else it says about that tag.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from noria.core.search.model import Comparison, Kind, OrderTerm, Parsed, comparisons
from noria.core.search.order import parse_order
from noria.core.search.parser import parse_filter
from noria.registry.stages import DELETED
from noria.registry.tables import registered_model_tags, registered_models, version_tags, versions
from noria.stores.clauses import Clause, plain_clause, text_clause, where
from noria.stores.pages import Found, Segment, Sort, page
from noria.workspace.workspace import Workspace

PROMPT_TAG = "mlflow.prompt.is_prompt"

_MODELS: Mapping[str, sa.ColumnElement[Any]] = {
    "name": registered_models.c.name,
    "last_updated_timestamp": registered_models.c.updated,
}
_VERSIONS: Mapping[str, sa.ColumnElement[Any]] = {
    "name": versions.c.model,
    "version_number": versions.c.number,
    "run_id": versions.c.run,
    "source_path": versions.c.source,
    "creation_timestamp": versions.c.created,
    "last_updated_timestamp": versions.c.updated,
}
_NEWEST = (
    OrderTerm("attribute", "last_updated_timestamp", ascending=False),
    OrderTerm("attribute", "name"),
    OrderTerm("attribute", "version_number", ascending=False),
)


def search_registered_models(
    ws: Workspace,
    filter: str | None = None,
    order_by: Sequence[str] = (),
    *,
    limit: int = 100,
    token: str | None = None,
) -> Found[str]:
    """The names of the registered models that match, by name where the order leaves it open.

    `filter` and `order_by` as core.search reads them. Raises BadSearch, BadToken.
    """
    order = parse_order("registered_models", order_by)
    tags = registered_model_tags
    matching = _matching(ws, "registered_models", filter, _MODELS, registered_models.c.name, tags,
                         tags.c.model == registered_models.c.name)  # fmt: skip
    segment = Segment([sa.select(registered_models.c.name).where(matching)],
                      _sorts(_MODELS, (*order, OrderTerm("attribute", "name"))))  # fmt: skip
    with ws.database.reading() as connection:
        found = page(connection, [segment], ["registered_models", filter or "", list(order_by)], limit, token)
    return Found([name for (name,) in found.keys], found.next_token)


def search_model_versions(
    ws: Workspace,
    filter: str | None = None,
    order_by: Sequence[str] = (),
    *,
    limit: int = 10_000,
    token: str | None = None,
) -> Found[tuple[str, int]]:
    """The versions that match, as (model, number), never a deleted one: the last changed first, or as asked.

    `filter` and `order_by` as core.search reads them. Raises BadSearch, BadToken.
    """
    order = parse_order("model_versions", order_by) or _NEWEST
    tags = version_tags
    of_version = sa.and_(tags.c.model == versions.c.model, tags.c.number == versions.c.number)
    matching = _matching(ws, "model_versions", filter, _VERSIONS, versions.c.model, tags, of_version)
    query = sa.select(versions.c.model, versions.c.number).where(versions.c.stage != DELETED, matching)
    segment = Segment([query], _sorts(_VERSIONS, (*order, *_NEWEST[1:])))
    with ws.database.reading() as connection:
        found = page(connection, [segment], ["model_versions", filter or "", list(order_by)], limit, token)
    return Found([(model, number) for model, number in found.keys], found.next_token)


def _sorts(columns: Mapping[str, sa.ColumnElement[Any]], order: Sequence[OrderTerm]) -> list[Sort]:
    directions: dict[str, bool] = {}
    for term in order:
        directions.setdefault(term.key, term.ascending)
    return [Sort(columns[key], ascending) for key, ascending in directions.items()]


def _matching(
    ws: Workspace,
    kind: Kind,
    filter: str | None,
    columns: Mapping[str, sa.ColumnElement[Any]],
    name: sa.ColumnElement[str],
    tags: sa.Table,
    own: Clause,
) -> Clause:
    """What a filter asks of a row, prompts left out unless it asks for them. `own` joins a row with its tags."""
    parsed, sqlite = parse_filter(kind, filter), ws.database.is_sqlite
    prompts = _asks_for_prompts(parsed)

    def clause(comparison: Comparison) -> Clause:
        operator, value = comparison.operator, comparison.value
        if comparison.entity == "tag":
            if comparison.key == PROMPT_TAG and not prompts:
                return sa.true()
            named = sa.and_(own, tags.c.name == comparison.key)
            if operator == "IS NULL":
                return ~sa.exists().where(named)
            return sa.exists().where(named, text_clause(tags.c.value, operator, value, sqlite=sqlite))
        column = columns[comparison.key]
        if comparison.key == "version_number":
            return plain_clause(column, operator, value)
        return text_clause(column, operator, value, sqlite=sqlite)

    matching = where(parsed.expression, clause)
    if prompts:
        return matching
    marked = tags.alias("marked")
    is_prompt = sa.exists().where(marked.c.model == name, marked.c.name == PROMPT_TAG, marked.c.value == "true")
    return sa.and_(matching, ~is_prompt)


def _asks_for_prompts(parsed: Parsed) -> bool:
    """Whether the first thing said of the prompt tag is that it be true."""
    for comparison in comparisons(parsed.expression):
        if comparison.entity == "tag" and comparison.key == PROMPT_TAG:
            said = str(comparison.value).lower()
            return (comparison.operator, said) in (("=", "true"), ("!=", "false"))
    return False
