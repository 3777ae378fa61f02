"""`noria serve`: the data plane alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
    engine: Annotated[Literal["noria", "uvicorn", "granian"], typer.Option(help="What speaks HTTP.")] = "noria",
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM file of the certificate; wants --tls-key.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of the certificate's key.")] = None,
    tls_clients: Annotated[
        Path | None, typer.Option(help="PEM file of an authority; only clients with its certificates are let in.")
    ] = None,
    access_log: Annotated[bool, typer.Option(help="Write a line of JSON an answer to standard output.")] = False,
    replay: Annotated[bool, typer.Option(help="Let the caller say what time it is.")] = False,
    with_parent: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Answer predictions; needs nobody else to be alive."""
    from noria.core.clock import ManualClock
    from noria.core.errors import BadInput
    from noria.registry.model import PRODUCTION
    from noria.server.supervisor import end_with_parent
    from noria.serving.data_plane import run_data_plane
    from noria.serving.engines import HttpOptions
    from noria.serving.http.tls import Tls
    from noria.serving.model import ServedModel

    if with_parent:
        end_with_parent()
    if (tls_certificate is None) != (tls_key is None):
        raise BadInput("TLS wants a certificate and its key", hint="give both --tls-certificate and --tls-key")
    tls = Tls(tls_certificate, tls_key, tls_clients) if tls_certificate is not None and tls_key is not None else None
    loaded, ws = open_project(project, ManualClock() if replay else None)
    name, _, alias = (model or "").partition("@")
    plans = [loaded.plan.model(name)] if name else list(loaded.plan.models)
    served = {
        plan.name: ServedModel(plan.training.inputs, alias or PRODUCTION, plan.log, plan.cache, plan.lane)
        for plan in plans
    }

    def fill(online: OnlineFeatures, _: Sequence[ViewSpec]) -> None:
        backfill(ws, online)

    run_data_plane(
        ws, served, loaded.functions, host=host, port=port, replay=replay, on_views=fill,
        http=HttpOptions(engine, tls=tls, access_log=access_log),
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
