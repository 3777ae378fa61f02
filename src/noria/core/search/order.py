"""Reads an order: a list of keys, each with ASC or DESC; logged models take a list of JSON objects instead."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from noria.core.search.chains import NAMES, Cursor
from noria.core.search.grammars import GRAMMARS, LOGGED_MODELS, Grammar
from noria.core.search.keys import Key, UnknownKey, order_entity, unquoted
from noria.core.search.lexer import tokens
from noria.core.search.model import BadSearch, Kind, OrderTerm
from noria.core.suggest import did_you_mean

MOST_TERMS = 100
"""How many keys an order may have: a database joins one table for each."""


def parse_order(kind: Kind, clauses: Sequence[str]) -> tuple[OrderTerm, ...]:
    """The meaning of `["metrics.auc DESC", ...]`. Raises BadSearch, also for a key that is named twice."""
    grammar = GRAMMARS[kind]
    _check_count(clauses)
    terms = tuple(_term(grammar, clause) for clause in clauses)
    if kind != "experiments":  # there the first of two counts
        _check_distinct(terms, clauses)
    return terms


def parse_model_order(clauses: Iterable[Mapping[str, Any]]) -> tuple[OrderTerm, ...]:
    """The order of logged models: `field_name`, `ascending`, `dataset_name`, `dataset_digest`. Raises BadSearch."""
    listed = list(clauses)
    _check_count(listed)
    return tuple(_model_term(clause) for clause in listed)


def _check_count(clauses: Sequence[object]) -> None:
    if len(clauses) > MOST_TERMS:
        said = f"it has {len(clauses)} keys, and {MOST_TERMS} are the most"
        raise BadSearch("", 0, said, what="order")


def _check_distinct(terms: Sequence[OrderTerm], clauses: Sequence[str]) -> None:
    seen: set[tuple[str, str]] = set()
    for term, clause in zip(terms, clauses, strict=True):
        if (term.entity, term.key) in seen:
            raise BadSearch(clause, 0, f"the order names {term.key!r} twice", what="order")
        seen.add((term.entity, term.key))


def _term(grammar: Grammar, clause: str) -> OrderTerm:
    _check_shape(clause)
    try:
        words = shlex.split(clause.replace("`", '"'))
    except ValueError as error:
        raise BadSearch(clause, 0, str(error), what="order") from None
    if len(words) > 2 or (len(words) == 2 and words[1].lower() not in ("asc", "desc")):
        raise BadSearch(clause, 0, "expected one key, and ASC or DESC after it", what="order")
    raw = words[0] if len(words) == 2 else clause
    try:
        key = _key(grammar, raw.strip())
    except UnknownKey as unknown:
        raise BadSearch(clause, 0, unknown.message, what="order", hint=unknown.hint) from None
    return OrderTerm(key.entity, key.name, len(words) < 2 or words[1].lower() == "asc")


def _check_shape(clause: str) -> None:
    """A key, then perhaps a direction, and no blanks around."""
    cursor = Cursor(clause, tokens(clause, "order"), "order")
    if cursor.token.kind not in NAMES or clause.strip() != clause:
        raise cursor.wrong("expected a key such as metrics.auc, without blanks around it")
    cursor.chain()
    if cursor.reserved:
        raise cursor.wrong("a key is a reserved word", 0, "put it in backticks")
    if cursor.token.upper in ("ASC", "DESC"):
        cursor.take()
    if cursor.token.kind != "end":
        hint = "put a key with other characters than letters, digits and _ in backticks"
        raise cursor.wrong(f"expected ASC, DESC or the end, found {cursor.token}", hint=hint)


def _key(grammar: Grammar, raw: str) -> Key:
    if grammar.kind == "registered_models":
        return Key("attribute", _attribute(grammar, raw))
    word, dot, rest = raw.partition(".")
    if not dot:
        return Key("attribute", _attribute(grammar, unquoted(raw)))
    entity = order_entity(grammar, word[1:-1] if grammar.kind == "runs" and _backticked(word) else word)
    name = unquoted(rest)
    if entity == "tag" and grammar.kind == "model_versions":
        entity = "attribute"  # MLflow does not look at the word here
    if entity not in grammar.order_entities:
        raise UnknownKey(f"there is no order by {entity}", f"order by {', '.join(sorted(grammar.order_entities))}")
    return Key(entity, _attribute(grammar, name) if entity == "attribute" else name)


def _backticked(word: str) -> bool:
    return len(word) >= 2 and word[0] == word[-1] == "`"


def _attribute(grammar: Grammar, name: str) -> str:
    if name not in grammar.orderable:
        known = ", ".join(sorted(grammar.orderable))
        raise UnknownKey(f"there is no order by {name!r}; there are: {known}", did_you_mean(name, grammar.orderable))
    return grammar.aliases.get(name, name)


def _model_term(clause: Mapping[str, Any]) -> OrderTerm:
    name, ascending = clause.get("field_name"), clause.get("ascending", True)
    dataset = clause.get("dataset_name") or None
    digest = clause.get("dataset_digest") or None
    if not isinstance(name, str) or not isinstance(ascending, bool):
        raise BadSearch("", 0, "an order is an object with a field_name, and true or false as ascending", what="order")
    if not all(value is None or isinstance(value, str) for value in (dataset, digest)):
        raise BadSearch(name, 0, "the name and digest of a dataset are texts", what="order")
    tokens_checked = "\0" not in f"{name}{dataset}{digest}"
    word, dot, rest = name.partition(".")
    if not tokens_checked or (dot and word != "metrics"):
        raise BadSearch(name, 0, "only attributes and metrics. have an order", what="order")
    if dot:
        return OrderTerm("metric", rest, ascending, dataset, digest)
    try:
        return OrderTerm("attribute", _attribute(LOGGED_MODELS, name), ascending)
    except UnknownKey as unknown:
        raise BadSearch(name, 0, unknown.message, what="order", hint=unknown.hint) from None
