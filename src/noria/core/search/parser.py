"""Reads a filter into a tree, by recursive descent.

    filter     = [ or ]
    or         = and { OR and }
    and        = { AND } unary { { AND } unary } { AND }
    unary      = NOT unary | "(" or ")" | comparison
    comparison = key operator value | key [NOT] IN list | key IS [NOT] NULL

AND may be left out, doubled or stand at an end, because MLflow does not count them.
"""

from __future__ import annotations

from noria.core.search.chains import NAMES, NO_NAMES, Cursor
from noria.core.search.grammars import GRAMMARS, NULLNESS, Grammar, Naming, Rule, extension
from noria.core.search.keys import Key, UnknownKey, read_key
from noria.core.search.lexer import tokens
from noria.core.search.model import And, BadSearch, Comparison, Expression, Kind, Not, Or, Parsed, Value
from noria.core.search.values import Operand, WrongValue, read_value

DEEPEST = 50
"""How many parentheses and NOTs may stand inside each other."""

MOST_COMPARISONS = 300
"""How many comparisons a filter may have: SQLite counts no further than 1,000 levels of AND."""

_OPERATORS = (("IS", "NULL"), ("NOT", "IN"), ("NOT", "LIKE"), ("NOT", "ILIKE"), ("IN",), ("LIKE",), ("ILIKE",))


def parse_filter(kind: Kind, text: str | None) -> Parsed:
    """The meaning of a filter; None and the empty text ask for nothing. Raises BadSearch."""
    if not text:
        return Parsed()
    if not text.strip():
        raise BadSearch(text, 0, "it has only blanks", hint="leave the filter out to find everything")
    found = tokens(text)
    if all(token.kind == "end" or token.upper == "AND" for token in found):
        return Parsed()
    return _Reader(GRAMMARS[kind], Cursor(text, found, "filter")).read()


class _Reader:
    """One filter being read."""

    def __init__(self, grammar: Grammar, cursor: Cursor) -> None:
        self._grammar = grammar
        self._cursor = cursor
        self._depth = 0
        self._count = 0
        self._extensions: set[str] = set()

    def read(self) -> Parsed:
        """The whole filter."""
        expression = self._or()
        if self._cursor.token.kind != "end":
            raise self._cursor.wrong(f"expected AND, OR or the end, found {self._cursor.token}")
        if self._cursor.reserved:
            self._extensions.add("reserved word as a key")
        return Parsed(expression, frozenset(self._extensions))

    def _or(self) -> Expression:
        operands = [self._and()]
        while self._cursor.taken("OR"):
            self._extensions.add("or")
            operands.append(self._and())
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def _and(self) -> Expression:
        operands: list[Expression] = []
        joined = True
        while True:
            while self._cursor.taken("AND"):
                joined = True
            token = self._cursor.token
            if token.kind == "end" or self._cursor.is_point(")") or token.upper == "OR":
                break
            if not joined:
                self._check_unjoined(operands[-1])
            operands.append(self._unary())
            joined = False
        if not operands:
            raise self._cursor.wrong(f"expected a comparison, found {self._cursor.token}")
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def _check_unjoined(self, before: Expression) -> None:
        """Without AND, MLflow takes a comparison before IN or IS for a part of the key: refused here."""
        cursor = self._cursor
        if cursor.token.kind not in NAMES:
            raise cursor.wrong(f"expected AND, OR or the end, found {cursor.token}")
        if isinstance(before, Comparison) and before.operator in NULLNESS:
            return
        start, at = cursor.place, cursor.token.start
        self._calculated(cursor.chain())
        if cursor.token.kind != "operator" and cursor.token.upper not in ("LIKE", "ILIKE"):
            raise cursor.wrong("expected AND, OR or the end", at, "write AND between comparisons")
        cursor.place = start

    def _unary(self) -> Expression:
        cursor = self._cursor
        negated = cursor.token.upper == "NOT"
        if not negated and not cursor.is_point("("):
            return self._comparison()
        self._depth += 1
        if self._depth > DEEPEST:
            raise cursor.wrong(f"parentheses and NOTs are nested deeper than {DEEPEST}")
        cursor.take()
        self._extensions.add("not" if negated else "parentheses")
        inner = self._unary() if negated else self._or()
        if not negated and cursor.take().text != ")":
            raise cursor.wrong(f"expected ')', found {cursor.token}")
        self._depth -= 1
        return Not(inner) if negated else inner

    def _comparison(self) -> Comparison:
        start = self._cursor.token.start
        self._count += 1
        if self._count > MOST_COMPARISONS:
            raise self._cursor.wrong(f"it has more than {MOST_COMPARISONS} comparisons")
        key = self._key()
        rule = self._grammar.rule(key.entity, key.name)
        operator = self._operator(rule, start)
        value: Value = None
        if operator not in NULLNESS:
            operand = self._operand()
            try:
                value = read_value(rule.type, operator, operand)
            except WrongValue as wrong:
                raise self._cursor.wrong(str(wrong), operand.start, f"it is compared with {rule.type.says}") from None
        return Comparison(key.entity, key.name, operator, value)

    def _key(self) -> Key:
        first = self._cursor.token
        if first.kind not in NAMES:
            raise self._cursor.wrong(f"expected a key such as metrics.auc, found {first}")
        plain = self._cursor.chain()
        end = self._calculated(plain)
        if end != plain and self._cursor.token.upper in ("IN", "NOT"):
            self._extensions.add("in on an unquoted key")
        try:
            key = read_key(self._grammar, self._cursor.text[first.start : end])
        except UnknownKey as unknown:
            raise self._cursor.wrong(unknown.message, first.start, unknown.hint) from None
        self._extensions.update(key.extensions)
        return key

    def _operator(self, rule: Rule, start: int) -> str:
        """The operator in capitals. `start` is where the key begins."""
        cursor = self._cursor
        first = cursor.token
        operator = self._written_operator()
        if operator not in rule.type.operators:
            key, allowed = cursor.text[start : first.start].strip(), ", ".join(sorted(rule.type.operators))
            raise cursor.wrong(f"{operator} does not go with {key}; what does: {allowed}", first.start)
        if operator not in rule.mlflow:
            self._extensions.add(extension(operator))
        written = cursor.text[first.start : first.start + len(operator)]
        if self._grammar.case_matters and written != operator and operator not in (*NULLNESS, "NOT IN"):
            self._extensions.add("lower-case operator")
        return operator

    def _written_operator(self) -> str:
        cursor = self._cursor
        if cursor.taken("IS", "NOT", "NULL"):
            null = cursor.before
            if cursor.text[: null.start].rstrip() != cursor.text[: null.start - 1]:
                self._extensions.add("blanks in NOT NULL")
            return "IS NOT NULL"
        for words in _OPERATORS:
            if cursor.taken(*words):
                return " ".join(words)
        if cursor.token.kind == "operator":
            return cursor.take().text
        strange = cursor.token.kind in ("point", "sign", "integer", "float")
        hint = "put a key with other characters than letters, digits and _ in backticks" if strange else ""
        raise cursor.wrong(f"expected an operator such as = or LIKE, found {cursor.token}", hint=hint)

    def _operand(self) -> Operand:
        cursor, first = self._cursor, self._cursor.token
        if cursor.is_point("("):
            kind, end = "list", cursor.bracketed("(", ")")
        elif first.kind in NAMES:
            kind, end = "name", cursor.chain()
        elif first.kind in ("integer", "float", "text"):
            kind, end = first.kind, cursor.take().end
        else:
            raise cursor.wrong(f"expected a value, found {first}")
        return Operand(kind, cursor.text[first.start : self._calculated(end)], first.start)

    def _calculated(self, end: int) -> int:
        """Logged models take `val/loss` as it stands, for MLflow reads a calculation there: gives its end."""
        cursor = self._cursor
        if self._grammar.naming is not Naming.LOGGED_MODELS:
            return end
        while cursor.token.kind == "sign" or cursor.is_point("*"):
            if cursor.following.kind in NAMES and cursor.following.upper not in NO_NAMES:
                cursor.take()
                end = cursor.chain()
            elif cursor.following.kind in ("integer", "float", "text"):
                cursor.take()
                end = cursor.take().end
            else:
                break
        return end
