"""Search of logged models.

A metric filter asks whether any of a model's values meets it, on one of the data sets if some are named; an order by
a metric takes the newest value, on the data set that the order names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from noria.core.errors import BadInput
from noria.core.search.model import Comparison, OrderTerm, comparisons
from noria.core.search.order import parse_model_order
from noria.core.search.parser import parse_filter
from noria.stores.clauses import Clause, moment_clause, number_clause, text_clause, where
from noria.stores.pages import Found, Segment, Sort, nullable, page
from noria.tracking.tables import logged_model_metrics, logged_model_params, logged_model_tags, logged_models, runs
from noria.workspace.workspace import Workspace

_NUMBERS = {"PENDING": "1", "READY": "2", "FAILED": "3"}
"""The states as MLflow's clients may write them, for that is how its database keeps them."""

_STATE = sa.func.upper(logged_models.c.state, type_=sa.Text)
_STATE_NUMBER = sa.case(_NUMBERS, value=_STATE, else_="0")

_TEXTS: Mapping[str, sa.ColumnElement[Any]] = {
    "name": logged_models.c.name,
    "model_id": logged_models.c.id,
    "model_type": logged_models.c.kind,
    "source_run_id": logged_models.c.source_run,
    "experiment_id": sa.cast(logged_models.c.experiment, sa.Text),
    "artifact_location": logged_models.c.artifact_root,
    "lifecycle_stage": logged_models.c.stage,
    "status_message": logged_models.c.state_message,
}
_ORDERED: Mapping[str, sa.ColumnElement[Any]] = {
    **_TEXTS,
    "status": _STATE_NUMBER,
    "experiment_id": logged_models.c.experiment,
    "creation_timestamp_ms": logged_models.c.created,
    "last_updated_timestamp_ms": logged_models.c.updated,
}
_NULLABLE = ("model_type", "source_run_id", "status_message")
_MOST_GROUPS = 20
_metrics = logged_model_metrics


def search_logged_models(
    ws: Workspace,
    experiments: Sequence[int],
    filter: str | None = None,
    order_by: Sequence[Mapping[str, Any]] = (),
    datasets: Sequence[Mapping[str, Any]] = (),
    *,
    limit: int = 100,
    token: str | None = None,
) -> Found[int]:
    """The keys of the logged models that match: newest first where the order leaves it open, then by id.

    `order_by` holds objects with `field_name`, `ascending`, `dataset_name`, `dataset_digest`; `datasets` objects with
    `dataset_name` and perhaps `dataset_digest`. Raises BadSearch, BadToken, BadInput for a data set without a name.
    """
    parsed, order = parse_filter("logged_models", filter), parse_model_order(order_by)
    asked, wanted = sorted(set(experiments)), [_dataset(each) for each in datasets]
    question = ["logged_models", asked, filter or "", [dict(each) for each in order_by], wanted]
    on = sa.or_(*(_on(name, digest) for name, digest in wanted)) if wanted else sa.true()
    sqlite = ws.database.is_sqlite
    matching = where(parsed.expression, lambda comparison: _clause(comparison, on, sqlite=sqlite))
    if wanted and not any(each.entity == "metric" for each in comparisons(parsed.expression)):
        matching = sa.and_(matching, sa.exists().where(_metrics.c.model == logged_models.c.key, on))
    query = sa.select(logged_models.c.key).where(logged_models.c.stage == "active", matching)
    with ws.database.reading() as connection:
        segments = [Segment(_groups(query, asked), _sorts(order))] if asked else []
        found = page(connection, segments, question, limit, token)
    return Found([key for (key,) in found.keys], found.next_token)


def _dataset(asked: Mapping[str, Any]) -> tuple[str, str | None]:
    name, digest = asked.get("dataset_name"), asked.get("dataset_digest")
    if not name or not isinstance(name, str) or not isinstance(digest, str | None):
        raise BadInput(
            "a data set to search by has no name", hint="give its dataset_name, and dataset_digest if needed"
        )
    return name, digest or None


def _on(name: str, digest: str | None) -> Clause:
    named = _metrics.c.dataset_name == name
    return sa.and_(named, _metrics.c.dataset_digest == digest) if digest else named


def _groups(query: sa.Select[Any], experiments: Sequence[int]) -> list[sa.Select[Any]]:
    if len(experiments) > _MOST_GROUPS:
        return [query.where(logged_models.c.experiment.in_(experiments))]
    return [query.where(logged_models.c.experiment == experiment) for experiment in experiments]


def _sorts(order: Sequence[OrderTerm]) -> list[Sort]:
    sorts: list[Sort] = []
    for term in order:
        sorts += _sort(term)
    asked = {term.key for term in order if term.entity == "attribute"}
    if "creation_timestamp_ms" not in asked:
        sorts.append(Sort(logged_models.c.created, ascending=False))
    return sorts if "model_id" in asked else [*sorts, Sort(logged_models.c.id)]


def _sort(term: OrderTerm) -> list[Sort]:
    if term.entity == "attribute":
        column = _ORDERED[term.key]
        plain = [Sort(column, term.ascending)]
        return nullable(column, "", ascending=term.ascending) if term.key in _NULLABLE else plain
    of_model = [_metrics.c.model == logged_models.c.key, _metrics.c.name == term.key]
    if term.dataset_name:
        of_model.append(_metrics.c.dataset_name == term.dataset_name)
    if term.dataset_digest:
        of_model.append(_metrics.c.dataset_digest == term.dataset_digest)
    newest = (_metrics.c.at.desc(), _metrics.c.step.desc(), runs.c.id)
    along = _metrics.join(runs, runs.c.key == _metrics.c.run)
    is_nan, value = (
        sa.select(column).select_from(along).where(*of_model).order_by(*newest).limit(1).scalar_subquery()
        for column in (_metrics.c.is_nan, sa.case((_metrics.c.is_nan == 1, 0.0), else_=_metrics.c.value))
    )
    return [Sort(sa.func.coalesce(is_nan, 2)), Sort(sa.func.coalesce(value, 0.0), term.ascending)]


def _clause(comparison: Comparison, on: Clause, *, sqlite: bool) -> Clause:
    """One comparison. A model without the key meets none but IS NULL."""
    entity, key, operator, value = comparison.entity, comparison.key, comparison.operator, comparison.value
    if entity == "attribute":
        return _attribute(comparison, sqlite=sqlite)
    if entity == "metric":
        row = number_clause(_metrics.c.value, _metrics.c.is_nan, operator, value)
        return sa.exists().where(_metrics.c.model == logged_models.c.key, _metrics.c.name == key, row, on)
    table = logged_model_params if entity == "param" else logged_model_tags
    named = sa.and_(table.c.model == logged_models.c.key, table.c.name == key)
    if operator == "IS NULL":
        return ~sa.exists().where(named)
    return sa.exists().where(named, text_clause(table.c.value, operator, value, sqlite=sqlite))


def _attribute(comparison: Comparison, *, sqlite: bool) -> Clause:
    key, operator, value = comparison.key, comparison.operator, comparison.value
    if key in ("creation_timestamp_ms", "last_updated_timestamp_ms"):
        return moment_clause(_ORDERED[key], operator, value)
    if key == "experiment_id" and isinstance(value, str) and value.isdecimal():
        value = value.lstrip("0") or "0"  # a number in MLflow's database
    if key != "status":
        return text_clause(_TEXTS[key], operator, value, sqlite=sqlite)
    texts = value if isinstance(value, tuple) else (str(value),)
    column = _STATE_NUMBER if all(text.isdecimal() for text in texts) else _STATE
    return text_clause(column, operator, value, sqlite=sqlite)
