"""Reading a GraphQL query: which fields it asks for, and with what arguments.

As much of the language as queries of a page are written in: operations, arguments, variables, aliases, fragments.
Directives are passed over. Nothing is looked up here; see `graphql`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from noria.server.mlflow.faults import Refused, invalid

_TOKEN = re.compile(
    r'[\s,\ufeff]+|#[^\n]*|(?P<token>\.\.\.|[!$&()=:@\[\]{}|]|"(?:[^"\\\n]|\\.)*"'
    r"|[_A-Za-z]\w*|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
)
_MOST_TOKENS = 5_000
_DEEPEST = 25
_MOST_FIELDS = 50
_WORDS = {"true": True, "false": False, "null": None}


@dataclass
class Field:
    """A field that is asked for: its name, the name of its answer, its arguments, and the fields of it."""

    name: str
    key: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    fields: list[Field] = field(default_factory=list)

    def child(self, name: str) -> Field | None:
        """One of its fields, if it is asked for."""
        return next((one for one in self.fields if one.name == name), None)


def read_query(text: str, operation: str | None, variables: Mapping[str, Any]) -> list[Field]:
    """The fields that an operation of a query asks for. Raises Refused for text that is none."""
    reader = _Reader(_tokens(text), variables)
    operations: dict[str, list[Field]] = {}
    while not reader.done:
        if reader.peek() == "{":
            operations[""] = reader.selection(0)
            continue
        word, name = reader.take(), ""
        if word == "fragment":
            name = reader.take()
            reader.skip_to("{")
            reader.fragments[name] = reader.selection(0)
        elif word in ("query", "mutation"):
            name = reader.take() if reader.peek() not in ("{", "(", "@") else ""
            reader.skip_to("{")
            operations[name] = reader.selection(0)
        else:
            raise _refusal(f"{word!r} is not understood here")
    if not operations or (operation and operation not in operations):
        raise _refusal(f"there is no operation {operation or ''!r}")
    return _with_fragments(operations[operation or next(iter(operations))], reader.fragments, 0)


class _Reader:
    """Tokens, taken from the front."""

    def __init__(self, tokens: list[str], variables: Mapping[str, Any]) -> None:
        self._tokens = tokens
        self._at = 0
        self._variables = variables
        self.fragments: dict[str, list[Field]] = {}

    @property
    def done(self) -> bool:
        return self._at >= len(self._tokens)

    def peek(self) -> str:
        return "" if self.done else self._tokens[self._at]

    def take(self, wanted: str | None = None) -> str:
        token = self.peek()
        if not token or (wanted is not None and token != wanted):
            raise _refusal(f"{wanted or 'more'!r} is missing" + (f" before {token!r}" if token else " at its end"))
        self._at += 1
        return token

    def skip_to(self, wanted: str) -> None:
        """Pass over variables' types, a fragment's type, directives."""
        while self.peek() != wanted:
            if self.take() == "(":
                self._skip_brackets()

    def selection(self, depth: int) -> list[Field]:
        if depth > _DEEPEST:
            raise _refusal("it is nested too deeply")
        self.take("{")
        found: list[Field] = []
        while self.peek() != "}":
            found.append(self._field(depth))
        self.take("}")
        return found

    def _field(self, depth: int) -> Field:
        if self.peek() == "...":
            self.take()
            if self.peek() in ("on", "{", "@"):
                self.skip_to("{")
                return Field("...", "", fields=self.selection(depth + 1))
            return Field("...", self.take())
        name = key = self.take()
        if self.peek() == ":":
            self.take()
            name = self.take()
        arguments = self._arguments(depth) if self.peek() == "(" else {}
        while self.peek() == "@":
            self.take()
            self.take()
            if self.peek() == "(":
                self.take()
                self._skip_brackets()
        return Field(name, key, arguments, self.selection(depth + 1) if self.peek() == "{" else [])

    def _arguments(self, depth: int) -> dict[str, Any]:
        self.take("(")
        found = {}
        while self.peek() != ")":
            name = self.take()
            self.take(":")
            found[name] = self._value(depth + 1)
        self.take(")")
        return found

    def _value(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise _refusal("it is nested too deeply")
        token = self.take()
        if token == "$":
            return self._variables.get(self.take())
        if token == "[":
            items = []
            while self.peek() != "]":
                items.append(self._value(depth + 1))
            self.take("]")
            return items
        if token == "{":
            named = {}
            while self.peek() != "}":
                name = self.take()
                self.take(":")
                named[name] = self._value(depth + 1)
            self.take("}")
            return named
        return _plain(token)

    def _skip_brackets(self) -> None:
        deep = 1
        while deep:
            token = self.take()
            deep += (token == "(") - (token == ")")


def _plain(token: str) -> Any:
    if token in _WORDS:
        return _WORDS[token]
    if token[0] == '"' or token[0] in "-0123456789":
        try:
            return json.loads(token)
        except ValueError:
            raise _refusal(f"{token[:40]!r} is no value") from None
    return token  # an enum's


def _with_fragments(fields: list[Field], fragments: Mapping[str, list[Field]], depth: int) -> list[Field]:
    """Fields with those of the fragments in their place."""
    if depth > _DEEPEST:
        raise _refusal("it is nested too deeply")
    found: list[Field] = []
    for one in fields:
        if one.name != "...":
            found.append(Field(one.name, one.key, one.arguments, _with_fragments(one.fields, fragments, depth + 1)))
            continue
        if one.key and one.key not in fragments:
            raise _refusal(f"there is no fragment {one.key!r}")
        found.extend(_with_fragments(fragments[one.key] if one.key else one.fields, fragments, depth + 1))
        if len(found) > _MOST_FIELDS:
            raise _refusal(f"it asks for more than {_MOST_FIELDS} fields in one place")
    return found


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _refusal(f"{text[at : at + 20]!r} is not understood")
        at = match.end()
        if match["token"]:
            found.append(match["token"])
        if len(found) > _MOST_TOKENS:
            raise _refusal("it is too long")
    return found


def _refusal(why: str) -> Refused:
    return invalid(f"The GraphQL query cannot be read: {why}.")
