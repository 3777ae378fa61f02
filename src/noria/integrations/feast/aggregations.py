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
    "sum": "sum", "count": "count", "mean": "mean", "avg": "mean", "min": "min", "max": "max", "std": "std",
    "stddev": "std", "var": "var", "variance": "var", "count_distinct": "distinct", "first": "first", "last": "last",
}  # fmt: skip
_IN_SIGHT = {"sum", "count", "mean", "min", "max"}
"""What `noria` offers itself; the others are in `noria.aggregates`."""
_TYPE_KEPT = {"sum", "min", "max", "first", "last"}
_COUNTED = {"count", "distinct"}


def aggregated(
    view: View,
    outputs: Mapping[str, str],
    inputs: Mapping[str, str],
    draft: Draft,
    reference: Callable[[Field], str],
) -> list[DraftFeature]:
    """The window features of a view; `outputs` are the types of what Feast gives, `reference` names a column.

    A registry does not say of which type an aggregated column is. `inputs` are the types that the data itself
    tells, where it can be read. Otherwise that of a sum, an extreme or an end is taken from what comes out, of a mean
    or a spread it is float, and a column that is only counted is read as text.
    """
    types = {**_guessed(view, outputs), **inputs}
    made: list[DraftFeature] = []
    for one in view.aggregations:
        function = _FUNCTIONS.get(one.function.lower())
        if function is None:
            draft.note(f"feature {one.name} of view {view.name}", f"is left out: there is no {one.function} here")
            continue
        field = Field(one.column, types[one.column])
        name = unused(identifier(one.name), [other.name for other in made])
        made.append(DraftFeature(name, f"{_called(function)}({reference(field)}, over={_over(one)})"))
    told = {one.name for one in view.aggregations}
    for name in sorted(set(outputs) - told):
        draft.note(f"feature {name} of view {view.name}", "is left out: no aggregation of the view gives it")
    return made


def _called(function: str) -> str:
    return f"noria.{function}" if function in _IN_SIGHT else f"noria.aggregates.{function}"


def _over(one: Aggregation) -> str:
    return duration(one.window) if one.window else "noria.aggregates.lifetime()"


def _guessed(view: View, outputs: Mapping[str, str]) -> dict[str, str]:
    """The type of each aggregated column, by the aggregations that tell most of it."""
    found: dict[str, str] = {}
    for one in view.aggregations:
        function, out = _FUNCTIONS.get(one.function.lower(), ""), outputs.get(one.name, "")
        if function in _TYPE_KEPT and out:
            found[one.column] = out
        elif function not in _COUNTED:
            found.setdefault(one.column, "DOUBLE")
    return {one.column: "STRING" for one in view.aggregations} | found
