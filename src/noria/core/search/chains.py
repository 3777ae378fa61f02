"""Walks over tokens: a name with what follows it after dots, and what stands between brackets."""

from __future__ import annotations

import re

from noria.core.search.lexer import RESERVED, Token
from noria.core.search.model import BadSearch

NAMES = frozenset({"word", "name", "symbol"})
_AFTER_DOT = NAMES | {"text"}
NO_NAMES = RESERVED | {"LIKE", "ILIKE", "IS", "NOT", "ASC", "DESC", "AND", "OR"}
"""Words that are never a name where no dot stands right before them."""

_TAKEN = frozenset({"PARAMETER", "PARAMETERS"})
"""Entities that are SQL keywords to MLflow's tokenizer, unless a dot and a letter follow."""


class Cursor:
    """The tokens of one text, and how far they are read. `what` is the text's name in errors."""

    def __init__(self, text: str, found: list[Token], what: str) -> None:
        self.text = text
        self.what = what
        self.place = 0
        self.reserved = False
        """Whether a key was met that is one of the reserved words, unquoted."""
        self._tokens = found

    @property
    def token(self) -> Token:
        return self._tokens[self.place]

    @property
    def following(self) -> Token:
        return self._tokens[min(self.place + 1, len(self._tokens) - 1)]

    @property
    def before(self) -> Token:
        return self._tokens[self.place - 1]

    def take(self) -> Token:
        """The next token, read."""
        token = self.token
        self.place += token.kind != "end"
        return token

    def taken(self, *words: str) -> bool:
        """Whether these words come next; if they do, they are read."""
        ahead = self._tokens[self.place : self.place + len(words)]
        if [token.upper for token in ahead] != list(words):
            return False
        self.place += len(words)
        return True

    def is_point(self, character: str) -> bool:
        """Whether this bracket, dot or star comes next."""
        return self.token.kind == "point" and self.token.text == character

    def wrong(self, message: str, position: int | None = None, hint: str = "") -> BadSearch:
        """The error that says where."""
        at = self.token.start if position is None else position
        return BadSearch(self.text, at, message, what=self.what, hint=hint)

    def chain(self) -> int:
        """Reads a name and what follows it after dots, such as `metrics.a.b`; gives its end."""
        first = self.take()
        end, dotted = first.end, True
        if first.upper in _TAKEN and re.match(r"\.\d", self.text[end : end + 2]):
            self.reserved = True
        while True:
            if dotted and self.is_point("."):
                end = self.take().end
                if self._continues(end):
                    end, dotted = self._part()
            elif self.is_point("["):
                end, dotted = self.bracketed("[", "]"), False
            else:
                return end

    def _continues(self, end: int) -> bool:
        if self.token.kind == "word" and self.token.start > end:
            return self.token.upper not in NO_NAMES
        return self.token.kind in _AFTER_DOT or self.is_point("*")

    def _part(self) -> tuple[int, bool]:
        """Reads what stands after a dot; gives its end, and whether a dot may follow."""
        part = self.take()
        if part.upper in RESERVED:
            self.reserved = True
        if part.kind == "word" and self.is_point("(") and self.token.start == part.end:
            return self.bracketed("(", ")"), False
        return part.end, part.kind in NAMES

    def bracketed(self, opening: str, closing: str) -> int:
        """Reads up to the bracket that closes the one which is next; gives where that ends."""
        first, depth = self.token, 0
        while True:
            depth += self.is_point(opening) - self.is_point(closing)
            token = self.take()
            if token.kind == "end":
                raise self.wrong(f"{opening} is never closed", first.start)
            if not depth:
                return token.end
