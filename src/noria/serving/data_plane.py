"""The data plane: answers predictions with what it has, and follows the control plane when that is there.

It needs files (blobs, online features, its log), not the database: routing is read every second, and when the
database is away the last one stays in force, also over a restart. New versions are loaded in a thread and put
in place by one assignment.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Protocol

from pydantic import TypeAdapter

from noria.config.environment import environment
from noria.core.digest import canonical
from noria.core.errors import NoriaError
from noria.features.model import InputSet, ViewSpec
from noria.features.online.features import OnlineFeatures
from noria.serving.app import App
from noria.serving.contracts import vertex
from noria.serving.contracts.model import NotPermitted
from noria.serving.endpoint import Endpoint
from noria.serving.following import LastKnown, keep_last, read_last, wanted
from noria.serving.graphs.board import Graphs
from noria.serving.graphs.model import GraphSpec
from noria.serving.lineup import Board, Lineup, changed_functions
from noria.serving.loading import Loader
from noria.serving.log import PredictionLog, log_path
from noria.serving.log_rules import log_secret
from noria.serving.metrics import Metrics
from noria.serving.model import Routing, ServedModel
from noria.serving.seats import Seat, Seats
from noria.workspace.workspace import Workspace

_log = logging.getLogger(__name__)
POLL_SECONDS = 1.0
_INPUTS = TypeAdapter(InputSet)
OnViews = Callable[[OnlineFeatures, Sequence[ViewSpec]], None]
"""Told which views the online store has just been given; may fill them from history."""


class Lane(Protocol):
    """Another way to reach a data plane, in the same event loop: gRPC."""

    async def start(self) -> None:
        """Take calls from now on."""
        ...

    async def stop(self) -> None:
        """Take none any more, and answer those that were taken."""
        ...


class DataPlane:
    """Everything a serving process holds. One at a time a workspace: a second one raises Conflict.

    `functions` are the on-demand feature functions by `module:name`. With `replay` callers drive the clock
    (which must be a ManualClock), and the routing is read only when asked. `on_views` is
    told which views the online store is given, at opening and at a swap; without it new ones begin empty. Models take
    `memory` bytes at most. `graphs` are served beside them, members before those that ask them.
    """

    def __init__(
        self,
        ws: Workspace,
        models: Mapping[str, ServedModel],
        functions: Mapping[str, Callable[..., Any]],
        *,
        replay: bool = False,
        on_views: OnViews | None = None,
        memory: int | None = None,
        graphs: Sequence[GraphSpec] = (),
    ) -> None:
        self.clock = ws.clock
        self.replay = replay
        names = [*models, *(graph.name for graph in graphs)]
        self.board = Board(waiting=dict.fromkeys(names, "the routing has not been read yet"))
        self._ws = ws
        self.folder = ws.folder("serving")
        self.metrics = self._open_metrics()
        self.models = {name: replace(served, inputs=_as_packaged(served.inputs)) for name, served in models.items()}
        self._last_file = ws.folder("serving") / "last.json"
        self._last = read_last(self._last_file)
        packages = ((name.rpartition("/"), package) for name, package in self._last.packages.items())
        self.seats = Seats(memory, self.metrics.seats)
        self._loader = Loader(
            ws, functions, {(name[0], int(name[2])): package for name, package in packages},
            self.models, self.metrics, self.seats,
        )  # fmt: skip
        self._following = asyncio.Lock()
        self._closed = False
        self._graphs = Graphs(graphs, functions)
        self._on_views = on_views
        self.log = self._open_log()
        self.online = self._open_online()
        self.app = self._open_app()

    def _open_metrics(self) -> Metrics:
        return Metrics()

    def _open_log(self) -> PredictionLog:
        rules = self._graphs.rules(self.models)
        secret = log_secret(self._ws.folder("serving")) if rules else b""
        return PredictionLog(log_path(self._ws), rules=rules, secret=secret)

    def _open_app(self) -> App:
        self.endpoint = Endpoint(self.log, self._ws.ids, self.metrics)
        return App(self, vertex.container(environment()))

    def _open_online(self) -> OnlineFeatures:
        """With the views of the last known versions too: they want the events since the last checkpoint as well."""
        views = _views([*(served.inputs.views for served in self.models.values()), *self._loader.known_views()])
        try:
            online = OnlineFeatures(views, self._ws.online_store("features"), self._ws.folder("serving") / "events")
            self._fill(online, views)
        except BaseException:
            self.log.close()
            raise
        return online

    def refresh(self) -> Board:
        """Read the routing, load what it names, and put it in place. For the thread that answers requests."""
        self._loader.forget_failures()
        return self._install(self._prepare())

    async def follow(self) -> None:
        """The same beside running requests: reading and loading happen in a thread."""
        async with self._following:
            self._install(await asyncio.to_thread(self._prepare))
        self.seats.sweep()

    async def load(self, model: str) -> None:
        """Take up the routing of a model, and bring it into memory, also when it failed. Raises UnknownModel, NotReady,
        and what keeps a version on demand out of memory."""
        await self.follow()
        for seat in _seats(self.board.lineup(model)):
            await self.seats.load(seat)

    def unload(self, model: str) -> None:
        """Let a model on demand go until the next request for it. Raises UnknownModel, NotReady, NotPermitted."""
        lineup = self.board.lineup(model)
        seats = [] if lineup.champion.graph is not None else list(_seats(lineup))
        for seat in seats:
            self.seats.unload(seat)
        if not seats:
            raise NotPermitted(f"{model!r} is not loaded on demand", hint="roll it back, or stop serving it")

    def close(self) -> None:
        """Store the online features' state, seal the log. Closing again changes nothing."""
        if self._closed:
            return
        self._closed = True
        self._loader.close()
        self.seats.close()
        try:
            self.online.close()
        finally:
            self.log.close()

    @asynccontextmanager
    async def running(self, *lanes: Lane) -> AsyncIterator[None]:
        """Serving from entering to leaving: follows the routing meanwhile, closes at the end; with more `lanes`."""
        await self.follow()
        task = None if self.replay else asyncio.create_task(self._keep_following())
        try:
            for lane in lanes:
                await lane.start()
            yield
        finally:
            for lane in lanes:
                await lane.stop()
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            self.close()

    async def _keep_following(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.follow()
            except Exception:
                _log.exception("the routing could not be followed; the last one stays in force")

    def _prepare(self) -> Board:
        degraded = []
        try:
            routings = wanted(self._ws, self.models)
        except Exception as error:
            routings = {name: one for name, one in self._last.routings.items() if name in self.models}
            degraded.append(f"the database is away, the last known routing is in force: {error}")
        lineups: dict[str, Lineup] = {}
        waiting: dict[str, str] = {}
        for model in self.models:
            lineup = self._lineup(model, routings.get(model), waiting)
            if lineup is not None:
                lineups[model] = lineup
                degraded += [f"{model}: {lineup.trouble}"] if lineup.trouble else []
        self._graphs.add(lineups, waiting, self.online)
        board = Board(lineups, waiting, "; ".join(degraded))
        self._keep(board)
        return board

    def _lineup(self, model: str, routing: Routing | None, waiting: dict[str, str]) -> Lineup | None:
        current = self.board.lineups.get(model)
        if routing is None:
            if current is None:
                waiting[model] = f"no version has the alias {self.models[model].alias!r}"
            return current
        try:
            champion = self._loader.load(model, routing.champion, self.online)
        except NoriaError as error:
            if current is None:
                waiting[model] = error.message
                return None
            return Lineup(current.routing, current.champion, current.challenger, error.message)
        changed = changed_functions(champion.package.inputs, self.models[model].inputs)
        trouble = f"functions have changed since version {champion.number} was trained: {changed}" if changed else ""
        if routing.challenger is None:
            return Lineup(routing, champion, trouble=trouble)
        try:
            return Lineup(routing, champion, self._loader.load(model, routing.challenger, self.online), trouble)
        except NoriaError as error:
            return Lineup(routing, champion, trouble=f"the challenger cannot answer: {error.message}")

    def _keep(self, board: Board) -> None:
        lineups = {name: one for name, one in board.lineups.items() if one.champion.graph is None}
        used = {(one.model, one.number) for lineup in lineups.values() for one in lineup.versions}
        packages = {f"{model}/{number}": self._loader.packages[model, number] for model, number in sorted(used)}
        last = LastKnown({model: lineup.routing for model, lineup in lineups.items()}, packages)
        if used and last != self._last:
            self._remember(last)
            self._last = last
        self._loader.keep_only(used)

    def _remember(self, last: LastKnown) -> None:
        keep_last(self._last_file, last)

    def _install(self, board: Board) -> Board:
        if board == self.board:
            return board
        loaded = [one for lineup in board.lineups.values() for one in lineup.versions]
        new = [view for view in _views(one.package.inputs.views for one in loaded) if not self.online.has(view)]
        self._fill(self.online, new)
        for line in {board.degraded, *board.waiting.values()} - {""}:
            _log.warning("%s", line)
        self.board = board
        self.metrics.serving(board)
        return board

    def _fill(self, online: OnlineFeatures, views: Sequence[ViewSpec]) -> None:
        online.add_views(views)
        if views and self._on_views is not None:
            self._on_views(online, views)


def _seats(lineup: Lineup) -> Iterator[Seat]:
    """Of a lineup's versions that are loaded on demand, and of a graph's members'."""
    for loaded in lineup.versions:
        if isinstance(loaded.seat, Seat):
            yield loaded.seat
        for member in loaded.graph.members.values() if loaded.graph is not None else ():
            yield from _seats(member)


def _as_packaged(inputs: InputSet) -> InputSet:
    """The same inputs as a package brings them: with 15.0 where 15 was declared, a view would be another one."""
    return _INPUTS.validate_json(canonical(inputs))


def _views(groups: Iterable[Sequence[ViewSpec]]) -> tuple[ViewSpec, ...]:
    return tuple(dict.fromkeys(view for views in groups for view in views))
