"""The order of rows: cells that only rise or only fall from row to row, missing ones left out."""

from __future__ import annotations

from typing import Any

from noria.data.suites.asking import Asking, counted
from noria.data.suites.fields import Field
from noria.data.suites.plan import Bad, Judgement, Plan, Query, Refused


def rising(asked: Asking) -> Plan:
    """Each cell is at least the one before (`strictly`: above it)."""
    return _ordered(asked, ">" if asked.kwargs.get("strictly") else ">=")


def falling(asked: Asking) -> Plan:
    """Each cell is at most the one before (`strictly`: below it)."""
    return _ordered(asked, "<" if asked.kwargs.get("strictly") else "<=")


def _ordered(asked: Asking, sign: str) -> Plan:
    field, mostly = asked.column(), asked.mostly
    if field.kind not in ("number", "time"):
        raise Refused(f"{field.name!r} is {field.type}; only numbers and moments rise and fall")
    relation = _beside_the_last(field, asked.where)
    bad = f"__noria_last IS NOT NULL AND NOT ({field.sql} {sign} __noria_last)"

    def judge(found: list[tuple[Any, ...]]) -> Judgement:
        rows, there, unexpected = found[0]
        return counted(rows, there, unexpected, mostly, Bad(bad, (field.name,), relation))

    counts = f"SELECT (SELECT count(*) FROM __table WHERE {asked.where}), count(*), count(*) FILTER (WHERE {bad})"
    return Query(f"{counts} FROM ({relation})", judge)


def _beside_the_last(field: Field, where: str) -> str:
    kept = f"({where}) AND {field.sql} IS NOT NULL"
    return f"SELECT *, lag({field.sql}) OVER (ORDER BY __noria_row) AS __noria_last FROM __numbered WHERE {kept}"


CATALOGUE = {
    "expect_column_values_to_be_increasing": rising,
    "expect_column_values_to_be_decreasing": falling,
}
