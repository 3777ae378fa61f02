"""`noria serve`: the data plane alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from noria.cli.opening import HERE, Folder, open_project

if TYPE_CHECKING:
    from noria.features.model import ViewSpec
    from noria.features.online.features import OnlineFeatures
    from noria.workspace.workspace import Workspace


def command(
    model: Annotated[str | None, typer.Argument(help="MODEL or MODEL@ALIAS; every model when left out.")] = None,
    project: Folder = HERE,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 picks a free one.")] = 8400,
    grpc_port: Annotated[int | None, typer.Option(help="Speak gRPC too, on this port; needs noria[grpc].")] = None,
    replay: Annotated[bool, typer.Option(help="Let the caller say what time it is.")] = False,
    with_parent: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Answer predictions; needs nobody else to be alive."""
    from noria.core.clock import ManualClock
    from noria.registry.model import PRODUCTION
    from noria.server.supervisor import end_with_parent
    from noria.serving.data_plane import run_data_plane
    from noria.serving.model import ServedModel

    if with_parent:
        end_with_parent()
    loaded, ws = open_project(project, ManualClock() if replay else None)
    name, _, alias = (model or "").partition("@")
    plans = [loaded.plan.model(name)] if name else list(loaded.plan.models)
    served = {plan.name: ServedModel(plan.training.inputs, alias or PRODUCTION, plan.log) for plan in plans}

    def fill(online: OnlineFeatures, _: Sequence[ViewSpec]) -> None:
        backfill(ws, online)

    run_data_plane(
        ws, served, loaded.functions, host=host, port=port, grpc_port=grpc_port, replay=replay, on_views=fill,
        on_ready=lambda url: print(f"noria: answering at {url}", file=sys.stderr, flush=True),
    )  # fmt: skip


def backfill(ws: Workspace, online: OnlineFeatures) -> int:
    """Give views that have no history yet the rows of the snapshots accepted last; gives the rows taken in."""
    from noria.data import operations as data

    tables = {}
    for source in online.waiting():
        accepted = data.last_accepted(ws, source)
        if accepted is not None:
            tables[source] = data.read_parts(ws, accepted.parts)
    return online.backfill(tables)
