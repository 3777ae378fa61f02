"""The controller: looks again and again at what came in, and does what the declaration says.

`tick` is one look: measure, advance rollouts, raise alarms, and take a turn when the rule holds. A wall
clock calls it in production and the replayed clock in a replay; it is the same code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol

from noria.core.clock import Micros
from noria.core.errors import NoriaError
from noria.monitoring import operations as monitoring
from noria.monitoring import profile as profiles
from noria.monitoring.model import Measurement
from noria.monitoring.observations import Observations
from noria.registry import operations as registry
from noria.retraining.model import ModelPlan, TurnReport
from noria.retraining.steps import Functions
from noria.retraining.triggers import decide
from noria.retraining.turn import take_turn, unfinished_turn
from noria.rollout import evidence
from noria.rollout import operations as rollouts
from noria.rollout.model import Rollout
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace


class Notify(Protocol):
    """Tells the data plane that routing may have changed."""

    def __call__(self) -> None: ...


@dataclass
class Look:
    """What one look at one model found and did."""

    model: str
    measurements: Sequence[Measurement] = ()
    rollout: Rollout | None = None
    turn: TurnReport | None = None
    failure: str = ""


@dataclass
class Controller:
    """Watches the models of a project and turns the wheel.

    `observations` reads the prediction log; `notify` is called after anything that changed routing.
    """

    ws: Workspace
    plans: Sequence[ModelPlan]
    functions: Functions
    observations: Observations
    notify: Callable[[], None]
    _measured: dict[str, Micros] = field(default_factory=dict)
    _told: bool = False

    def tick(self, at: Micros) -> list[Look]:
        """One look at every model at `at`. A model whose look fails is reported, and does not stop the others."""
        if not self._told:
            self.notify()  # whoever was here before may have died between a change and the telling of it
            self._told = True
        self.observations.refresh()
        return [self._look(plan, at) for plan in self.plans]

    def run(self, stop: Event, *, interval: float = 1.0) -> None:
        """Look every `interval` seconds until told to stop."""
        while not stop.wait(interval):
            try:
                self.tick(self.ws.clock.now())
            except NoriaError:
                continue  # a store is away; nothing was decided, and the next look asks again

    def _look(self, plan: ModelPlan, at: Micros) -> Look:
        look = Look(plan.name)
        try:
            self._take(plan, at, look)
        except NoriaError as error:
            look.failure = str(error)  # a store is away: nothing was decided, and the next look asks again
        return look

    def _take(self, plan: ModelPlan, at: Micros, look: Look) -> None:
        look.rollout = self._advance(plan, at)
        look.measurements = self._measure(plan, at)
        if broken_off := unfinished_turn(self.ws, plan.name):
            self._turn(plan, broken_off.args["as_of"], broken_off.args["reason"], look)
        elif (decision := decide(self.ws, plan, at)).turn:
            self._turn(plan, at, decision.why, look)

    def _advance(self, plan: ModelPlan, at: Micros) -> Rollout | None:
        running = rollouts.current(self.ws, plan.name)
        if running is None:
            return None
        task = plan.training.label.task
        maturing = plan.training.label.matures_after
        found = evidence.gather(self.observations, plan.rollout, running, task=task, at=at, matures_after=maturing)
        after = rollouts.advance(self.ws, plan.rollout, running, found)
        if (after.state, after.stage) != (running.state, running.stage):
            self.notify()
        return after

    def _measure(self, plan: ModelPlan, at: Micros) -> Sequence[Measurement]:
        champion = registry.alias(self.ws, plan.name)
        due = at - self._measured.get(plan.name, 0) >= plan.monitors.period
        if champion is None or not due:
            return ()
        self._measured[plan.name] = at
        profile = profiles.load_profile(self.ws, champion.profile) if champion.profile else None
        watched = monitoring.watching(plan.monitors, plan.retrain.when if plan.retrain else None)
        return monitoring.evaluate(self.ws, watched, plan.name, champion.number, profile, self.observations, at)

    def _turn(self, plan: ModelPlan, at: Micros | None, why: str, look: Look) -> None:
        try:
            look.turn = take_turn(self.ws, plan, self.functions, as_of=at, reason=why)
        except NoriaError as error:
            look.failure = str(error)
            failed = Fact("TurnFailed", f"model:{plan.name}", {"code": error.code, "error": error.message})
            with self.ws.database.transaction() as connection:
                self.ws.journal.append(connection, failed)
            return
        self.notify()
