"""Each decision from evidence alone."""

from dataclasses import replace

import numpy as np
import pytest

from noria.core.rules import Quantity
from noria.core.units import ms, requests
from noria.rollout.decision import decide, planned_rows
from noria.rollout.evidence import Evidence
from noria.rollout.model import Rollout, RolloutSpec, percent, shadow

SPEC = RolloutSpec((shadow(requests(200)), percent(10, requests(500)), percent(50, requests(500))))
ROLLOUT = Rollout("r", "lateness", 1, 2, "running", 0, 0, 0)
LAST = replace(ROLLOUT, stage=2)


def evidence(answered=0, differences=(), **more):
    return Evidence("r", more.pop("stage", 0), 0, answered, differences=np.asarray(differences, dtype=float), **more)


def noise(mean, rows, sd=0.1, seed=0):
    return np.random.default_rng(seed).normal(mean, sd, rows)


@pytest.mark.parametrize(("answered", "verb"), [(0, "stay"), (199, "stay"), (200, "advance")])
def test_a_stage_lasts_until_its_requests_are_answered(answered, verb):
    assert decide(SPEC, ROLLOUT, evidence(answered)).verb == verb


@pytest.mark.parametrize(
    ("mean", "rows", "answered", "verb"),
    [
        (-0.02, 1200, 600, "promote"),
        (-0.02, 199, 600, "stay"),  # too few pairs, however good
        (0.008, 1200, 600, "give up"),  # not proven, and all planned rows are in
        (0.008, 900, 600, "stay"),
        (0.008, 900, 2400, "give up"),  # waited long enough
        (0.0, 0, 2400, "give up"),
        (0.1, 600, 100, "roll back"),
    ],
)
def test_promotion_is_decided_in_the_last_stage(mean, rows, answered, verb):
    assert decide(SPEC, LAST, evidence(answered, noise(mean, rows))).verb == verb


def test_promotion_is_planned_with_all_the_stages_requests():
    assert planned_rows(SPEC) == 1200
    assert planned_rows(RolloutSpec((shadow(requests(5)),))) == 200


@pytest.mark.parametrize("slow", [0.05, 0.04])
def test_a_latency_right_at_its_limit_hardly_ever_aborts_at_any_look(slow):
    spec = replace(SPEC, abort=Quantity("latency", ("p95",)) > ms(50))
    rng, aborted = np.random.default_rng(0), 0
    for _ in range(150):
        latency = np.where(rng.random(1000) < slow, 90_000.0, 1_000.0)
        aborted += any(
            decide(spec, ROLLOUT, evidence(latency=latency[:n])).verb == "roll back" for n in range(25, 1000, 75)
        )
    assert aborted / 150 <= 0.02


def test_a_latency_well_beyond_its_limit_aborts_soon():
    spec = replace(SPEC, abort=Quantity("latency", ("p95",)) > ms(50))
    latency = np.where(np.random.default_rng(0).random(300) < 0.3, 90_000.0, 1_000.0)
    found = decide(spec, ROLLOUT, evidence(latency=latency))
    assert found.verb == "roll back"
    assert found.numbers["value"] == 90_000.0


@pytest.mark.parametrize(
    ("rule", "verb"),
    [
        (Quantity("errors") > 0.05, "roll back"),
        (Quantity("errors") > 0.5, "roll back"),  # by the limit every rollout has
        (Quantity("metric", ("brier",)) > 0.2, "roll back"),
        (Quantity("live", ("brier", 10**9)) > 0.3, "stay"),
        (Quantity("metric", ("accuracy",)) < 0.6, "roll back"),
        (Quantity("drift", ("Airport",)) > 0.2, "stay"),
        (Quantity("metric", ("brier",)) > Quantity("champion", ("brier",)), "stay"),
    ],
)
def test_the_abort_rule_may_be_about_anything_that_can_be_measured(rule, verb):
    rows = 300
    label = np.arange(rows) % 2.0
    failed = (np.arange(rows) % 3 == 0).astype(float) if rule.quantity.kind == "errors" else np.zeros(rows)
    seen = evidence(100, np.zeros(rows), label=label, prediction=np.full(rows, 0.5), failed=failed)
    assert decide(replace(SPEC, abort=rule), ROLLOUT, seen).verb == verb


def test_a_single_failure_is_no_reason_to_roll_back():
    assert decide(SPEC, ROLLOUT, evidence(100, failed=np.eye(1, 100)[0])).verb == "stay"


def test_a_skewed_split_ends_it_without_a_verdict():
    found = decide(SPEC, ROLLOUT, evidence(100, ratio_p=1e-5, by_arm={"champion": 90, "challenger": 10}))
    assert found.verb == "give up"
    assert "champion 90, challenger 10" in found.reason


def test_evidence_is_json():
    from noria.core.digest import canonical

    found = evidence(3, [0.1], latency=np.array([1.0]), failed=np.zeros(3), by_arm={"champion": 3})
    assert '"pairs":1' in canonical(found.numbers())
    assert '"pairs":0' in canonical(evidence().numbers())
