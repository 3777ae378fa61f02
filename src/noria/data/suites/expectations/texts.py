"""Texts: regular expressions, LIKE patterns, lengths.

Regular expressions are run by RE2, whose time grows with the text and never explodes; look-around and
back-references, which need a machine that can, are not run. RE2's `\\d`, `\\w`, `\\s` are ASCII.
"""

from __future__ import annotations

import re
from functools import cache

from noria.data.suites import quoting
from noria.data.suites.asking import Asking, map_column
from noria.data.suites.expectations.bounds import sql_between
from noria.data.suites.fields import Field
from noria.data.suites.plan import NotRun, Plan, Refused

_LONGEST = 10_000


def matches(asked: Asking) -> Plan:
    """Every cell has a match of `regex` somewhere."""
    field = asked.column()
    return map_column(asked, field, _regex(field, asked.text("regex")))


def matches_not(asked: Asking) -> Plan:
    """No cell has a match of `regex` anywhere."""
    field = asked.column()
    return map_column(asked, field, f"NOT {_regex(field, asked.text('regex'))}")


def matches_some(asked: Asking) -> Plan:
    """Every cell has a match of any (`match_on`: all) of `regex_list`."""
    field = asked.column()
    on = asked.kwargs.get("match_on", "any")
    if on not in ("any", "all"):
        raise Refused(f"match_on is 'any' or 'all', not {on!r:.40}")
    return map_column(asked, field, _several(asked, field, "AND" if on == "all" else "OR"))


def matches_none(asked: Asking) -> Plan:
    """No cell has a match of any of `regex_list`."""
    field = asked.column()
    return map_column(asked, field, f"NOT {_several(asked, field, 'OR')}")


def like(asked: Asking) -> Plan:
    """Every cell is LIKE `like_pattern`."""
    field = asked.column()
    return map_column(asked, field, _like(field, asked.text("like_pattern")))


def like_not(asked: Asking) -> Plan:
    """No cell is LIKE `like_pattern`."""
    field = asked.column()
    return map_column(asked, field, f"NOT {_like(field, asked.text('like_pattern'))}")


def like_some(asked: Asking) -> Plan:
    """Every cell is LIKE any (`match_on`: all) of `like_pattern_list`."""
    field = asked.column()
    word = " AND " if asked.kwargs.get("match_on") == "all" else " OR "
    return map_column(asked, field, f"({word.join(_patterns(asked, field))})")


def like_none(asked: Asking) -> Plan:
    """No cell is LIKE any of `like_pattern_list`."""
    field = asked.column()
    return map_column(asked, field, f"NOT ({' OR '.join(_patterns(asked, field))})")


def length(asked: Asking) -> Plan:
    """Every cell, as text, has `value` characters."""
    field = asked.column()
    wanted = asked.number("value")
    if wanted is None:
        raise Refused("value is not given")
    return map_column(asked, field, f"length({field.text}) = {quoting.value(wanted)}")


def length_within(asked: Asking) -> Plan:
    """Every cell, as text, has a number of characters within bounds."""
    field = asked.column()
    asked.number("min_value"), asked.number("max_value")
    return map_column(asked, field, sql_between(asked, _Length(field.name, "BIGINT")))


class _Length(Field):
    """The length of a text column's cells, in the place of the cells."""

    @property
    def sql(self) -> str:
        return f"length({quoting.name(self.name)}::VARCHAR)"


def _regex(field: Field, pattern: str) -> str:
    checked(pattern)
    return f"regexp_matches({field.text}, {quoting.text(pattern)})"


@cache
def checked(pattern: str) -> None:
    """Whether RE2 runs the pattern. Raises Refused when it is wrong, NotRun when only RE2 does not know it."""
    import duckdb

    if len(pattern) > _LONGEST:
        raise Refused(f"the regular expression has {len(pattern):,} characters; {_LONGEST:,} are allowed")
    try:
        with duckdb.connect() as connection:
            connection.execute(f"SELECT regexp_matches('', {quoting.text(pattern)})")
    except duckdb.Error as error:
        said = str(error).partition(": ")[2]
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError):
            raise Refused(f"{pattern[:80]!r} is no regular expression: {said}") from error
        raise NotRun(f"{pattern[:80]!r} needs a backtracking machine, which is not run: {said}") from error


def _several(asked: Asking, field: Field, word: str) -> str:
    patterns = [one for one in asked.values("regex_list") if isinstance(one, str)]
    if not patterns or len(patterns) < len(asked.values("regex_list")):
        raise Refused("regex_list must be a list of texts, at least one")
    return "(" + f" {word} ".join(_regex(field, one) for one in patterns) + ")"


def _like(field: Field, pattern: str) -> str:
    return f"({field.text} LIKE {quoting.text(pattern)})"


def _patterns(asked: Asking, field: Field) -> list[str]:
    given = asked.values("like_pattern_list")
    if not given or not all(isinstance(one, str) for one in given):
        raise Refused("like_pattern_list must be a list of texts, at least one")
    return [_like(field, one) for one in given]


CATALOGUE = {
    "expect_column_values_to_match_regex": matches,
    "expect_column_values_to_not_match_regex": matches_not,
    "expect_column_values_to_match_regex_list": matches_some,
    "expect_column_values_to_not_match_regex_list": matches_none,
    "expect_column_values_to_match_like_pattern": like,
    "expect_column_values_to_not_match_like_pattern": like_not,
    "expect_column_values_to_match_like_pattern_list": like_some,
    "expect_column_values_to_not_match_like_pattern_list": like_none,
    "expect_column_value_lengths_to_equal": length,
    "expect_column_value_lengths_to_be_between": length_within,
}
