"""One expectation being compiled: its arguments, checked, and the columns and rows it is about."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from noria.data.suites.conditions import condition
from noria.data.suites.fields import Field, find
from noria.data.suites.plan import Ask, Bad, Judgement, NotRun, Plan, Refused

COUNT = "count(*)"
_COMMON = ("result_format", "catch_exceptions", "include_config", "batch_id", "row_condition", "condition_parser",
           "auto", "profiler_config", "mostly")  # fmt: skip


@dataclass(frozen=True)
class Asking:
    """The arguments of an expectation over a table with these columns.

    `where` is the SQL of its row condition, `others` are further tables by name.
    """

    kwargs: Mapping[str, Any]
    fields: Mapping[str, Field]
    where: str = "TRUE"
    others: Mapping[str, str] = field(default_factory=dict)

    def column(self, key: str = "column") -> Field:
        """The column that an argument names. Raises Refused."""
        return find(self.fields, self.kwargs.get(key))

    def columns(self) -> list[Field]:
        """The columns that `column_list` names. Raises Refused."""
        return [find(self.fields, one) for one in self.values("column_list")]

    def values(self, key: str) -> list[Any]:
        """An argument that is a list. Raises Refused."""
        given = self.kwargs.get(key)
        if not isinstance(given, Sequence | set | frozenset) or isinstance(given, str):
            raise Refused(f"{key} must be a list, not {given!r:.60}")
        return list(given)

    def number(self, key: str, default: float | None = None) -> float | None:
        """An argument that is a number, or None. Raises Refused, NotRun for NaN."""
        given = self.kwargs.get(key, default)
        if given is None:
            return None
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise Refused(f"{key} must be a number, not {given!r:.60}")
        if math.isnan(given):
            raise NotRun(f"{key} is NaN, which nothing can be compared with")
        return given

    def text(self, key: str) -> str:
        """An argument that is a text. Raises Refused."""
        given = self.kwargs.get(key)
        if not isinstance(given, str):
            raise Refused(f"{key} must be a text, not {given!r:.60}")
        return given

    @property
    def mostly(self) -> float:
        """The share of rows that must be as expected; 1 unless told."""
        given = self.number("mostly", 1.0)
        if given is None:
            return 1.0
        if not 0 <= given <= 1:
            raise Refused(f"mostly must be a share between 0 and 1, not {given!r}")
        return given


def asking(kwargs: Mapping[str, Any], fields: Mapping[str, Field], others: Mapping[str, str]) -> Asking:
    """The arguments made ready, the row condition compiled. Raises Refused or NotRun."""
    parser = kwargs.get("condition_parser")
    where = condition(kwargs.get("row_condition"), parser if isinstance(parser, str) else None, fields)
    return Asking(kwargs, fields, where, others)


def enough(considered: int, unexpected: int, mostly: float) -> bool:
    """Whether the share of expected rows is large enough; of no rows at all everything holds."""
    return considered == 0 or (considered - unexpected) / considered >= mostly


def map_rows(
    asked: Asking,
    unexpected: str,
    *,
    ignored: str = "FALSE",
    shown: Sequence[str] = (),
    missing: bool = True,
) -> Ask:
    """A check of row after row: `unexpected` is an SQL condition on those rows that are not `ignored`.

    Rows for which `ignored` is true count as missing. `missing` tells whether the result speaks of these.
    """
    there = f"({asked.where}) AND NOT ({ignored})"
    bad = f"{there} AND ({unexpected})"
    mostly = asked.mostly

    def judge(found: Mapping[str, Any]) -> Judgement:
        return counted(found["rows"], found["there"], found["bad"], mostly, Bad(bad, shown), missing=missing)

    aggregates = {"rows": filtered(COUNT, asked.where), "there": filtered(COUNT, there), "bad": filtered(COUNT, bad)}
    return Ask(aggregates, judge)


def map_column(asked: Asking, field: Field, expected: str) -> Ask:
    """A check of a column's cells, missing ones left out: `expected` is an SQL condition, null only where they are."""
    bad = f"NOT ({expected})" if asked.where == "TRUE" else f"({asked.where}) AND NOT ({expected})"
    mostly = asked.mostly

    def judge(found: Mapping[str, Any]) -> Judgement:
        return counted(found["rows"], found["there"], found["bad"], mostly, Bad(bad, (field.name,)))

    there = filtered(f"count({field.sql})", asked.where)
    return Ask({"rows": filtered(COUNT, asked.where), "there": there, "bad": filtered(COUNT, bad)}, judge)


def filtered(aggregate: str, where: str) -> str:
    """An aggregate over the rows that a condition keeps."""
    return aggregate if where == "TRUE" else f"{aggregate} FILTER (WHERE {where})"


def counted(
    rows: int, there: int, unexpected: int, mostly: float, bad: Bad | None, *, missing: bool = True
) -> Judgement:
    """The judgement of a check of rows, with the figures that Great Expectations gives."""
    share = None if there == 0 else unexpected / there * 100
    result: dict[str, Any] = {
        "element_count": rows,
        "unexpected_count": unexpected,
        "unexpected_percent": share if missing else (unexpected / rows * 100 if rows else None),
    }
    if missing:
        result |= {
            "missing_count": rows - there,
            "missing_percent": (rows - there) / rows * 100 if rows else None,
            "unexpected_percent_total": unexpected / rows * 100 if rows else None,
            "unexpected_percent_nonmissing": share,
        }
    success = enough(there, unexpected, mostly)
    reason = "" if success else f"{unexpected:,} of {there:,} values ({unexpected / there:.2%}) are not as expected"
    if not success and mostly < 1:
        reason += f"; {1 - mostly:.2%} may be"
    return Judgement(success, result, bad if unexpected else None, reason)


def known(asked: Asking, names: Sequence[str]) -> None:
    """Refuse arguments that nobody reads: a misspelt bound must not pass for none."""
    strange = sorted(set(asked.kwargs) - set(names) - set(_COMMON))
    if strange:
        raise NotRun(f"{', '.join(strange)[:100]}: no such argument")


Builder = Callable[[Asking], Plan]
