"""The control plane: what people and programs ask of a project over HTTP, and the controller beside it.

Whatever it does not know itself it hands to the tracking application, so that one address is enough for a project's
people and for MLflow's clients.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi import Request as HttpRequest
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from noria.core.clock import ManualClock
from noria.core.errors import BadInput, NoriaError
from noria.registry import operations as registry
from noria.retraining.controller import Controller
from noria.server import operations
from noria.server.mlflow.app import mlflow_app
from noria.server.tracking import maintain, tracking_app
from noria.workspace.workspace import Workspace


class NotReplaying(BadInput):
    """A caller's time was sent to a server that was not started for a replay."""

    code = "N7101"


class Promotion(BaseModel):
    """Which version is to be promoted, and why."""

    version: int
    reason: str = "promoted over HTTP"
    force: bool = False


class Reason(BaseModel):
    """Why something is done."""

    reason: str = "rolled back over HTTP"


class Moment(BaseModel):
    """A moment of a replay, in microseconds UTC."""

    at: int


def control_app(ws: Workspace, controller: Controller, notify: Callable[[], None], *, replay: bool) -> FastAPI:
    """The application: reading, promoting, rolling back, and in a replay the look that the driver asks for."""
    stop = threading.Event()
    mlflow = mlflow_app(ws)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threading.Thread(target=maintain, args=(ws, stop), name="maintenance", daemon=True).start()
        loop = threading.Thread(target=controller.run, args=(stop,), name="controller", daemon=True)
        if not replay:
            loop.start()
        yield
        stop.set()
        await asyncio.to_thread(mlflow.close)

    app = FastAPI(title="Noria control plane", lifespan=lifespan)
    app.add_exception_handler(NoriaError, _answer_error)
    _add_reading(app, ws)
    _add_changing(app, ws, notify)

    @app.post("/api/tick")
    def tick(moment: Moment) -> Any:
        """One look of the controller at a replayed moment."""
        if not replay or not isinstance(ws.clock, ManualClock):
            raise NotReplaying("this server lives in the present", hint="start it with `noria up --replay`")
        ws.clock.advance_to(moment.at)
        looks = controller.tick(ws.clock.now())
        failures = [look.failure for look in looks if look.failure]
        return {"looks": len(looks), "turns": [_plain(look.turn) for look in looks if look.turn], "failures": failures}

    app.mount("/", tracking_app(ws, mlflow))
    return app


def _add_reading(app: FastAPI, ws: Workspace) -> None:
    @app.get("/health")
    def health() -> dict[str, str]:
        """Alive."""
        return {"status": "ok"}

    @app.get("/api/status")
    def status() -> Any:
        """Every model in one line."""
        return _plain(operations.status(ws))

    @app.get("/api/journal")
    def journal(after: int = 0, limit: int = 100) -> Any:
        """Journal entries numbered above `after`."""
        return _plain(ws.journal.read(after, limit=min(limit, 1000)))

    @app.get("/api/models/{model}/versions")
    def versions(model: str) -> Any:
        """Every version of a model."""
        return _plain(registry.list_versions(ws, model))

    @app.get("/api/models/{model}/lineage/{number}")
    def lineage(model: str, number: int) -> Any:
        """What made a version."""
        return _plain(registry.lineage(ws, model, number))

    @app.get("/api/models/{model}/measurements")
    def measurements(model: str) -> Any:
        """The newest measurement of each monitor and feature."""
        return _plain(operations.newest_measurements(ws, model))


def _add_changing(app: FastAPI, ws: Workspace, notify: Callable[[], None]) -> None:
    @app.post("/api/models/{model}/promote")
    def promote(model: str, body: Promotion) -> Any:
        """Put a version into production."""
        after = operations.promote(ws, model, body.version, reason=body.reason, force=body.force)
        notify()
        return {"model": model, "production": after.number}

    @app.post("/api/models/{model}/rollback")
    def rollback(model: str, body: Reason) -> Any:
        """End a rollout, or return to the version before."""
        after = operations.rollback(ws, model, reason=body.reason)
        notify()
        return {"model": model, "production": after.number}


async def _answer_error(_: HttpRequest, error: Exception) -> JSONResponse:
    assert isinstance(error, NoriaError)
    return JSONResponse(error.as_dict(), status_code=error.status)


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)
