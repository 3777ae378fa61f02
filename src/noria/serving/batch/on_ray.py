"""The chunks of a job answered on a Ray cluster: by one actor for each processor, in order, few of them at a time.

Every node opens the workspace itself, so its folder, blobs and sources must be at the same place there. The job stays
where it was begun: answers come back and are kept chunk by chunk, as they are when this process makes them.
"""

from __future__ import annotations

import importlib
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from noria.config.settings import Settings
from noria.core.errors import BadInput, NoriaError, NotFound, Unavailable
from noria.features.model import FunctionInput, InputSet
from noria.serving.batch.answering import Answers
from noria.serving.batch.chunks import Chunk
from noria.serving.batch.looking_up import Functions
from noria.serving.batch.opening import Recipe, open_answerer
from noria.workspace.workspace import Workspace, open_workspace

_WAITING = 2
"""Chunks that are with one actor, at most: one that it answers, one that is there when it has."""
_STARTS = 3


class HandsLost(Unavailable):
    """Ray could not answer a chunk: its processes died again and again, or the cluster is away."""

    code = "N6111"


class NotThere(BadInput):
    """A function of the project that other processes cannot import by its name."""

    code = "N6112"


@dataclass(frozen=True)
class Place:
    """What a process on another machine opens. `imports` is its module search path, `functions` are `module:name`."""

    root: Path
    settings: Settings
    recipe: Recipe
    imports: tuple[str, ...]
    functions: tuple[str, ...]


class Hand:
    """One process on the cluster: answers chunks given as Arrow streams, with Arrow streams."""

    def __init__(self, place: Place) -> None:
        sys.path[:] = list(dict.fromkeys([*place.imports, *sys.path]))
        self._place = place
        self._answerer: Any = None

    def answer(self, content: bytes) -> tuple[bytes, int, tuple[str, ...]] | NoriaError:
        """The answers, how many rows are refused, some reasons; or the error that ends the job."""
        try:
            answers = self._opened().answer(pa.ipc.open_stream(content).read_all())
        except NoriaError as error:
            return error
        return _stream(answers.table), answers.refused, answers.reasons

    def _opened(self) -> Any:
        if self._answerer is None:
            place = self._place
            functions = {name: _function(name) for name in place.functions}
            self._answerer = open_answerer(open_workspace(place.root, place.settings), place.recipe, functions)
        return self._answerer


def place_of(ws: Workspace, recipe: Recipe, inputs: InputSet, functions: Functions) -> Place:
    """What is sent to the cluster's processes. Raises NotFound, NotThere when a function has no name there."""
    names = tuple(dict.fromkeys(one.function for one in inputs.inputs if isinstance(one, FunctionInput)))
    for name in names:
        if name not in functions:
            raise NotFound("function", name, functions)
        if "<" in name or name.startswith("__main__:"):
            raise NotThere(f"the function {name} cannot be imported elsewhere", hint="write it in a module, by itself")
    return Place(ws.root, ws.settings, recipe, tuple(sys.path), names)


def answer_on_ray(place: Place, chunks: Iterable[Chunk]) -> Iterator[tuple[int, int, Answers]]:
    """Number, first row and answers of each chunk, in their order; at most two for each processor are on the way.

    Raises HandsLost, BadInput when Ray is not installed, and what answering raises.
    """
    with _cluster() as ray:
        kind = ray.remote(num_cpus=1, max_restarts=_STARTS, max_task_retries=_STARTS)(Hand)
        hands = [kind.remote(place) for _ in range(max(1, int(ray.cluster_resources().get("CPU", 1))))]
        waiting: deque[tuple[int, int, Any]] = deque()
        try:
            for turn, chunk in enumerate(chunks):
                asked = hands[turn % len(hands)].answer.remote(_stream(chunk.table))
                waiting.append((chunk.number, chunk.first, asked))
                del chunk  # its rows are with Ray
                if len(waiting) >= _WAITING * len(hands):
                    yield _answered(ray, *waiting.popleft())
            while waiting:
                yield _answered(ray, *waiting.popleft())
        finally:
            for hand in hands:
                ray.kill(hand)


def _answered(ray: Any, number: int, first: int, asked: Any) -> tuple[int, int, Answers]:
    try:
        found = ray.get(asked)
    except ray.exceptions.RayError as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[-1][:300]
        raise HandsLost(
            f"chunk {number} was not answered by Ray: {said}",
            hint="what was answered before it is kept: run again, perhaps with fewer --rows",
        ) from error
    if isinstance(found, NoriaError):
        raise found
    content, refused, reasons = found
    return number, first, Answers(pa.ipc.open_stream(content).read_all(), refused, reasons)


@contextmanager
def _cluster() -> Iterator[Any]:
    """The cluster that this process is with, or that RAY_ADDRESS names, or one made on this machine for the job."""
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise BadInput("Ray is not installed here", hint="pip install 'noria[ray]'") from error
    if ray.is_initialized():
        yield ray
        return
    try:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="error")
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        said = (
            f"there is no Ray cluster to be had: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        )
        raise HandsLost(said, hint="RAY_ADDRESS names one; without it one is started on this machine") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _function(name: str) -> Callable[..., Any]:
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        said = f"{name} cannot be imported on a node of the cluster: {error}"
        raise NotThere(said, hint="the project's folder must be at the same place on every node") from error
    return found  # type: ignore[no-any-return]


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
