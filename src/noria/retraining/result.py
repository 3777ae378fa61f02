"""The figures of a replay, gathered from the log, the journal and the registry: what `--json` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from noria.core.clock import Micros
from noria.retraining.model import ModelPlan
from noria.retraining.replay import State
from noria.retraining.scoring import Answer, Equality, Score
from noria.rollout import operations as rollouts
from noria.stores.journal import Entry
from noria.workspace.workspace import Workspace


@dataclass(frozen=True)
class Retraining:
    """One turn of the wheel: when, why, and what became of it.

    `outcome` is promoted, refused (by a gate), rolled back, inconclusive, taking over, failed or unchanged.
    """

    at: Micros
    reason: str
    version: int | None
    outcome: str
    why: str
    ended: Micros | None = None


@dataclass(frozen=True)
class Cost:
    """What the replay cost."""

    requests: int
    events: int
    trainings: int
    seconds: float


@dataclass(frozen=True)
class Result:
    """Everything a replay found."""

    model: str
    start: Micros
    end: Micros
    requests: int
    answered: int
    errors: int
    first_error: str
    labels: int
    score: Score
    equality: Equality
    promotions: int
    refused: int
    rolled_back: int
    retrainings: tuple[Retraining, ...]
    latency: dict[str, float]
    cost: Cost


def gather(
    ws: Workspace,
    plan: ModelPlan,
    state: State,
    answers: Sequence[Answer],
    labels: int,
    score: Score,
    equality: Equality,
    span: tuple[Micros, Micros],
) -> Result:
    """Put the figures together; `span` is the stretch of history that was replayed."""
    turns = tuple(retrainings(ws, plan.name, span[0]))
    outcomes = [turn.outcome for turn in turns]
    spent = np.array([one.latency for one in answers]) if answers else np.zeros(1)
    return Result(
        model=plan.name,
        start=span[0],
        end=span[1],
        requests=state.requests,
        answered=len(answers),
        errors=state.errors,
        first_error=state.first_error,
        labels=labels,
        score=score,
        equality=equality,
        promotions=outcomes.count("promoted"),
        refused=outcomes.count("refused"),
        rolled_back=outcomes.count("rolled back"),
        retrainings=turns,
        latency={f"p{q}": float(np.percentile(spent, q)) for q in (50, 95, 99)},
        cost=Cost(state.requests, state.events, len(turns), state.seconds),
    )


def retrainings(ws: Workspace, model: str, since: Micros) -> Iterator[Retraining]:
    """Every turn since a moment, from the journal."""
    kinds = ["TurnStarted", "TurnFinished", "TurnFailed"]
    started: Entry | None = None
    for entry in ws.journal.read(kinds=kinds, subject=f"model:{model}"):
        if entry.at <= since:
            continue
        if entry.kind == "TurnStarted":
            started = entry
        elif started is not None:
            yield _retraining(ws, model, started, entry)
            started = None


def _retraining(ws: Workspace, model: str, started: Entry, ended: Entry) -> Retraining:
    reason, data = str(started.data["reason"]), ended.data
    if ended.kind == "TurnFailed":
        return Retraining(started.at, reason, None, "failed", str(data["error"]), ended.at)
    version, outcome, why = data["version"], str(data["outcome"]), str(data["reason"])
    if outcome != "rollout started":
        return Retraining(started.at, reason, version, outcome, why, ended.at)
    found = next((one for one in rollouts.history(ws, model) if one.challenger == version), None)
    if found is None:
        return Retraining(started.at, reason, version, "taking over", why)
    outcome = "taking over" if found.state == "running" else found.state
    return Retraining(started.at, reason, version, outcome, found.reason or why, found.ended)
