"""Who answers: the loaded versions of a model, and the arm of a key.

A `Lineup` is immutable. A swap replaces the whole of it in one assignment, and a request that began on the
old one ends on the old one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, Protocol

from noria.features.model import FunctionInput, InputSet
from noria.features.vector import Vectorizer
from noria.optimization.explaining.explainer import Explainer
from noria.optimization.model import Package
from noria.serving.batching import Lane, Overloaded
from noria.serving.caching import PredictionCache
from noria.serving.model import Arm, NotReady, Routing, UnknownModel
from noria.serving.pace import Pace
from noria.serving.workers.native_scorer import NativeScorer

_SPAN = float(1 << 64)


class Scorer(Protocol):
    """A version in memory, ready to answer."""

    def predict_row(self, row: Mapping[str, Any]) -> float:
        """The prediction for one row of flattened inputs."""
        ...

    def predict_rows(self, rows: Sequence[Mapping[str, Any]]) -> list[float]:
        """The predictions for several, in their order."""
        ...


class Elsewhere:
    """The scorer of a version that does not answer by itself: on demand its seat does, a graph asks its members."""

    def predict_row(self, _row: Mapping[str, Any]) -> float:
        """Raises NotReady."""
        raise NotReady("this version is not in memory", hint="it is awaited where rows are answered")

    def predict_rows(self, rows: Sequence[Mapping[str, Any]]) -> list[float]:
        """Raises NotReady."""
        return [self.predict_row(row) for row in rows]


class Seat(Protocol):
    """The place of a version that is in memory only while it is wanted."""

    failed: str
    """Why it could not be loaded the last time; "" when it could, or was not tried."""

    @property
    def absent(self) -> str:
        """Why it is not in memory; "" while it is."""
        ...

    def held(self) -> AbstractAsyncContextManager[Loaded]:
        """The version in memory, for as long as it is needed; waits for it to be loaded."""
        ...


class Asks(Protocol):
    """What makes the answers of a graph: the lineups of its `members`."""

    @property
    def members(self) -> Mapping[str, Lineup]:
        """Those that are asked, by name."""
        ...

    @property
    def able(self) -> bool:
        """Whether every member will answer."""
        ...

    async def answer(
        self, loaded: Loaded, rows: Sequence[Mapping[str, Any]], now: int, priority: int, score: Any
    ) -> list[Any]:
        """What each row was read as, and its answer."""
        ...


@dataclass(frozen=True)
class Loaded:
    """One version: its description, what reads and completes its rows, and its scorer.

    `pace` tells whether it answers on the caller's thread; else its `lane` does. With a `seat` it is only described
    here, and is in memory while somebody holds the seat. With `graph` it is made of others.
    """

    model: str
    number: int
    package: Package
    vectorizer: Vectorizer
    scorer: Scorer
    pace: Pace = field(default_factory=Pace, compare=False)
    lane: Lane | None = None
    cache: PredictionCache | None = None
    explainer: Explainer | None = None
    seat: Seat | None = field(default=None, compare=False)
    graph: Asks | None = None

    @property
    def waits(self) -> bool:
        """Whether its answers must be waited for. A version on demand or a graph has a pace that is never inline."""
        return not self.pace.inline or (self.cache is not None and self.cache.shared is not None)

    @property
    def absent(self) -> str:
        """Why it is not in memory; "" when it is."""
        return self.seat.absent if self.seat is not None else ""

    @property
    def able(self) -> bool:
        """Whether it will answer: one that is not in memory will, unless it could not be loaded the last time."""
        if self.graph is not None:
            return self.graph.able
        return self.seat is None or not self.seat.failed

    def queue(self) -> Lane:
        """Where its rows wait. Raises Overloaded when it has none."""
        if self.lane is None:
            raise Overloaded(f"version {self.number} of {self.model!r} has no lane", hint="ask again")
        return self.lane

    def close(self) -> None:
        """Answer what waits, then let go of threads and processes."""
        if self.lane is not None:
            self.lane.close()
        if isinstance(self.scorer, NativeScorer):
            self.scorer.close()
        if self.cache is not None and self.cache.shared is not None:
            self.cache.shared.close()


@dataclass(frozen=True)
class Lineup:
    """The versions of one model that are in memory, and the routing between them.

    `challenger` is None when there is none, and also when it could not be loaded. `trouble` tells what is
    wrong without being in the way.
    """

    routing: Routing
    champion: Loaded
    challenger: Loaded | None = None
    trouble: str = ""

    def arm(self, key: str) -> Arm:
        """Which arm answers a key: the same one for as long as share and salt stay."""
        routing = self.routing
        if routing.mode != "split" or self.challenger is None:
            return "champion"
        return "challenger" if position(key, routing.salt) < routing.share else "champion"

    @cached_property
    def same_inputs(self) -> bool:
        """Whether what was looked up for the champion serves the challenger too."""
        return self.challenger is not None and self.challenger.package.inputs == self.champion.package.inputs

    @property
    def waits(self) -> bool:
        """Whether answers must be waited for."""
        return self.champion.waits or (self.challenger is not None and self.challenger.waits)

    @property
    def versions(self) -> tuple[Loaded, ...]:
        """The champion, and the challenger if there is one."""
        return (self.champion,) if self.challenger is None else (self.champion, self.challenger)


@dataclass(frozen=True)
class Board:
    """Everything served at one moment. `waiting` tells per model why it has no version yet.

    `degraded` is a sentence about what is wrong while answers still flow, such as a database that is away.
    """

    lineups: Mapping[str, Lineup] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)
    degraded: str = ""

    @property
    def models(self) -> list[str]:
        """Every model this server is for, with a version or without."""
        return sorted({*self.lineups, *self.waiting})

    def lineup(self, model: str) -> Lineup:
        """The lineup of a model. Raises UnknownModel, or NotReady when it has no version."""
        found = self.lineups.get(model)
        if found is not None:
            return found
        if model in self.waiting:
            raise NotReady(
                f"model {model!r} has no version to answer with: {self.waiting[model]}",
                hint="train one with `noria run`, or promote one; it is taken up within a second",
            )
        raise UnknownModel("model", model, self.models)


def changed_functions(trained: InputSet, declared: InputSet) -> str:
    """Names of the functions whose code is not what a version was trained with: it would be given other numbers."""
    now = {one.function: one.fingerprint for one in declared.inputs if isinstance(one, FunctionInput)}
    used = [one for one in trained.inputs if isinstance(one, FunctionInput)]
    return ", ".join(one.name for one in used if now.get(one.function, one.fingerprint) != one.fingerprint)


def position(key: str, salt: str) -> float:
    """Where a key lies in [0, 1): uniform over keys, independent between salts.

    >>> position("UA1", "a") == position("UA1", "a"), 0 <= position("UA1", "b") < 1
    (True, True)
    """
    hashed = blake2b(f"{salt}\\0{key}".encode(), digest_size=8).digest()
    return int.from_bytes(hashed, "big") / _SPAN
