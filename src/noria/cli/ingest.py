"""`noria ingest`: events from a message broker into the online features."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from noria.cli.opening import HERE, Folder, Json, open_project
from noria.cli.output import say_json

if TYPE_CHECKING:
    from noria.serving.streams.model import Tally


def command(
    source: Annotated[str, typer.Argument(help="The source whose events come.")],
    address: Annotated[str, typer.Option("--from", help="kafka://host:port/topic, redis://, nats://, amqp://.")],
    project: Folder = HERE,
    to: Annotated[str, typer.Option(help="The data plane; default: that of `noria up` here.")] = "",
    key: Annotated[str | None, typer.Option(help="The column that names an event, in place of the broker's.")] = None,
    name: Annotated[str, typer.Option(help="Keep account under this name; a new one begins anew.")] = "",
    dead: Annotated[str, typer.Option(help="A topic for messages that cannot be taken in; default: a file.")] = "",
    batch: Annotated[int, typer.Option(min=1, max=5000, help="At most so many messages on their way.")] = 500,
    json: Json = False,
) -> None:
    """Take events in from Kafka, Redis Streams, NATS JetStream or RabbitMQ until stopped.

    A message is acknowledged when the data plane has it on disk, and counts once however often it comes.
    """
    import asyncio

    from noria.core.errors import NotFound
    from noria.serving.streams.model import read_address
    from noria.serving.streams.running import Stream, run_stream

    where = read_address(address)
    loaded, ws = open_project(project)
    specs = {spec.name: spec for plan in loaded.plan.models for spec in plan.sources}
    if source not in specs:
        raise NotFound("source", source, specs)
    columns = {column.name: column.dtype for column in specs[source].schema.columns}
    file = ws.folder("dead_letters") / f"{source}.jsonl"
    stream = Stream(where, source, to or _data_plane(project), file, columns, key, name, dead, batch)

    def ready() -> None:
        print(f"noria: {where} into {source} at {stream.data_plane}; stop with Ctrl-C", file=sys.stderr, flush=True)

    tally = asyncio.run(run_stream(stream, ws.clock, ready, _Line() if sys.stderr.isatty() else lambda _: None))
    if json:
        say_json(tally)
    else:
        _tell(tally, dead or file)


class _Line:
    """What has become of the messages, in one line that is written over and over."""

    def __call__(self, tally: Tally) -> None:
        sys.stderr.write(f"\r{tally.taken:,} taken in, {tally.repeated:,} known already, {tally.dead:,} set aside ")
        sys.stderr.flush()


def _tell(tally: Tally, dead: str | Path) -> None:
    where = f" in {dead}" if tally.dead else ""
    print(f"{tally.taken:,} taken in, {tally.repeated:,} known already, {tally.dead:,} set aside{where}")


def _data_plane(project: Path) -> str:
    import json as jsonlib

    up = project / ".noria" / "up.json"
    return str(jsonlib.loads(up.read_text())["data_plane"]) if up.exists() else "http://127.0.0.1:8400"
