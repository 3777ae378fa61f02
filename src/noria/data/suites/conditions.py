"""Row conditions: which rows an expectation is about, as SQL.

Four ways of writing are read: the objects of Great Expectations 1.x (`{"type": "comparison", ...}`), its
older texts (`col("age") > 18`, `col("age").notNull()`), the common part of pandas queries
(`age > 18 and sex == "m"`), and SQL where `condition_parser` is "duckdb". A missing cell is
unequal to everything, as in a data frame: `x != 5` keeps it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from noria.data.suites.comparing import in_set, literal
from noria.data.suites.fields import Field, find
from noria.data.suites.plan import NotRun, Refused

Fields = Mapping[str, Field]

_DEEPEST = 50
_OPERATORS = ("==", "!=", "<=", ">=", "<", ">")
_OLDER = re.compile(
    r"""^\s*col\(\s*(?P<a>["'])(?P<column>.*?)(?P=a)\s*\)\s*
        (?:\.(?P<notnull>not[nN]ull)\(\)
          |(?P<operator>==|!=|<=|>=|<|>)\s*(?:(?P<number>[+-]?[\d.]+(?:[eE][+-]?\d+)?)|(?P<b>["'])(?P<text>.*)(?P=b)
            |date\(\s*(?P<c>["'])(?P<date>.*?)(?P=c)\s*\)))\s*$""",
    re.VERBOSE | re.DOTALL,
)
_AST = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
        ast.In: "IN", ast.NotIn: "NOT_IN"}  # fmt: skip
_TURNED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def condition(given: Any, parser: str | None, fields: Fields) -> str:
    """The SQL of a row condition; it is never null.

    Raises Refused when a column is not there or a value cannot be compared, NotRun when it is written in a
    way that is not understood.
    """
    if given is None or given == "":
        return "TRUE"
    if isinstance(given, Mapping):
        return _object(given, fields, 0)
    if not isinstance(given, str):
        raise NotRun(f"the row condition {given!r:.60} is neither a text nor an object")
    if parser == "spark":
        raise NotRun("the row condition is written for Spark")
    if parser == "duckdb":
        return f"coalesce(({given}\n), FALSE)"
    if parser == "pandas":
        return _pandas(given, fields)
    return _older(given, fields)


def _object(given: Mapping[str, Any], fields: Fields, depth: int) -> str:
    if depth > _DEEPEST:
        raise NotRun(f"the row condition is nested more than {_DEEPEST} deep")
    kind = given.get("type")
    if kind in ("and", "or"):
        parts = [_object(one, fields, depth + 1) for one in given.get("conditions") or () if isinstance(one, Mapping)]
        if not parts:
            raise NotRun(f"the row condition has an {kind!r} of nothing")
        return "(" + f" {kind.upper()} ".join(parts) + ")"
    if kind == "pass_through":
        return _pandas(str(given.get("pass_through_filter")), fields)
    column = given.get("column")
    field = find(fields, column.get("name") if isinstance(column, Mapping) else column)
    if kind == "nullity":
        return f"({field.sql} IS {'' if given.get('is_null') else 'NOT '}NULL)"
    if kind == "comparison":
        return _comparison(field, str(given.get("operator")), given.get("parameter"))
    raise NotRun(f"a row condition of type {kind!r:.40} is not known")


def _comparison(field: Field, operator: str, value: Any) -> str:
    if operator in ("IN", "NOT_IN"):
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise Refused(f"the row condition compares {field.name!r} with {value!r:.60}, which is no list")
        inside = f"coalesce({in_set(field, value)}, FALSE)"
        return inside if operator == "IN" else f"(NOT {inside})"
    if operator not in _OPERATORS:
        raise NotRun(f"the row condition's operator {operator!r:.20} is not known")
    written = literal(field, value, "the row condition's value")
    if operator == "!=":
        return f"({field.sql} IS DISTINCT FROM {written})"
    return f"coalesce({field.sql} {'=' if operator == '==' else operator} {written}, FALSE)"


def _older(given: str, fields: Fields) -> str:
    found = _OLDER.match(given) if len(given) < 10_000 else None
    if found is None:
        raise NotRun(f"the row condition {given[:80]!r} is not understood")
    field = find(fields, found["column"])
    if found["notnull"]:
        return f"({field.sql} IS NOT NULL)"
    value: Any = found["text"] if found["text"] is not None else found["date"]
    if found["number"] is not None:
        value = _number(found["number"], given)
    return _comparison(field, found["operator"], value)


def _number(text: str, whole: str) -> int | float:
    for make in (int, float):
        try:
            return make(text)
        except ValueError:
            continue
    raise NotRun(f"the row condition {whole[:80]!r} is not understood")


def _pandas(given: str, fields: Fields) -> str:
    named = {f"column_{place}_": name for place, name in enumerate(dict.fromkeys(re.findall(r"`([^`]*)`", given)))}
    for stand_in, name in named.items():
        given = given.replace(f"`{name}`", stand_in)
    try:
        tree = ast.parse(given.strip(), mode="eval")
        return _Query(fields, named).sql(tree.body, 0)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotRun(f"the row condition {given[:80]!r} is not understood: {error}") from error


class _Query:
    """Translates the tree of a pandas query; what it does not know is not run."""

    def __init__(self, fields: Fields, named: Mapping[str, str]) -> None:
        self.fields, self.named = fields, named

    def sql(self, node: ast.expr, depth: int) -> str:
        if depth > _DEEPEST:
            raise NotRun(f"the row condition is nested more than {_DEEPEST} deep")
        if isinstance(node, ast.BoolOp):
            word = " AND " if isinstance(node.op, ast.And) else " OR "
            return "(" + word.join(self.sql(one, depth + 1) for one in node.values) + ")"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
            word = "AND" if isinstance(node.op, ast.BitAnd) else "OR"
            return f"({self.sql(node.left, depth + 1)} {word} {self.sql(node.right, depth + 1)})"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
            return f"(NOT {self.sql(node.operand, depth + 1)})"
        if isinstance(node, ast.Compare):
            return self.compare(node)
        if isinstance(node, ast.Call) and not node.args and not node.keywords:
            return self.nullity(node)
        raise NotRun(f"the row condition has {ast.unparse(node)[:60]!r}, which is not understood")

    def compare(self, node: ast.Compare) -> str:
        sides = [node.left, *node.comparators]
        parts = [
            self.pair(left, _AST.get(type(operator), ""), right)
            for left, operator, right in zip(sides, node.ops, sides[1:], strict=False)
        ]
        return "(" + " AND ".join(parts) + ")"

    def pair(self, left: ast.expr, operator: str, right: ast.expr) -> str:
        if not isinstance(left, ast.Name) and operator in _TURNED:
            left, operator, right = right, _TURNED[operator], left
        if not isinstance(left, ast.Name):
            raise NotRun(f"the row condition has {ast.unparse(left)[:60]!r}, which is no column")
        field = find(self.fields, self.named.get(left.id, left.id))
        if isinstance(right, ast.Name):
            other = find(self.fields, self.named.get(right.id, right.id))
            if operator == "!=":
                return f"({field.sql} IS DISTINCT FROM {other.sql})"
            if operator not in _TURNED:
                raise NotRun("the row condition looks a column up in a column")
            return f"coalesce({field.sql} {'=' if operator == '==' else operator} {other.sql}, FALSE)"
        value = ast.literal_eval(right)
        if isinstance(value, list | tuple | set) and operator in ("==", "!="):
            operator = {"==": "IN", "!=": "NOT_IN"}[operator]
        return _comparison(field, operator, list(value) if isinstance(value, list | tuple | set) else value)

    def nullity(self, node: ast.Call) -> str:
        called = node.func
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            missing = {"isnull": True, "isna": True, "notnull": False, "notna": False}.get(called.attr)
            if missing is not None:
                field = find(self.fields, self.named.get(called.value.id, called.value.id))
                return f"({field.sql} IS {'' if missing else 'NOT '}NULL)"
        raise NotRun(f"the row condition has {ast.unparse(node)[:60]!r}, which is not understood")
