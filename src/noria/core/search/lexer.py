"""A search text cut into tokens.

The shapes of numbers, strings and names are those that MLflow's SQL tokenizer knows, its oddities included:
a string ends at the last quote that is neither doubled nor escaped, `.5` after a name is a number, and a name
after a dot may not be one of six reserved words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from noria.core.search.model import BadSearch

LONGEST = 256 * 1024
"""Characters in a filter: room for some thousand run ids."""

MOST = 10_000
"""Tokens in a filter, as MLflow's parser has it."""

RESERVED = frozenset({"CASE", "IN", "VALUES", "USING", "FROM", "AS"})
"""Words that MLflow's tokenizer takes for SQL even after a dot: a key of that name must be quoted there."""

_LETTER = "A-ZÀ-Ü"
_TOKEN = re.compile(
    rf"""
    (?P<space>\s+)
  | (?P<comment>--|\#\ |/\*)
  | (?P<mark>\*|(?<=[\w\])])\[)
  | (?P<name>`(?:``|[^`])*`|(?<![\w\])])\[[^\]\[]+\])
  | (?P<hexadecimal>-?0x[\dA-F]+)
  | (?P<float>-?\d+(?:\.\d+)?E-?\d+|-?(?:\d+\.\d*|\.\d+)(?![_{_LETTER}]))
  | (?P<integer>-?\d+(?![_{_LETTER}]))
  | (?P<text>'(?:''|\\'|[^'])*')
  | (?P<symbol>"(?:""|\\"|[^"])*")
  | (?P<word>(?<=\.)[{_LETTER}]\w*|(?:@|\#\#?)[{_LETTER}]\w+|\w[$\#\w]*)
  | (?P<operator>[<>=~!]+)
  | (?P<sign>[+/@\#%^&|-]+)
  | (?P<point>[().,\[\]])
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text and where it stands. `kind` is a group of the pattern, or `end`."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def upper(self) -> str:
        """The text of a word as a keyword is written; of anything else, nothing."""
        return self.text.upper() if self.kind == "word" else ""

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text if len(self.text) <= 40 else self.text[:37] + "...")


def tokens(text: str, what: str = "filter") -> list[Token]:
    """The tokens of a text, blanks left out, an `end` at the end. Raises BadSearch."""
    _check_text(text, what)
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise BadSearch(text, position, _stray(text, position), what=what, hint=_QUOTING)
        kind = str(match.lastgroup)
        if kind == "comment":
            raise BadSearch(text, position, "a comment has no place here", what=what)
        if kind != "space":
            found.append(Token("point" if kind == "mark" else kind, match.group(), position))
        position = match.end()
        if len(found) > MOST:
            raise BadSearch(text, position, f"it has more than {MOST} tokens", what=what)
    found.append(Token("end", "", len(text)))
    return found


_QUOTING = "put a key with other characters than letters, digits and _ in backticks: metrics.`val/loss`"


def _check_text(text: str, what: str) -> None:
    if len(text) > LONGEST:
        raise BadSearch("", LONGEST, f"it has {len(text)} characters, and {LONGEST} are the most", what=what)
    for index, character in enumerate(text):
        if character == "\0" or "\ud800" <= character <= "\udfff":
            raise BadSearch(text, index, "a null byte or half a character, which no database keeps", what=what)


def _stray(text: str, position: int) -> str:
    character = text[position]
    if character in "'\"`":
        return f"the quote {character} is never closed"
    return f"{character!r} has no place here"
