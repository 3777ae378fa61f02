"""Comparisons of a search as SQL, the same on SQLite and PostgreSQL.

LIKE minds case, ILIKE does not, `%` and `_` are the only signs with a meaning. SQLite's own LIKE does not mind case
unless a PRAGMA says so for the whole connection; GLOB does, so a pattern is written as GLOB wants it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from noria.core.search.model import And, Comparison, Expression, Or, Value

Clause = sa.ColumnElement[bool]

_MILLI = 1000
_FARTHEST = 2**63 // _MILLI - 1
"""Milliseconds that still fit into a column of microseconds."""


def where(expression: Expression | None, clause: Callable[[Comparison], Clause]) -> Clause:
    """A tree of comparisons as one condition; `clause` says what a single one is. NOT takes unknown for false."""
    if expression is None:
        return sa.true()
    if isinstance(expression, Comparison):
        return clause(expression)
    if isinstance(expression, And):
        return sa.and_(sa.true(), *(where(operand, clause) for operand in expression.operands))
    if isinstance(expression, Or):
        return sa.or_(sa.false(), *(where(operand, clause) for operand in expression.operands))
    return sa.not_(sa.func.coalesce(where(expression.operand, clause), sa.false()))


def text_clause(column: sa.ColumnElement[Any], operator: str, value: Value, *, sqlite: bool) -> Clause:
    """A text compared. A null column meets no operator but IS NULL."""
    if operator in ("LIKE", "NOT LIKE"):
        pattern = str(value)
        like = column.op("GLOB", is_comparison=True)(glob(pattern)) if sqlite else column.like(pattern, escape="")
        return like if operator == "LIKE" else sa.not_(like)
    if operator in ("ILIKE", "NOT ILIKE"):
        ilike = column.op("LIKE", is_comparison=True)(value) if sqlite else column.ilike(str(value), escape="")
        return ilike if operator == "ILIKE" else sa.not_(ilike)
    return plain_clause(column, operator, value)


def plain_clause(column: sa.ColumnElement[Any], operator: str, value: Value) -> Clause:
    """Equality, order, membership and nullness."""
    if operator in ("IS NULL", "IS NOT NULL"):
        return column.is_(None) if operator == "IS NULL" else column.is_not(None)
    if operator in ("IN", "NOT IN"):
        members = value if isinstance(value, tuple) else (value,)
        return column.in_(members) if operator == "IN" else column.not_in(members)
    return column.op({"!=": "<>"}.get(operator, operator), is_comparison=True)(value)


def moment_clause(column: sa.ColumnElement[Any], operator: str, value: Value) -> Clause:
    """A column of microseconds compared with milliseconds: it counts as the millisecond that it lies in."""
    if operator in ("IS NULL", "IS NOT NULL"):
        return plain_clause(column, operator, value)
    if not isinstance(value, int | float) or math.isnan(value):
        return sa.false()
    wanted = max(min(value, _FARTHEST), -_FARTHEST)
    low, high = math.floor(wanted), math.ceil(wanted)
    start, end = low * _MILLI, (low + 1) * _MILLI
    if operator in ("=", "!="):
        within = sa.and_(column >= start, column < end) if low == high else sa.and_(column.is_not(None), sa.false())
        return within if operator == "=" else sa.and_(column.is_not(None), sa.not_(within))
    clauses = {"<": column < high * _MILLI, "<=": column < end, ">": column >= end, ">=": column >= high * _MILLI}
    return clauses[operator]


def number_clause(value: sa.ColumnElement[Any], is_nan: sa.ColumnElement[Any], operator: str, wanted: Value) -> Clause:
    """A number compared that may be NaN, which is kept beside it: NaN differs from everything and is nothing else."""
    if isinstance(wanted, float) and math.isnan(wanted):
        return sa.false()
    compared = plain_clause(value, operator, wanted)
    return sa.or_(is_nan == 1, compared) if operator == "!=" else sa.and_(is_nan == 0, compared)


def glob(pattern: str) -> str:
    """A LIKE pattern as SQLite's GLOB writes it.

    >>> glob("50*_%")
    '50[*]?*'
    """
    return "".join(_GLOB.get(character, character) for character in pattern)


_GLOB = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
