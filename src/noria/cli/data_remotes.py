"""What `noria data` does with remotes: push and pull."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from noria.cli.data_output import megabytes
from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import counted, say_json

At = Annotated[str, typer.Argument(help="s3://bucket/path, gs://..., az://... or file:///folder.", metavar="REMOTE")]


def push(
    remote: At,
    datasets: Annotated[
        list[str] | None, typer.Argument(help="NAME or NAME@BRANCH; all without one.", metavar="[DATASET]...")
    ] = None,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Send branches and tags with their snapshots and content; only what the remote lacks."""
    from noria.cli.gauge import Gauge
    from noria.data.remotes.opening import open_remote
    from noria.data.remotes.pushing import push as send
    from noria.data.versions import operations
    from noria.data.versions.names import split_address

    ws = open_stores(project)
    there = open_remote(remote)
    done = {}
    for one in datasets or operations.dataset_names(ws):
        dataset, name = split_address(one)
        with Gauge(shown=not json) as gauge:
            done[one] = send(ws, there, dataset, [name] if name else (), progress=gauge)
    if json:
        say_json(done)
        return
    for one, pushed in done.items():
        moved = ", ".join(f"{name} at {id[:12]}" for name, id in pushed.moved) or "nothing new"
        print(f"{one}: {moved}; {counted(pushed.objects, 'object')}, {megabytes(pushed.bytes)} sent.")
        if pushed.missing:
            print(f"  the content of {counted(pushed.missing, 'old snapshot')} is not here any more and was not sent")


def pull(
    remote: At,
    address: Annotated[str, typer.Argument(help="NAME or NAME@BRANCH or NAME@TAG.", metavar="DATASET")],
    project: Folder = HERE,
    history: Annotated[bool, typer.Option("--history", help="The content of old snapshots, too.")] = False,
    json: Json = False,
) -> None:
    """Bring a branch or tag here, with the content of its newest snapshot; then check it out."""
    from noria.cli.gauge import Gauge
    from noria.data.remotes.opening import open_remote
    from noria.data.remotes.pulling import pull as bring
    from noria.data.versions.names import split_address

    ws = open_stores(project)
    dataset, name = split_address(address)
    with Gauge(shown=not json) as gauge:
        done = bring(ws, open_remote(remote), dataset, name, whole=history, progress=gauge)
    if json:
        say_json(done)
        return
    told = {"new": "is new here, at", "forward": "went forward to", "already": "is already at",
            "ahead": "has commits of its own on top of"}[done.how]  # fmt: skip
    brought = f"{counted(done.objects, 'object')}, {megabytes(done.bytes)} brought"
    print(f"{dataset}@{done.name} {told} {done.snapshot[:12]}; {brought}.")


VERBS: dict[str, Callable[..., Any]] = {"push": push, "pull": pull}
