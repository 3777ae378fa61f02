"""A stream of requests answered into another: the broker, the data plane (here or elsewhere), and where answers go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from noria.core.clock import Clock
from noria.core.schema import DType
from noria.serving.data_plane import DataPlane
from noria.serving.streams.in_process import HERE, InProcess
from noria.serving.streams.model import Address, StreamFailed, Tally
from noria.serving.streams.outlets import Outlet, outlet
from noria.serving.streams.running import MOST, PATIENCE, Consuming, Letters
from noria.serving.streams.scoring import Scoring


@dataclass(frozen=True)
class Answering:
    """One stream of requests for one model, and where its answers go.

    `data_plane` is where one answers, or one of this process. `columns` are the request's, for brokers whose
    messages are fields. `key` names the column whose value is a request's id. `name` is what the stream is called in
    ids (default: by its kind and topic). `dead` and `dead_topic` take what cannot be answered, `most` are answered
    together.
    """

    model: str
    address: Address
    to: Address
    data_plane: str | DataPlane
    dead: Path
    columns: Mapping[str, DType] = field(default_factory=dict)
    key: str | None = None
    name: str = ""
    dead_topic: str = ""
    most: int = MOST


async def run_answering(
    stream: Answering, clock: Clock, on_ready: Callable[[], None], watch: Callable[[Tally], None] = lambda _: None
) -> Tally:
    """Answer until SIGTERM or SIGINT; what is on its way then is finished or left to the broker.

    `watch` is called after each batch. Raises StreamFailed when one of the two brokers cannot be reached.
    """
    out = outlet(stream.to)
    async with _client(stream.data_plane) as client, _opened(out):
        consuming = Consuming(stream.address, stream.name, stream.most, stream.columns, watch)
        letters = Letters(stream.dead, stream.model, clock, stream.dead_topic, consuming)
        scoring = Scoring(client, stream.model, out, letters.bury, key=stream.key, columns=frozenset(stream.columns))
        await consuming.run(scoring, on_ready)
    return scoring.tally


@asynccontextmanager
async def _client(plane: str | DataPlane) -> AsyncIterator[httpx.AsyncClient]:
    if isinstance(plane, str):
        async with httpx.AsyncClient(base_url=plane, timeout=PATIENCE) as client:
            yield client
        return
    async with plane.running(), httpx.AsyncClient(transport=InProcess(plane.app), base_url=HERE) as client:
        yield client


@asynccontextmanager
async def _opened(out: Outlet) -> AsyncIterator[None]:
    try:
        await asyncio.wait_for(out.open(), 2 * PATIENCE)
    except Exception as error:
        said = f"{out.address} cannot be written: {str(error) or type(error).__name__}"
        raise StreamFailed(said, hint="is the broker up, and is the name right?") from error
    try:
        yield
    finally:
        with suppress(Exception):
            await asyncio.wait_for(out.close(), PATIENCE)
