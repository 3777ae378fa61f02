"""Start a rollout, take its next decision, end it. Each decision is one transaction.

The rollout's row, the routing that servers follow, the versions' stages and alias, and the journal change
together or not at all; a decision taken twice on the same evidence is made once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from noria.core.digest import canonical
from noria.core.errors import BadInput, NotFound
from noria.core.rules import Outcome
from noria.registry import operations as registry
from noria.registry.model import NotPromotable, Stage, Version
from noria.rollout.decision import Decision, decide
from noria.rollout.evidence import Evidence
from noria.rollout.model import Rollout, RolloutRunning, RolloutSpec, RolloutState, StageSpec
from noria.rollout.tables import rollouts
from noria.serving import operations as serving
from noria.serving.model import Routing
from noria.stores.journal import Fact
from noria.workspace.workspace import Workspace


def start(
    ws: Workspace,
    spec: RolloutSpec,
    model: str,
    champion: int,
    challenger: int,
    *,
    reason: str,
    idempotency: str | None = None,
    connection: sa.Connection | None = None,
) -> Rollout:
    """Begin a takeover: the first stage's routing is committed with it. Without stages it is over at once.

    Asked again with the same `idempotency`, or for the two versions whose rollout is running, it gives that
    rollout. Raises RolloutRunning when the model has another one running, BadInput when the two versions are one,
    NotFound for a version that does not exist, NotPromotable for a challenger whose gates did not pass.
    """
    if champion == challenger:
        raise BadInput(f"{model} version {champion} cannot take over from itself", hint="name two versions")
    registry.get_version(ws, model, champion)
    _check_gates(registry.get_version(ws, model, challenger))
    with _within(ws, connection) as held:
        standing = _existing(held, model, idempotency)
        if standing and (standing.champion, standing.challenger) == (champion, challenger):
            return standing
        if standing:
            raise RolloutRunning(
                f"{model}: version {standing.challenger} is being rolled out already, {challenger} must wait",
                hint="wait for it to end, or abort it",
            )
        now = ws.clock.now()
        made = Rollout(ws.ids.new("rollout"), model, champion, challenger, "running", 0, now, now, reason=reason)
        held.execute(sa.insert(rollouts).values(**_row(made), idempotency=idempotency))
        registry.set_stage(ws, held, model, challenger, "rollout", reason, {"rollout": made.id})
        data = {
            "model": model, "champion": champion, "challenger": challenger, "reason": reason,
            "stages": [str(stage) for stage in spec.stages],
        }  # fmt: skip
        ws.journal.append(held, Fact("RolloutStarted", f"rollout:{made.id}", data))
        if not spec.stages:
            at_once = Decision("promote", f"{reason}; no stages are declared, so it takes over at once")
            return _end(ws, held, made, at_once, {"reason": at_once.reason})
        serving.set_routing(ws, held, _routing(made, spec.stages[0]))
    return made


def advance(ws: Workspace, spec: RolloutSpec, rollout: Rollout, evidence: Evidence) -> Rollout:
    """Take the decision that the evidence calls for; gives the rollout as it then stands.

    Evidence gathered in an earlier stage, or of a rollout that has ended, changes nothing. When production was
    moved by hand meanwhile the rollout ends without touching it.
    """
    moved = _moved(ws, rollout)
    decision = moved or decide(spec, rollout, evidence)
    stale = (evidence.rollout, evidence.stage) != (rollout.id, rollout.stage)
    if decision.verb == "stay" and not stale:
        return replace(rollout, evidence=evidence.numbers() | decision.numbers)
    with ws.database.transaction() as connection:
        standing = _locked(connection, rollout.id)
        if stale or standing.state != "running" or standing.stage != rollout.stage:
            return standing
        found = evidence.numbers() | decision.numbers | {"reason": decision.reason}
        if decision.verb == "advance":
            return _next_stage(ws, connection, spec, standing, decision, found)
        return _end(ws, connection, standing, decision, found)


def abort(ws: Workspace, rollout: Rollout, reason: str) -> Rollout:
    """End a running rollout by hand: the champion answers alone again. One that has ended is given as it is."""
    with ws.database.transaction() as connection:
        standing = _locked(connection, rollout.id)
        if standing.state != "running":
            return standing
        return _end(ws, connection, standing, Decision("roll back", reason), {"reason": reason, "by_hand": True})


def current(ws: Workspace, model: str) -> Rollout | None:
    """The running rollout of a model, or None."""
    with ws.database.reading() as connection:
        row = connection.execute(sa.select(rollouts).where(rollouts.c.active == model)).one_or_none()
    return _rollout(row) if row else None


def history(ws: Workspace, model: str) -> list[Rollout]:
    """Every rollout of a model, oldest first."""
    query = sa.select(rollouts).where(rollouts.c.model == model).order_by(rollouts.c.started, rollouts.c.id)
    with ws.database.reading() as connection:
        return [_rollout(row) for row in connection.execute(query)]


_ENDS: dict[str, tuple[RolloutState, str]] = {
    "promote": ("promoted", "RolloutPromoted"),
    "roll back": ("rolled back", "RolloutRolledBack"),
    "give up": ("inconclusive", "RolloutInconclusive"),
}


def _check_gates(version: Version) -> None:
    """A rollout that cannot end in a promotion is not begun."""
    verdicts = version.gates.get("verdicts", [])
    if not verdicts or all(verdict["outcome"] == Outcome.PASSED for verdict in verdicts):
        return
    short = ", ".join(f"{one['rule']} ({one['outcome']})" for one in verdicts if one["outcome"] != Outcome.PASSED)
    raise NotPromotable(
        f"{version.model} version {version.number} did not pass its gates: {short}",
        hint="train a better one; a version can be put into production against its gates by hand only",
    )


def _next_stage(
    ws: Workspace,
    connection: sa.Connection,
    spec: RolloutSpec,
    standing: Rollout,
    decision: Decision,
    found: dict[str, Any],
) -> Rollout:
    number = standing.stage + 1
    made = replace(standing, stage=number, stage_started=ws.clock.now(), reason=decision.reason, evidence=found)
    _update(connection, made)
    serving.set_routing(ws, connection, _routing(made, spec.stages[number]))
    data = {"model": made.model, "stage": str(spec.stages[number]), "evidence": found}
    ws.journal.append(connection, Fact("RolloutAdvanced", f"rollout:{made.id}", data))
    return made


def _end(
    ws: Workspace, connection: sa.Connection, standing: Rollout, decision: Decision, found: dict[str, Any]
) -> Rollout:
    state, kind = _ENDS[decision.verb]
    made = replace(standing, state=state, ended=ws.clock.now(), reason=decision.reason, evidence=found)
    _update(connection, made)
    model, challenger = made.model, made.challenger
    by_hand = found.get("production")
    winner = by_hand or (challenger if state == "promoted" else made.champion)
    serving.set_routing(ws, connection, Routing(model=model, champion=winner))
    if state == "promoted" and by_hand is None:
        registry.promote(ws, model, challenger, reason=decision.reason, evidence=found, connection=connection)
    elif by_hand != challenger:
        stage: Stage = "rolled back" if state == "rolled back" else "candidate"
        registry.set_stage(ws, connection, model, challenger, stage, decision.reason, found)
    data = {"model": model, "champion": made.champion, "challenger": challenger, "evidence": found}
    ws.journal.append(connection, Fact(kind, f"rollout:{made.id}", data | {"reason": decision.reason}))
    return made


def _moved(ws: Workspace, rollout: Rollout) -> Decision | None:
    production = registry.alias(ws, rollout.model)
    if production is None or production.number == rollout.champion:
        return None
    verb: Any = "promote" if production.number == rollout.challenger else "give up"
    why = f"version {production.number} was put into production by hand meanwhile"
    return Decision(verb, why, {"production": production.number})


def _routing(rollout: Rollout, stage: StageSpec) -> Routing:
    """One salt for all stages: a key that met the challenger at 10 % meets it again at 50 %."""
    return Routing(
        model=rollout.model,
        champion=rollout.champion,
        challenger=rollout.challenger,
        mode="shadow" if stage.kind == "shadow" else "split",
        share=stage.share,
        salt=rollout.id,
        rollout=rollout.id,
    )


def _existing(connection: sa.Connection, model: str, idempotency: str | None) -> Rollout | None:
    same = rollouts.c.active == model
    if idempotency is not None:
        same |= rollouts.c.idempotency == idempotency
    rows = connection.execute(sa.select(rollouts).where(same).order_by(rollouts.c.started)).all()
    return _rollout(rows[0]) if rows else None  # the asked-for one is the older when both exist


def _locked(connection: sa.Connection, rollout: str) -> Rollout:
    row = connection.execute(sa.select(rollouts).where(rollouts.c.id == rollout).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("rollout", rollout, hint="see the rollouts of a model with history()")
    return _rollout(row)


def _update(connection: sa.Connection, rollout: Rollout) -> None:
    connection.execute(sa.update(rollouts).where(rollouts.c.id == rollout.id).values(**_row(rollout)))


def _row(rollout: Rollout) -> dict[str, Any]:
    values = {name: getattr(rollout, name) for name in Rollout.__dataclass_fields__}
    active = rollout.model if rollout.state == "running" else None
    return values | {"active": active, "evidence": canonical(rollout.evidence)}


def _rollout(row: sa.Row[Any]) -> Rollout:
    values = {name: row._mapping[name] for name in Rollout.__dataclass_fields__}
    return Rollout(**values | {"evidence": json.loads(values["evidence"])})


@contextmanager
def _within(ws: Workspace, connection: sa.Connection | None) -> Iterator[sa.Connection]:
    if connection is not None:
        yield connection
        return
    with ws.database.transaction() as own:
        yield own
