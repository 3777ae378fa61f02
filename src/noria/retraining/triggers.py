"""Whether the wheel is to turn now: the declared rule, the cooldown, and what is already under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from noria.core.clock import Micros
from noria.core.rules import Rule, Trigger, holds
from noria.core.units import Duration
from noria.monitoring import operations as monitoring
from noria.retraining.model import ModelPlan
from noria.rollout import operations as rollouts
from noria.workspace.workspace import Workspace


@dataclass(frozen=True)
class Decision:
    """To turn or not, and why."""

    turn: bool
    why: str


def decide(ws: Workspace, plan: ModelPlan, at: Micros) -> Decision:
    """Whether a turn starts at `at`.

    The cooldown and a running rollout come first: a rule that holds meanwhile is not forgotten, it is asked
    again at the next look.
    """
    spec = plan.retrain
    if spec is None:
        return Decision(False, "no retraining is declared")
    if running := rollouts.current(ws, plan.name):
        return Decision(False, f"version {running.challenger} is still taking over")
    since = last_turn(ws, plan.name)
    if since is not None and at - since < spec.at_most.micros:
        return Decision(False, f"the last turn was {Duration(at - since)} ago; at most one in {spec.at_most}")
    reasons = holds(spec.when, lambda leaf: _fired(ws, plan.name, leaf, at, since))
    return Decision(bool(reasons), _sentence(reasons))


def last_turn(ws: Workspace, model: str) -> Micros | None:
    """When the last turn of a model started, by its clock; None when there was none."""
    found = ws.journal.read(kinds=["TurnStarted"], subject=f"model:{model}", newest_first=True, limit=1)
    return found[0].at if found else None


def _fired(ws: Workspace, model: str, leaf: Rule | Trigger, at: Micros, since: Micros | None) -> bool:
    if leaf.quantity.kind == "every":
        return since is None or at - since >= int(leaf.quantity.about[0])
    return monitoring.fired(ws, model, leaf)


def _sentence(reasons: Sequence[Rule | Trigger]) -> str:
    return " and ".join(map(str, reasons)) if reasons else "no rule holds"
