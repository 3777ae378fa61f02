"""What follows from the evidence: a pure function, so that every decision can be repeated from the journal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from noria.core.rules import Quantity, Rule
from noria.rollout.evidence import Evidence, Floats
from noria.rollout.model import Rollout, RolloutSpec
from noria.rollout.sequential import lower_bound, mean_of, non_inferiority

Verb = Literal["stay", "advance", "promote", "roll back", "give up"]

HARM_ALPHA = 0.01
"""How often a harmless challenger may be rolled back by each bound, over all looks together."""

RATIO_ALPHA = 0.001
"""How often a sound split may be called skewed, over all looks of a stage."""

PROMOTE_ALPHA = 0.05
"""How often a challenger exactly `margin` worse may be promoted."""

LEAST_PAIRS = 200
"""Matured rows, scored by both versions, without which nothing is promoted."""

LEAST_LOSSES = 100
"""Rows before which losses are not compared: the bound rests on a central limit theorem, and losses are skewed."""

LEAST_SHARES = 50
"""Rows before which no share is held to a bound."""

PATIENCE = 3
"""How many times its length the last stage may last while labels mature."""

FAILURES = 0.01
"""The share of requests the challenger may fail to score."""


@dataclass(frozen=True)
class Decision:
    """What to do, why in a sentence, and the numbers behind it."""

    verb: Verb
    reason: str
    numbers: dict[str, Any] = field(default_factory=dict)


def decide(spec: RolloutSpec, rollout: Rollout, evidence: Evidence) -> Decision:
    """The decision at one look.

    Harm may end the rollout at any look; a stage ends when its requests have been answered; promotion is
    decided only in the last stage. A challenger that is neither harmful nor proven harmless is not promoted:
    the champion stays.
    """
    harm = _failures(evidence) or _aborted(spec, evidence) or _skewed(evidence) or _worse(spec, evidence)
    if harm:
        return harm
    stage = spec.stages[min(rollout.stage, len(spec.stages) - 1)]
    if evidence.answered < stage.lasts.count:
        return Decision("stay", f"{evidence.answered} of {stage.lasts} answered")
    if rollout.stage + 1 < len(spec.stages):
        return Decision("advance", f"{evidence.answered} requests answered in {stage}, no harm seen")
    return _last_look(spec, evidence)


def planned_rows(spec: RolloutSpec) -> int:
    """Matured rows that promotion is planned with: all the stages' requests, and at least `LEAST_PAIRS`."""
    return max(LEAST_PAIRS, sum(stage.lasts.count for stage in spec.stages))


def _last_look(spec: RolloutSpec, evidence: Evidence) -> Decision:
    pairs, planned = len(evidence.differences), planned_rows(spec)
    look = non_inferiority(evidence.differences, spec.margin, planned=planned, alpha=PROMOTE_ALPHA)
    numbers = {
        "pairs": pairs, "planned": planned, "margin": spec.margin, "information": look.information,
        "upper": look.upper if np.isfinite(look.upper) else None, "difference": look.difference,
    }  # fmt: skip
    if pairs >= LEAST_PAIRS and look.proven:
        why = f"loss is at most {look.upper:+.4g} from the champion's on {look.rows} rows (margin {spec.margin:g})"
        return Decision("promote", why, numbers)
    if pairs >= LEAST_PAIRS and look.final:
        why = f"not proven within {spec.margin:g} of the champion's loss: it may be {look.upper:+.4g} off"
        return Decision("give up", why, numbers)
    if evidence.answered >= max(PATIENCE * spec.stages[-1].lasts.count, 2 * planned):
        why = f"{pairs} of {planned} planned rows have matured labels, and waiting longer was not planned"
        return Decision("give up", why, numbers)
    return Decision("stay", f"{pairs} of {planned} planned rows have matured labels", numbers)


def _worse(spec: RolloutSpec, evidence: Evidence) -> Decision | None:
    pairs = len(evidence.differences)
    if pairs < LEAST_LOSSES:
        return None
    seen = mean_of(evidence.differences)
    low = lower_bound(seen, HARM_ALPHA, tuned_for=planned_rows(spec) // 2)
    if low <= 0:
        return None
    why = f"the challenger's loss is worse by {seen.mean:.4g} on {pairs} rows (surely by {low:.2g})"
    return Decision("roll back", why, {"difference": seen.mean, "low": low, "pairs": pairs})


def _failures(evidence: Evidence) -> Decision | None:
    low = _surely_above(evidence.failed, FAILURES)
    if low is None:
        return None
    failed, asked = int(evidence.failed.sum()), len(evidence.failed)
    why = f"the challenger failed to score {failed} of {asked} requests"
    return Decision("roll back", why, {"failed": failed, "requests": asked, "low": low})


def _skewed(evidence: Evidence) -> Decision | None:
    if evidence.ratio_p >= RATIO_ALPHA:
        return None
    arms = ", ".join(f"{arm} {count}" for arm, count in evidence.by_arm.items())
    why = f"the split does not follow its shares ({arms}), so the comparison cannot be trusted"
    return Decision("give up", why, {"ratio_p": evidence.ratio_p, "by_arm": dict(evidence.by_arm)})


def _aborted(spec: RolloutSpec, evidence: Evidence) -> Decision | None:
    """The user's rule, at any look.

    Shares (errors, a latency percentile as the share of slow answers) are held to a bound valid at every look,
    so that three unlucky first requests abort nothing; a metric is compared as it is from `LEAST_PAIRS` rows on.
    """
    rule = spec.abort
    if rule is None or isinstance(rule.threshold, Quantity):
        return None
    verdict = rule.verdict(evidence.measure)
    if not verdict.passed or not _sure(rule, float(rule.threshold), evidence):
        return None
    why = f"abort rule {rule} holds: {rule.quantity} was {verdict.value:.4g}"
    return Decision("roll back", why, {"rule": str(rule), "value": verdict.value, "threshold": verdict.threshold})


def _sure(rule: Rule, limit: float, evidence: Evidence) -> bool:
    rising = rule.op in (">", ">=")
    if rule.quantity.kind == "latency" and rising:
        allowed = 1 - int(str(rule.quantity.about[0])[1:]) / 100
        return _surely_above((evidence.latency > limit).astype(float), allowed) is not None
    if rule.quantity.kind == "errors" and rising:
        return _surely_above(evidence.failed, limit) is not None
    rows = evidence.label if rule.quantity.kind in ("metric", "live") else evidence.failed
    return len(rows) >= LEAST_PAIRS


def _surely_above(happened: Floats, allowed: float) -> float | None:
    """The lower bound on how far a share exceeds what is allowed, when it does; None when it need not."""
    if len(happened) < LEAST_SHARES:
        return None
    chance = max((allowed * (1 - allowed)) ** 0.5, 0.05)
    low = lower_bound(mean_of(happened - allowed, least_sd=chance), HARM_ALPHA, tuned_for=LEAST_PAIRS)
    return low if low > 0 else None
