"""A step of the turn: what the features of each view hold, kept by the version of the view that gave them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from noria.features.model import input_columns
from noria.features.registry import figures
from noria.retraining.model import ModelPlan
from noria.retraining.steps import Sources
from noria.runtime.context import Context
from noria.workspace.workspace import Workspace

Cached = Callable[[str, dict[str, Any], Callable[[], Any]], dict[str, Any]]
_STEP = "describe features"


def describe_views(
    ws: Workspace, plan: ModelPlan, context: Context, cached: Cached, sources: Sources, tables: Sequence[str]
) -> None:
    """Describe the feature `tables` of a turn (digests of blobs) and keep the figures; nothing without views.

    `cached` is the turn's step cache: tables that were described before are not read again.
    """
    inputs = plan.training.inputs
    if not inputs.views:
        return
    columns = [column.name for column in input_columns(inputs) if column.view]
    compute = partial(_describe, ws, plan, tables)
    made = context.step(_STEP, partial(cached, _STEP, {"features": list(tables), "columns": columns}, compute))

    def keep(connection: Any) -> None:
        described = made["value"]["described"]
        figures.keep_figures(ws, connection, plan.name, inputs, described, sources.checked, sources.at)

    context.transaction_step("keep figures", keep)


def _describe(ws: Workspace, plan: ModelPlan, tables: Sequence[str]) -> dict[str, Any]:
    return {"described": figures.describe(ws, plan.training.inputs, tables)}
