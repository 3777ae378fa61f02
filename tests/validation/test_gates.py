"""A model is held against later rows, a trivial one and the champion; gates say passed, failed or not run."""

import numpy as np
import pytest

import noria
from noria import ms
from noria.core.rules import Outcome
from noria.validation.model import GateSpec
from noria.validation.operations import evaluate, judge

ROWS = 4_000
AUC, BRIER, ACCURACY, P95 = (
    noria.metric("roc_auc"), noria.metric("brier"), noria.metric("accuracy"), noria.latency("p95")
)  # fmt: skip


@pytest.fixture
def truth() -> np.ndarray:
    return (np.random.default_rng(1).random(ROWS) < 0.3).astype(float)


def answers(truth: np.ndarray, skill: float, seed: int = 2) -> np.ndarray:
    """Chances that know the truth by `skill`."""
    noise = np.random.default_rng(seed).normal(0, 1, len(truth))
    return 1 / (1 + np.exp(-(-1 + skill * (truth - 0.3) + noise * 0.5)))


def looked_at(truth: np.ndarray, chance: np.ndarray, champion: np.ndarray | None = None, version: int | None = None):
    carriers = np.array(["UA", "AA", "B6", "WN"])[np.arange(len(truth)) % 4]
    carriers[:50] = "HA"  # too few to be judged
    return evaluate(
        task="classification", label=truth, prediction=chance, train_mean=0.3, slices={"carrier": carriers},
        asked_at=np.arange(len(truth)), latency={"p95": 900.0}, champion=champion, champion_version=version,
    )  # fmt: skip


def gate(rule, evaluation):
    (verdict,) = judge(GateSpec((rule,)), evaluation).verdicts
    return verdict


def test_every_metric_has_an_interval_around_it_and_a_trivial_model_beside_it(truth) -> None:
    found = looked_at(truth, answers(truth, 2.0))
    assert (found.rows, found.first, found.last) == (ROWS, 0, ROWS - 1)
    for one in found.metrics.values():
        assert one.low < one.value < one.high
        assert one.rows == ROWS
    assert found.trivial["brier"] == pytest.approx(0.3 * 0.7, abs=0.01)
    assert found.metrics["brier"].high < found.trivial["brier"]


def test_the_same_rows_and_seed_give_the_same_evaluation(truth) -> None:
    chance = answers(truth, 2.0)
    assert looked_at(truth, chance) == looked_at(truth, chance)


def test_about_ninety_five_intervals_of_a_hundred_hold_the_true_value() -> None:
    """A Brier score whose true value is known: chances of one half, whatever the truth."""
    random, held = np.random.default_rng(5), 0
    for seed in range(100):
        truth = (random.random(400) < 0.3).astype(float)
        found = evaluate(
            task="classification", label=truth, prediction=np.full(400, 0.2), train_mean=0.3, slices={},
            asked_at=np.arange(400), latency={}, champion=None, champion_version=None, seed=seed,
        ).metrics["brier"]  # fmt: skip
        held += found.low <= 0.3 * 0.64 + 0.7 * 0.04 <= found.high
    assert 88 <= held <= 100


def test_slices_with_too_few_rows_are_left_out(truth) -> None:
    assert set(looked_at(truth, answers(truth, 2.0)).slices["carrier"]) == {"UA", "AA", "B6", "WN"}


def test_a_gate_passes_or_fails_by_the_value(truth) -> None:
    found = looked_at(truth, answers(truth, 2.0))
    value = found.metrics["roc_auc"].value
    assert gate(value - 0.01 <= AUC, found).outcome is Outcome.PASSED
    failed = gate(value + 0.01 <= AUC, found)
    assert (failed.outcome, failed.value) == (Outcome.FAILED, pytest.approx(value))
    assert gate(ms(1) >= P95, found).outcome is Outcome.PASSED
    assert gate(ms(0.5) >= P95, found).outcome is Outcome.FAILED


@pytest.mark.parametrize("metric", [AUC, ACCURACY])
def test_the_worst_slice_decides(truth, metric) -> None:
    chance = answers(truth, 2.0)
    chance[1::4] = 1 - chance[1::4]  # AA is answered the wrong way round
    found = looked_at(truth, chance)
    verdict = gate(metric.worst("carrier") >= 0.5, found)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.value < 0.5
    assert gate(metric.worst("carrier") >= 0.001, found).outcome is Outcome.PASSED


def test_a_gate_that_could_not_be_measured_has_not_run_and_is_no_pass(truth) -> None:
    found = looked_at(truth, answers(truth, 2.0))
    assert gate(AUC.worst("dest") >= 0.5, found).outcome is Outcome.NOT_RUN
    sheet = judge(GateSpec((AUC >= 0.5, AUC.worst("dest") >= 0.5)), found)
    assert sheet.outcome is Outcome.NOT_RUN
    assert len(sheet.reasons) == 1
    assert judge(GateSpec((AUC >= 0.9999, AUC.worst("dest") >= 0.5)), found).outcome is Outcome.FAILED
    assert judge(GateSpec((AUC >= 0.5, BRIER <= 0.3)), found).outcome is Outcome.PASSED


def test_the_champion_is_compared_on_the_same_rows(truth) -> None:
    found = looked_at(truth, answers(truth, 2.5), champion=answers(truth, 1.0, seed=3), version=7)
    compared = found.champion["brier"]
    assert compared.difference == pytest.approx(compared.new - compared.champion)
    assert compared.better and not compared.worse
    assert compared.high < 0
    assert found.champion["roc_auc"].low > 0


def test_against_the_champion_a_version_must_be_proven(truth) -> None:
    rule = noria.champion(BRIER) >= BRIER
    good, bad = answers(truth, 2.5), answers(truth, 1.0, seed=3)
    assert gate(rule, looked_at(truth, good, champion=bad, version=7)).outcome is Outcome.PASSED
    worse = gate(rule, looked_at(truth, bad, champion=good, version=7))
    assert worse.outcome is Outcome.FAILED
    assert "95 % interval" in worse.note


def test_without_a_champion_the_first_version_passes(truth) -> None:
    verdict = gate(noria.champion(BRIER) >= BRIER, looked_at(truth, answers(truth, 2.0)))
    assert (verdict.outcome, verdict.note) == (Outcome.PASSED, "no champion yet")


def test_a_champion_that_cannot_be_compared_leaves_the_gate_not_run(truth) -> None:
    verdict = gate(noria.champion(BRIER) >= BRIER, looked_at(truth, answers(truth, 2.0), version=7))
    assert verdict.outcome is Outcome.NOT_RUN
    assert "version 7" in verdict.note


def test_a_regression_is_measured_as_one() -> None:
    truth = np.random.default_rng(1).normal(50, 10, 1_000)
    found = evaluate(
        task="regression", label=truth, prediction=truth + 1, train_mean=50.0, slices={}, asked_at=np.arange(1_000),
        latency={}, champion=None, champion_version=None,
    )  # fmt: skip
    assert set(found.metrics) == {"rmse", "mae", "r2"}
    assert found.metrics["rmse"].value == pytest.approx(1.0)
    assert found.metrics["r2"].value > 0.98
