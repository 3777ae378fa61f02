"""The data plane as those see it who answer requests."""

from __future__ import annotations

from typing import Protocol

from noria.core.clock import Clock
from noria.features.online.features import OnlineFeatures
from noria.serving.endpoint import Endpoint
from noria.serving.lineup import Board
from noria.serving.log import PredictionLog
from noria.serving.metrics import Metrics
from noria.serving.model import ServedModel


class Plane(Protocol):
    """What the application needs of the data plane around it."""

    board: Board
    models: dict[str, ServedModel]
    endpoint: Endpoint
    online: OnlineFeatures
    log: PredictionLog
    metrics: Metrics
    clock: Clock
    replay: bool

    async def follow(self) -> None:
        """Read the routing again now."""
        ...

    async def load(self, model: str) -> None:
        """The same, and bring what it names of a model into memory."""
        ...

    def unload(self, model: str) -> None:
        """Let a model on demand go. Raises NotPermitted for any other."""
        ...
