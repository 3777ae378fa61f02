"""The application: which function answers, where it works, and how its answer leaves.

An ASGI callable of our own. It decodes a request as its route says, does the work on one of the `Lanes` and encodes
the answer there, too, so that the event loop only moves bytes.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from noria.core.errors import NoriaError
from noria.server.mlflow import (
    artifact_lists,
    experiments,
    guard,
    info,
    logged,
    logged_models,
    metrics,
    model_versions,
    page,
    registered_models,
    runs,
    webhooks,
)
from noria.server.mlflow.answers import encode
from noria.server.mlflow.artifacts import TREE, Door
from noria.server.mlflow.faults import INTERNAL, NO_ENDPOINT, Refused, body_of, reply_to
from noria.server.mlflow.lanes import Lanes
from noria.server.mlflow.routes import PREFIXES, Route, Routes, table
from noria.server.mlflow.transport import Exchange, Gone, Receive, Scope, Send
from noria.server.mlflow.wire import decode, decode_query
from noria.server.mlflow.wording import reworded
from noria.tracking import experiments as experiments_of
from noria.tracking.model import DEFAULT_EXPERIMENT
from noria.workspace.workspace import Workspace

_LONG = 256 << 10
"""A body so long is decoded in a thread, too."""
_MODEL_FILE = re.compile(r"/mlflow/logged-models/([^/]+)/artifacts/files")
_log = logging.getLogger("noria.server")

_RESOURCES = (
    experiments, runs, logged, metrics, logged_models, registered_models, model_versions, artifact_lists, webhooks,
    info, page,
)  # fmt: skip
ROUTES: Routes = table(route for resource in _RESOURCES for route in resource.ROUTES)


class Application:
    """MLflow's protocol over a workspace, as an ASGI callable.

    `hosts` are the names under which it may be asked (None: any), `page` the folder of MLflow's own web page, if it is
    to be served. Threads start with the first request; `close` ends them.
    """

    def __init__(self, ws: Workspace, *, hosts: frozenset[str] | None = None, page: Path | None = None) -> None:
        self.ws = ws
        self.lanes = Lanes(ws.database)
        self._hosts = hosts
        self._page = None if page is None else page.resolve()
        self._files = Door(ws, self.lanes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"{scope['type']!r} is not spoken here")
        exchange = Exchange(scope, receive, send)
        try:
            await self._answer(exchange)
        except Gone:
            return
        except Exception as error:
            status, told = _told(error)
            if exchange.begun:  # the client sees an answer that ends too early
                raise
            await exchange.answer(status, encode(told))

    def close(self) -> None:
        """Finish what was begun, and end the threads. The workspace stays open."""
        self.lanes.close()

    async def _answer(self, exchange: Exchange) -> None:
        path = exchange.path
        if path in info.PLAIN:
            await exchange.answer(200, *info.PLAIN[path])
            return
        guard.check(exchange, self._hosts)
        if (prefix := next((one for one in PREFIXES if path.startswith(f"{one}/")), None)) is not None:
            await self._answer_api(exchange, path[len(prefix) :])
        elif path == "/get-artifact":
            await self._files.of_run(exchange)
        elif path == "/model-versions/get-artifact":
            await self._files.of_version(exchange)
        elif path == "/graphql" and exchange.method == "POST":
            await self._answer_route(exchange, page.GRAPHQL, {})
        elif page.is_page(path):
            await page.serve(exchange, self._page, self.lanes)
        else:
            raise Refused(NO_ENDPOINT, f"There is no endpoint {exchange.method} {path}.")

    async def _answer_api(self, exchange: Exchange, path: str) -> None:
        if path.startswith(TREE):
            await self._files.serve(exchange, path[len(TREE) :])
            return
        if found := _MODEL_FILE.fullmatch(path):
            await self._files.of_logged_model(exchange, found[1])
            return
        await self._answer_route(exchange, *ROUTES.find(exchange.method, path))

    async def _answer_route(self, exchange: Exchange, route: Route, given: Mapping[str, str]) -> None:
        if exchange.method == "GET":
            body = exchange.query
        else:
            guard.check_json(exchange)
            body = await exchange.body(route.most_bytes)
        await exchange.answer(200, await self._work(route, body, given))

    async def _work(self, route: Route, body: bytes, given: Mapping[str, str]) -> bytes:
        ws, answer = self.ws, route.answer
        read = partial(decode_query if route.method == "GET" else decode, route.message, body, given)
        asked: Any = read() if len(body) < _LONG else await self.lanes.read(read)
        if route.lane == "together":

            def joined(connection: sa.Connection) -> bytes:
                return encode(answer(ws, connection, asked))

            return bytes(await self.lanes.write_together(joined))

        def alone() -> bytes:
            return encode(answer(ws, asked))

        return bytes(await (self.lanes.read(alone) if route.lane == "read" else self.lanes.write(alone)))


def mlflow_app(ws: Workspace, *, hosts: frozenset[str] | None = None, page: Path | None = None) -> Application:
    """MLflow's protocol over a workspace, in which the default experiment is made. See `Application`."""
    experiments_of.get_experiment(ws, DEFAULT_EXPERIMENT)
    return Application(ws, hosts=hosts, page=page)


def _told(error: Exception) -> tuple[int, dict[str, str]]:
    if isinstance(error, NoriaError):
        return reply_to(reworded(error))
    _log.exception("a request could not be answered", exc_info=error)
    return 500, body_of(INTERNAL, "The server could not answer because of a fault of its own; its log has the cause.")
