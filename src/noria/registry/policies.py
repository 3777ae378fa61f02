"""What an alias needs before it may point at a version: declared as values, stored, checked by every way to move it.

    declare(ws, Policy("production", (GatePassed(), Signed(), Approvals(1, not_author=True))), model="flights")

A policy holds for one model or, declared without one, for all of them; one for the model wins. It holds for the
alias it names and for MLflow's stage of the same name, so that no door stands open beside it. What could not
be judged is "not run", which is no pass. A rollback is not held up: it returns to what was let in before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Protocol

import sqlalchemy as sa

from noria.core.digest import canonical
from noria.core.errors import BadInput
from noria.core.rules import Outcome, Verdict
from noria.registry import approvals, reading, signatures
from noria.registry.changes import changing, tell
from noria.registry.model import PRODUCTION, NotPromotable, Version
from noria.registry.moves import pointed_at
from noria.registry.names import check_alias, check_model_name
from noria.registry.tables import policies
from noria.workspace.workspace import Workspace

EVERY_MODEL = ""
"""Where a policy for all models is filed: no model has an empty name."""


@dataclass(frozen=True)
class Asked:
    """What a need is asked about: a version, in the transaction that would move the alias."""

    ws: Workspace
    connection: sa.Connection
    version: Version


class Need(Protocol):
    """Something that must hold before an alias moves."""

    @property
    def rule(self) -> str:
        """What must hold, in words."""
        ...

    def verdict(self, asked: Asked) -> Verdict:
        """Whether it holds for a version, now."""
        ...


@dataclass(frozen=True)
class GatePassed:
    """The version's gate sheet passed. A version without one was not judged: "not run"."""

    rule = "gate passed"

    def verdict(self, asked: Asked) -> Verdict:
        version = asked.version
        outcome = Outcome(version.gates.get("outcome") or Outcome.NOT_RUN)
        note = "" if version.gates else "it has no gate sheet"
        return Verdict(self.rule, outcome, None, None, note or f"its gates came out {outcome.value!r}")


@dataclass(frozen=True)
class Signed:
    """A trusted key signed the version's files, and the files are still those."""

    rule = "signature valid"

    def verdict(self, asked: Asked) -> Verdict:
        return replace(signatures.judge(asked.ws, asked.connection, asked.version), rule=self.rule)


@dataclass(frozen=True)
class Approvals:
    """So many people approved of the version, and nobody who spoke last rejects it."""

    count: int = 1
    not_author: bool = True

    def __post_init__(self) -> None:
        if self.count < 1:
            raise BadInput(f"a policy cannot need {self.count} approvals", hint="leave the need out instead")

    @property
    def rule(self) -> str:
        noun, verb = ("approval", "is") if self.count == 1 else ("approvals", "are")
        return f"{self.count} {noun}" + (f" that {verb} not the author's" if self.not_author else "")

    def verdict(self, asked: Asked) -> Verdict:
        version, spoken = asked.version, approvals.standing(asked.connection, asked.version)
        against = [f"{one.actor} rejected it: {one.reason}" for one in spoken if not one.approves]
        if against:
            return Verdict(self.rule, Outcome.FAILED, 0, self.count, "; ".join(against))
        if self.not_author and not version.actor:
            return Verdict(self.rule, Outcome.NOT_RUN, None, self.count, "nobody knows who registered it")
        who = [one.actor for one in spoken if not (self.not_author and one.actor == version.actor)]
        outcome = Outcome.PASSED if len(who) >= self.count else Outcome.FAILED
        note = f"approved by {', '.join(who)}" if who else "nobody who counts approved of it"
        return Verdict(self.rule, outcome, len(who), self.count, note)


@dataclass(frozen=True)
class Policy:
    """What an alias needs, and of which model (None: of every one)."""

    alias: str
    needs: tuple[Need, ...]
    model: str | None = None


class PolicyUnmet(NotPromotable):
    """An alias may not move: `missing` has the verdicts that are no pass."""

    code = "N5030"

    def __init__(self, version: Version, alias: str, missing: list[Verdict]) -> None:
        told = "".join(f"\n  - {one.rule}: {one.outcome.value} ({one.note})" for one in missing)
        super().__init__(
            f"version {version.number} of {version.model} may not have the alias {alias!r}; it lacks:{told}",
            hint="get what is missing; force it only with a reason, which is journaled",
        )
        self.missing = missing


class UnreasonedForce(BadInput):
    """Nothing is forced without a reason."""

    code = "N5031"


def declare(ws: Workspace, policy: Policy) -> Policy:
    """Store a policy in place of the one that the same alias of the same model had; one without needs is removed."""
    check_alias(policy.alias, new=True)
    if policy.model is not None:
        check_model_name(policy.model)
    model = policy.model or EVERY_MODEL
    with changing(ws) as connection:
        before = _stored(connection, model, policy.alias)
        chosen = (policies.c.model == model, policies.c.alias == policy.alias)
        connection.execute(sa.delete(policies).where(*chosen))
        if policy.needs:
            row = {
                "model": model, "alias": policy.alias, "needs": canonical([_stored_need(one) for one in policy.needs]),
                "declared": ws.clock.now(), "actor": ws.actor,
            }  # fmt: skip
            connection.execute(sa.insert(policies).values(**row))
        facts = {
            "alias": policy.alias, "before": [one.rule for one in before.needs] if before else [],
            "after": [one.rule for one in policy.needs],
        }  # fmt: skip
        tell(ws, connection, "PolicyDeclared", model, facts)
    return policy


def list_policies(ws: Workspace) -> list[Policy]:
    """Every policy, those for all models first."""
    with ws.database.reading() as connection:
        rows = connection.execute(sa.select(policies).order_by(policies.c.model, policies.c.alias)).all()
    return [_policy(row) for row in rows]


def policy_for(connection: sa.Connection, model: str, alias: str) -> Policy | None:
    """The policy that holds for an alias of a model: its own, else the one for all models."""
    return _stored(connection, model, alias) or _stored(connection, EVERY_MODEL, alias)


def verdicts(ws: Workspace, connection: sa.Connection, version: Version, alias: str) -> list[Verdict]:
    """How a version stands to what an alias needs; empty when it needs nothing."""
    policy = policy_for(connection, version.model, alias)
    return [need.verdict(Asked(ws, connection, version)) for need in policy.needs] if policy else []


def unmet(ws: Workspace, connection: sa.Connection, version: Version, alias: str) -> list[Verdict]:
    """What a version lacks of what an alias needs; "not run" is lacking too."""
    return [one for one in verdicts(ws, connection, version, alias) if not one.passed]


def check(
    ws: Workspace, connection: sa.Connection, version: Version, alias: str, *, force: bool, reason: str
) -> list[Verdict]:
    """Whether an alias may move to a version; gives the verdicts, for the journal to keep.

    Noria's own rule stands before every policy: nothing goes into production with gates that did not pass.
    Raises PolicyUnmet, NotPromotable, and UnreasonedForce where `force` came without a reason.
    """
    if force and not reason.strip():
        raise UnreasonedForce(f"say why version {version.number} of {version.model} shall have {alias!r} by force")
    found = verdicts(ws, connection, version, alias)
    if force:
        return found
    if missing := [one for one in found if not one.passed]:
        raise PolicyUnmet(version, alias, missing)
    outcome = version.gates.get("outcome")
    if alias == PRODUCTION and outcome != Outcome.PASSED.value and _is_ours(connection, version):
        raise NotPromotable(
            f"version {version.number} of {version.model} may not go into production: its gates came out {outcome!r}",
            hint="look at `noria lineage`; promote with --force only if you know better",
        )
    return found


def _is_ours(connection: sa.Connection, version: Version) -> bool:
    """Whether Noria answers for it: it packaged this version, or the one that is in production now."""
    if version.package:
        return True
    number = pointed_at(connection, version.model)
    return number is not None and bool(reading.get_version(connection, version.model, number).package)


def _stored(connection: sa.Connection, model: str, alias: str) -> Policy | None:
    query = sa.select(policies).where(policies.c.model == model, policies.c.alias == alias)
    row = connection.execute(query).one_or_none()
    return None if row is None else _policy(row)


def _policy(row: sa.Row[Any]) -> Policy:
    needs = tuple(_need(one) for one in json.loads(row.needs))
    return Policy(row.alias, needs, None if row.model == EVERY_MODEL else row.model)


def _stored_need(need: Need) -> dict[str, Any]:
    match need:
        case GatePassed():
            return {"need": "gate"}
        case Signed():
            return {"need": "signature"}
        case Approvals():
            return {"need": "approvals", "count": need.count, "not_author": need.not_author}
    raise BadInput(f"{need!r} cannot be stored", hint="there are GatePassed(), Signed() and Approvals(n)")


def _need(stored: dict[str, Any]) -> Need:
    if stored["need"] == "gate":
        return GatePassed()
    if stored["need"] == "signature":
        return Signed()
    return Approvals(int(stored["count"]), not_author=bool(stored["not_author"]))
