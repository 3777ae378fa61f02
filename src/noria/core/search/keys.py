"""The left side of a comparison: `metrics.auc`, ``tags.`mlflow.user` ``, `status`.

What stands before the first dot is the entity, the rest its key, quotes taken off; without a dot it is an attribute.
Each search of MLflow has rules of its own for quotes, which `Naming` names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from noria.core.search.grammars import Grammar, Naming
from noria.core.search.model import Entity
from noria.core.suggest import did_you_mean

_PLURAL = re.compile(r"([a-z]+)\.(.+)")


class UnknownKey(Exception):
    """No such entity or attribute here; the reader of the text says where."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Key:
    """An entity and its key, and what MLflow would not have taken about them."""

    entity: Entity
    name: str
    extensions: frozenset[str] = field(default_factory=frozenset)


def read_key(grammar: Grammar, raw: str) -> Key:
    """The key that a left side names. Raises UnknownKey."""
    if grammar.naming is Naming.LOGGED_MODELS:
        return _read_logged(grammar, raw)
    word, dot, rest = raw.partition(".")
    if not dot:
        word, rest = "attribute", raw
    elif grammar.naming is Naming.RUNS:
        word = _without(word, "`")
    entity = _entity(grammar, word)
    name = unquoted(rest)
    if entity == "dataset" and name not in grammar.datasets:
        raise _unknown("attribute of a dataset", name, grammar.datasets)
    if entity != "attribute":
        return Key(entity, name)
    quoted = grammar.naming is Naming.REGISTRY and name != rest
    return Key(entity, _attribute(grammar, name), frozenset({"quoted attribute"} if quoted else ()))


def unquoted(name: str) -> str:
    """A key without its quotes, and then without its backticks.

    >>> unquoted("`val/loss`")
    'val/loss'
    """
    for quote in ("'", '"'):
        if name != (bare := _without(name, quote)):
            return _without(bare, "`")
    return _without(name, "`")


def order_entity(grammar: Grammar, word: str) -> Entity:
    """The entity that the word before a dot means. Raises UnknownKey."""
    return _entity(grammar, word)


def _read_logged(grammar: Grammar, raw: str) -> Key:
    match = _PLURAL.fullmatch(raw)
    if match is None:
        return Key("attribute", _attribute(grammar, grammar.aliases.get(raw, raw).strip("`"), aliased=False))
    entity, name = _entity(grammar, match.group(1)), match.group(2).strip("`")
    return Key(entity, _attribute(grammar, name, aliased=False) if entity == "attribute" else name)


def _entity(grammar: Grammar, word: str) -> Entity:
    if word not in grammar.entities:
        raise _unknown("part of these", word, grammar.entities)
    return grammar.entities[word]


def _attribute(grammar: Grammar, name: str, *, aliased: bool = True) -> str:
    name = grammar.aliases.get(name, name) if aliased else name
    if name not in grammar.attributes:
        raise _unknown("attribute", name, grammar.attributes)
    return name


def _unknown(what: str, name: str, known: object) -> UnknownKey:
    names = sorted(str(each) for each in known)  # type: ignore[attr-defined]
    hint = did_you_mean(name, names)
    if not hint and what == "attribute":
        hint = f"a metric, parameter or tag is written metrics.{name}, params.{name} or tags.{name}"
    return UnknownKey(f"there is no {what} {name!r}; there are: {', '.join(names)}", hint)


def _without(text: str, quote: str) -> str:
    quoted = len(text) >= 2 and text.startswith(quote) and text.endswith(quote)
    return text[1:-1] if quoted else text
