"""`noria stream`: requests of one stream answered into another."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from noria.cli.opening import HERE, Folder, Json, open_project
from noria.cli.output import say_json

if TYPE_CHECKING:
    from noria.project.load import Loaded
    from noria.serving.data_plane import DataPlane
    from noria.serving.streams.model import Tally
    from noria.workspace.workspace import Workspace


def command(
    model: Annotated[str, typer.Argument(help="MODEL or MODEL@ALIAS.")],
    source: Annotated[str, typer.Option("--from", help="kafka://host:port/topic, redis://, nats://, amqp://.")],
    target: Annotated[str, typer.Option("--to", help="Where answers go: the same kinds.")],
    project: Folder = HERE,
    plane: Annotated[
        str, typer.Option("--data-plane", help="Its URL; default: that of `noria up` here, or else in this process.")
    ] = "",
    key: Annotated[str | None, typer.Option(help="The column whose value is a request's id.")] = None,
    name: Annotated[str, typer.Option(help="What the stream is called in ids.")] = "",
    dead: Annotated[str, typer.Option(help="A topic for messages that cannot be answered; default: a file.")] = "",
    batch: Annotated[int, typer.Option(min=1, max=5000, help="At most so many messages on their way.")] = 500,
    json: Json = False,
) -> None:
    """Answer requests that come by Kafka, Redis Streams, NATS JetStream or RabbitMQ until stopped.

    An answer's key is its request's id, and a request that comes again has the same answer. A message is
    acknowledged when its answer is durable in the output.
    """
    import asyncio

    from noria.serving.streams.answering import Answering, run_answering
    from noria.serving.streams.model import read_address

    addresses = read_address(source), read_address(target)
    loaded, ws = open_project(project)
    called, _, alias = model.partition("@")
    inputs = loaded.plan.model(called).training.inputs
    columns = {column.name: column.dtype for column in inputs.request if column.name != inputs.asked_at}
    where = plane or _running(project) or _in_process(loaded, ws, called, alias)
    file = ws.folder("dead_letters") / f"{called}.jsonl"
    stream = Answering(called, *addresses, where, file, columns, key, name, dead, batch)

    def ready() -> None:
        at = where if isinstance(where, str) else "this process"
        print(f"noria: {addresses[0]} into {addresses[1]} by {at}; stop with Ctrl-C", file=sys.stderr, flush=True)

    tally = asyncio.run(run_answering(stream, ws.clock, ready, _Line() if sys.stderr.isatty() else lambda _: None))
    if json:
        say_json({"answered": tally.taken, "dead": tally.dead, "waits": tally.waits})
    else:
        where_dead = f" in {dead or file}" if tally.dead else ""
        print(f"{tally.taken:,} answered, {tally.dead:,} set aside{where_dead}")


class _Line:
    """What has become of the messages, in one line that is written over and over."""

    def __call__(self, tally: Tally) -> None:
        sys.stderr.write(f"\r{tally.taken:,} answered, {tally.dead:,} set aside ")
        sys.stderr.flush()


def _running(project: Path) -> str:
    """The data plane of `noria up`, when it answers."""
    import json as jsonlib

    import httpx

    with suppress(OSError, ValueError, KeyError, TypeError, httpx.HTTPError):
        url = str(jsonlib.loads((project / ".noria" / "up.json").read_text())["data_plane"])
        if httpx.get(f"{url}/v2/health/live", timeout=2).status_code == 200:
            return url
    return ""


def _in_process(loaded: Loaded, ws: Workspace, model: str, alias: str) -> DataPlane:
    from noria.cli.serve import backfill
    from noria.registry.model import PRODUCTION
    from noria.serving.data_plane import DataPlane

    def fill(online: Any, _: Any) -> None:
        backfill(ws, online)

    served = {model: loaded.plan.model(model).served(alias or PRODUCTION)}
    return DataPlane(ws, served, loaded.functions, on_views=fill)
