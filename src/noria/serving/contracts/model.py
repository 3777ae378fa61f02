"""What a contract is, and what it needs of the application that answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from noria.core.errors import BadInput, NoriaError, NotFound
from noria.serving.contracts.shape import Shape
from noria.serving.lineup import Board, Lineup
from noria.serving.manner import Manner
from noria.serving.model import PredictionRecord, Request, Response
from noria.serving.rows import Ask

Pending = Response | Awaitable[Response]
Handler = Callable[..., Pending]
"""Takes the house, the request, and what stood in the path for each `{name}` of the route."""
Show = Callable[[Sequence[PredictionRecord]], Any]
"""Makes the body of the answers: a JSON value, or a whole response."""
Why = dict[str, Any] | None
"""An explanation; None where there is none."""
ShowWhy = Callable[[Sequence[PredictionRecord], Sequence[Why]], Any]
"""The same with explanations."""


class House(Protocol):
    """What contracts need of the application."""

    @property
    def board(self) -> Board:
        """Everything served now."""
        ...

    @property
    def contracts(self) -> Sequence[Contract]:
        """Every contract that is answered, in the order in which their routes are looked for."""
        ...

    def only_model(self, request: Request) -> str:
        """The model of a path that names none: `?model=NAME`, or the only one. Raises BadPayload for several."""
        ...

    def shape(self, lineup: Lineup) -> Shape:
        """What rows of a lineup look like."""
        ...

    def answer(self, lineup: Lineup, asks: Sequence[Ask], started: float, show: Show, manner: Manner) -> Pending:
        """What `show` makes of the answers to rows that began to be read at `started` (monotonic seconds)."""
        ...

    def explain(self, lineup: Lineup, asks: Sequence[Ask], started: float, show: ShowWhy, manner: Manner) -> Pending:
        """What `show` makes of the answers and of why each is what it is."""
        ...

    def counts(self) -> str:
        """What Prometheus is told."""
        ...

    async def load(self, model: str) -> None:
        """Read the routing again now, and bring what it names of a model into memory."""
        ...

    def unload(self, model: str) -> None:
        """Let a model that is loaded on demand go. Raises NotPermitted for any other."""
        ...


@dataclass(frozen=True)
class Route:
    """One method of one path. `{name}` in the path stands for a segment, which the handler is given."""

    method: str
    path: str
    handler: Handler
    says: str = ""
    """One line for the pages that list what is served."""
    predicts: bool = False
    """Whether it answers rows, so that a refusal counts as a prediction that failed."""


@dataclass(frozen=True)
class Contract:
    """Routes that belong together. `refuse` says no in the words of the contract; `roots` are the paths that are its
    own even where no route is."""

    name: str
    title: str
    routes: tuple[Route, ...]
    refuse: Callable[[NoriaError], Response]
    roots: tuple[str, ...] = ()


class UnknownVersion(NotFound):
    """That version of the model is not in memory: only those that the routing names are."""

    code = "N6070"


class NotOffered(BadInput):
    """A part of the contract that this server does not do."""

    code = "N6071"
    status = 501


class NotPermitted(BadInput):
    """The contract could change what is served; here the registry and its rollouts do that, and nobody else."""

    code = "N6072"
    status = 403


class UnknownMedia(BadInput):
    """A body of a media type that the path does not take."""

    code = "N6073"
    status = 415
