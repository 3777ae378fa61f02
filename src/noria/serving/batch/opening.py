"""What answers the chunks of a job, opened from what the job has settled: the same in any process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from noria.features.model import InputSet
from noria.optimization.operations import load_package
from noria.serving.batch.answering import Answerer, open_version
from noria.serving.batch.looking_up import Functions, Given, History, LookUp, Online
from noria.serving.batch.model import Lookup, Pinned
from noria.workspace.workspace import Workspace


@dataclass(frozen=True)
class Recipe:
    """What a process needs to know to answer chunks of a job.

    `names` are the input's columns, `carried` those written as they are. `memory` limits the address space of a
    native model's process, in bytes.
    """

    pinned: Pinned
    names: tuple[str, ...]
    carried: tuple[str, ...]
    memory: int | None = None


def open_answerer(ws: Workspace, recipe: Recipe, functions: Functions) -> Answerer:
    """Open the version that was settled, and what its features are looked up in; close it after use.

    Raises GoldenMismatch, WorkerFailed, Corrupt, NotFound.
    """
    pinned = recipe.pinned
    inputs = load_package(ws, pinned.package).inputs
    look_up = _look_up(ws, recipe, inputs, functions)
    try:
        session = open_version(ws, pinned.package, recipe.memory)
    except BaseException:
        look_up.close()
        raise
    return Answerer(
        pinned.version, inputs, session, look_up, recipe.carried, ws.clock,
        own_moment=pinned.own_moment, moment=pinned.moment,
    )  # fmt: skip


def _look_up(ws: Workspace, recipe: Recipe, inputs: InputSet, functions: Functions) -> LookUp:
    made: Mapping[Lookup, Callable[[], LookUp]] = {
        "given": lambda: Given(inputs, functions, frozenset(recipe.names)),
        "history": lambda: History(ws, inputs, recipe.pinned.parts, functions),
        "online": lambda: Online(ws, inputs, functions),
    }
    return made[recipe.pinned.lookup]()
