"""A world of streams played through the online store, and what offline and the oracle say to the same questions.

The process that keeps the store is killed in the middle, as often as asked; a new one takes the stream up where
the store says. Every answer is written down before the next event is sent, so none is asked again later.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from noria.core.schema import Column
from noria.data.model import INGESTED_AT, Part
from noria.features.model import InputSet, ViewInput, ViewSpec
from noria.features.online.features import OnlineFeatures
from noria.features.operations import build_part, load_features
from noria.stores.online import OnlineStore
from noria.testing import oracle
from noria.testing.feature_answers import same
from noria.testing.streams import ORDER, SHOP, Ask, World
from noria.workspace.workspace import Workspace

Answer = list[Any]
"""The values of a view's features, in its order."""
_MOST = 40
"""Rows that are sent at once, at most."""
_BYTES = 30
"""What an answer takes about, at least."""
_ARROW = {"string": pa.string(), "float": pa.float64(), "bool": pa.bool_(), "int": pa.int64(), "time": pa.int64()}
_COLUMNS = {"Order": ORDER, "Shop": SHOP}


def play(world: World, folder: Path, store: Callable[[Path], OnlineStore], *, history: int | None = None) -> None:
    """Send everything and ask everything; answers go to the file `answers` of the folder, one after another.

    Begins where an earlier process was when it died. `history`: what was known by then comes as a backfill.
    """
    online = OnlineFeatures([world.view], store(folder / "store"), folder / "spool")
    if history is not None and online.waiting():
        online.backfill({source: table(source, _until(rows, history)) for source, rows in world.rows.items()})
    sent = {source: 0 if history is None else len(_until(rows, history)) for source, rows in world.rows.items()}
    _cut_torn(folder)
    done, asked = len(answers(folder)), 0
    with (folder / "answers").open("ab", buffering=0) as out:
        for source, rows, asks in _pieces(world, history):
            if rows:
                online.ingest(source, rows, stream=source, position=sent[source], now=rows[-1][INGESTED_AT])
                sent[source] += len(rows)
                if sent[source] % 20 == 0:  # a sender that is not sure sends again
                    online.ingest(source, rows, stream=source, position=sent[source] - len(rows))
            new = asks[max(0, done - asked) :]
            asked += len(asks)
            if new:
                found = [list(online.lookup(world.view, ask.entity, ask.at).values()) for ask in new]
                out.write(b"".join(_framed(answer) for answer in found))
    online.close()


def play_killed(
    world: World, folder: Path, store: Callable[[Path], OnlineStore], *, kills: int, draw: random.Random,
    history: int | None = None,
) -> int:  # fmt: skip
    """The same in a process of its own that is killed so many times at random; gives how often it was."""
    sizes = sorted(draw.randrange(len(world.asks) * _BYTES) for _ in range(kills))
    killed = 0
    context = multiprocessing.get_context("fork")
    while True:
        keeper = context.Process(target=play, args=(world, folder, store), kwargs={"history": history})
        keeper.start()
        while keeper.is_alive() and (not sizes or _size(folder) < sizes[0]):
            keeper.join(0.002)
        if not keeper.is_alive():
            keeper.join()
            if keeper.exitcode:
                raise RuntimeError(f"the keeper ended with {keeper.exitcode}")
            return killed
        os.kill(keeper.pid or 0, signal.SIGKILL)
        keeper.join()
        killed += 1
        sizes.pop(0)


def answers(folder: Path) -> list[Answer]:
    """The answers given so far; what a kill left half-written is taken off."""
    file = folder / "answers"
    if not file.exists():
        return []
    data, found, at = file.read_bytes(), [], 0
    while at + 4 <= len(data) and (end := at + 4 + int.from_bytes(data[at : at + 4], "big")) <= len(data):
        found.append(data[at + 4 : end])
        at = end
    return [msgspec.msgpack.decode(one) for one in found]


def _size(folder: Path) -> int:
    return (folder / "answers").stat().st_size if (folder / "answers").exists() else 0


def _cut_torn(folder: Path) -> None:
    whole = sum(len(_framed(answer)) for answer in answers(folder))
    if (file := folder / "answers").exists():
        os.truncate(file, whole)


def offline_answers(ws: Workspace, world: World) -> list[Answer]:
    """What the backfill says to the same questions, in their order."""
    view = world.view
    keys = tuple(f"key{number}" for number in range(len(view.entities)))
    types = {column.name: column.dtype for column in view.columns}
    request = (
        Column("question", "string"), Column("asked_at", "time"),
        *(Column(key, types[name], nullable=True) for key, name in zip(keys, view.entities, strict=True)),
    )  # fmt: skip
    inputs = InputSet("Question", "question", "asked_at", request, (view,), (ViewInput(view.name, keys),))
    asked = []
    for number, ask in enumerate(in_order(world.asks)):
        row = {"question": f"{number:09d}", "asked_at": ask.at, INGESTED_AT: ask.at}
        asked.append(row | dict(zip(keys, ask.entity, strict=True)))
    sources = {source: [part(ws, table(source, rows), view_time(view, source))] for source, rows in world.rows.items()}
    spine = part(ws, _table(asked, request), "asked_at")
    found = load_features(ws, [build_part(ws, inputs, spine, sources, {})])
    columns = [found[f"{view.name}.{feature.name}"].to_pylist() for feature in view.features]
    return [list(row) for row in zip(*columns, strict=True)]


def oracle_answers(world: World) -> list[Answer]:
    """What the oracle says to the same questions, in their order."""
    return [list(oracle.answer(world.view, world.rows, ask.entity, ask.at).values()) for ask in in_order(world.asks)]


def differences(view: ViewSpec, expected: Sequence[Answer], found: Sequence[Answer]) -> list[str]:
    """Where two lists of answers differ: whole numbers, texts and nulls at all, doubles by more than 1e-9 of them."""
    assert len(expected) == len(found), f"{len(expected)} answers, but {len(found)}"
    return [
        f"question {number}, {feature}: {want!r} but {got!r}"
        for number, (one, other) in enumerate(zip(expected, found, strict=True))
        for feature, want, got in zip(view.features, one, other, strict=True)
        if not same(want, got)
    ]


def in_order(asks: Sequence[Ask]) -> list[Ask]:
    """Questions in the order in which they are asked."""
    return sorted(asks, key=lambda ask: ask.at)


def table(source: str, rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Rows of a source as its history."""
    return _table(rows, _COLUMNS[source])


def part(ws: Workspace, rows: pa.Table, event_time: str) -> Part:
    """Rows as the data folder leaves them."""
    rows = rows.sort_by([(event_time, "ascending"), (INGESTED_AT, "ascending")])
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink)
    times, known = rows[event_time].to_pylist(), rows[INGESTED_AT].to_pylist()
    return Part("part", ws.blobs.put(sink.getvalue().to_pybytes()), len(times), times[0], times[-1], max(known))


def view_time(view: ViewSpec, source: str) -> str:
    """The event time of one of a view's sources."""
    return view.event_time if source == view.source else next(one.event_time for one in view.joins)


def _table(rows: Sequence[dict[str, Any]], columns: Sequence[Column]) -> pa.Table:
    fields = [pa.field(column.name, _ARROW[column.dtype]) for column in columns]
    return pa.Table.from_pylist(list(rows), schema=pa.schema([*fields, pa.field(INGESTED_AT, pa.int64())]))


def _until(rows: Sequence[dict[str, Any]], moment: int) -> list[dict[str, Any]]:
    return [row for row in rows if row[INGESTED_AT] <= moment]


def _pieces(world: World, history: int | None) -> Iterator[tuple[str, list[dict[str, Any]], list[Ask]]]:
    """Rows of one source that are sent together, and the questions asked after them."""
    source, rows, asks = "", list[dict[str, Any]](), list[Ask]()
    for step in world.steps():
        if isinstance(step, Ask):
            asks.append(step)
        elif history is None or step[1][INGESTED_AT] > history:
            if asks or step[0] != source or len(rows) == _MOST:
                yield source, rows, asks
                rows, asks = [], []
            source = step[0]
            rows.append(step[1])
    yield source, rows, asks


def _framed(answer: Answer) -> bytes:
    data = msgspec.msgpack.encode(answer)
    return len(data).to_bytes(4, "big") + data
