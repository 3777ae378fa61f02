"""Rows that an SQL query of the suite's own finds unexpected. The query runs walled in: it reaches no other file."""

from __future__ import annotations

from typing import Any

from noria.data.suites.asking import Asking
from noria.data.suites.plan import Judgement, Plan, Query, Refused

_SHOWN = 20


def unexpected_rows(asked: Asking) -> Plan:
    """`unexpected_rows_query`, where `{batch}` is the table, gives no rows."""
    query = asked.text("unexpected_rows_query").strip().rstrip(";")
    if not query:
        raise Refused("unexpected_rows_query is empty")
    if "{batch}" not in query:
        raise Refused("unexpected_rows_query does not name the table as {batch}")
    kept = "__table" if asked.where == "TRUE" else f"(SELECT * FROM __table WHERE {asked.where})"
    pieces = [piece.replace("{{", "{").replace("}}", "}") for piece in query.split("{batch}")]
    inner = kept.join(pieces)
    sql = f"SELECT *, count(*) OVER () FROM ({inner}\n) LIMIT {_SHOWN}"

    def judge(found: list[tuple[Any, ...]]) -> Judgement:
        count = found[0][-1] if found else 0
        rows = [list(row[:-1]) for row in found]
        result = {"observed_value": count, "details": {"unexpected_rows": rows}}
        return Judgement(not count, result, reason=f"the query finds {count:,} rows" if count else "")

    return Query(sql, judge)


CATALOGUE = {"unexpected_rows_expectation": unexpected_rows}
