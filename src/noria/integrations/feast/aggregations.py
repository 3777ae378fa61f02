"""The aggregations of a stream feature view, as window features.

Feast leaves computing them to Spark or Flink, where a window ends at the event itself; here it ends before the
moment asked about. The definitions are the same, so the features keep the names that Feast gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from noria.integrations.feast.draft import Draft, DraftFeature
from noria.integrations.feast.model import Aggregation, Field, View
from noria.integrations.feast.naming import identifier, unused
from noria.integrations.feast.spelling import duration

_FUNCTIONS = {
    "sum": "sum", "count": "count", "mean": "mean", "avg": "mean", "min": "min", "max": "max",
}  # fmt: skip
_OF_NUMBERS = {"sum", "mean", "min", "max"}


def aggregated(
    view: View, outputs: Mapping[str, str], draft: Draft, reference: Callable[[Field], str]
) -> list[DraftFeature]:
    """The window features of a view; `outputs` are the types of what Feast gives, `reference` names a column.

    A registry does not say of which type an aggregated column is: that of a sum, a minimum or a maximum is taken
    from what comes out, a mean's is float, and a counted one's is text, which any column can be read as.
    """
    made: list[DraftFeature] = []
    for one in view.aggregations:
        function = _FUNCTIONS.get(one.function.lower())
        if function is None or not one.window:
            draft.note(f"feature {one.name} of view {view.name}", f"is left out: {_why(one)}")
            continue
        over = f"over={duration(one.window)}"
        field = Field(one.column, _type(one, function, outputs))
        call = f"noria.{function}({reference(field)}, {over})"
        made.append(DraftFeature(unused(identifier(one.name), [other.name for other in made]), call))
        if one.slide and one.slide != one.window:
            draft.note(f"feature {one.name} of view {view.name}", f"slid by {duration(one.slide)[6:]} in Feast")
    told = {one.name for one in view.aggregations}
    for name in sorted(set(outputs) - told):
        draft.note(f"feature {name} of view {view.name}", "is left out: no aggregation of the view gives it")
    return made


def _why(one: Aggregation) -> str:
    return f"there is no {one.function} here" if one.window else "it has no window"


def _type(one: Aggregation, function: str, outputs: Mapping[str, str]) -> str:
    out = outputs.get(one.name, "")
    if function in _OF_NUMBERS:
        return out if function != "mean" and out in ("INT32", "INT64", "FLOAT", "DOUBLE") else "DOUBLE"
    return "STRING"
