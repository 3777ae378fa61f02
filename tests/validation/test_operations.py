"""An evaluation, and the gates it is held against."""

import numpy as np
import pytest

import noria
from noria.core.clock import cpu_seconds
from noria.core.digest import canonical
from noria.core.errors import BadInput
from noria.core.rules import Outcome, Quantity
from noria.validation.model import Comparison, Estimate, Evaluation, GateSpec
from noria.validation.operations import evaluate, judge

auc, brier, p95 = Quantity("metric", ("roc_auc",)), Quantity("metric", ("brier",)), Quantity("latency", ("p95",))
champion_brier, champion_auc = Quantity("champion", ("brier",)), Quantity("champion", ("roc_auc",))


def worst(metric, column):
    return Quantity("worst", (metric, column))


def flights(rows, **given):
    """An evaluation of honest chances on `rows` flights, or of what is `given`."""
    random = np.random.default_rng(0)
    chance = random.random(rows)
    values = {
        "task": "classification", "label": (random.random(rows) < chance).astype(float), "prediction": chance,
        "train_mean": 0.4, "slices": {}, "asked_at": np.arange(rows) + 1_000, "latency": {"p95": 180.0},
        "champion": None, "champion_version": None,
    }  # fmt: skip
    return evaluate(**(values | given))


def verdict(rule, evaluation):
    (one,) = judge(GateSpec((rule,)), evaluation).verdicts
    return one


def measured(**kinds):
    """An evaluation that says just this."""
    return Evaluation(rows=500, first=0, last=1, metrics={}, trivial={}, **kinds)


class TestEvaluation:
    def test_metrics_lie_in_their_intervals_and_beat_the_mean(self):
        found = flights(3_000)
        assert (found.rows, found.first, found.last) == (3_000, 1_000, 3_999)
        assert set(found.metrics) == {"roc_auc", "log_loss", "brier", "average_precision", "accuracy"}
        assert all(one.low < one.value < one.high for one in found.metrics.values())
        assert found.metrics["brier"].high < found.trivial["brier"]
        assert found.trivial["roc_auc"] == 0.5

    def test_a_regression_has_its_own_metrics(self):
        found = flights(300, task="regression", label=np.arange(300.0), prediction=np.arange(300.0) + 1)
        assert set(found.metrics) == {"rmse", "mae", "r2"}
        assert found.metrics["mae"].value == pytest.approx(1)

    def test_only_slices_of_a_hundred_rows_are_judged_and_the_fifty_largest(self):
        names = np.array(["UA"] * 150 + ["DL"] * 99 + ["AA"] * 100, dtype=object)
        assert set(flights(349, slices={"carrier": names}).slices["carrier"]) == {"UA", "AA"}
        many = np.repeat([f"d{number:02}" for number in range(60)], 100)
        assert len(flights(6_000, slices={"dest": many}).slices["dest"]) == 50

    def test_a_slice_has_every_metric_that_it_can_have(self):
        label = np.array([0.0, 1.0] * 60 + [1.0] * 120)
        names = np.array(["both"] * 120 + ["one class"] * 120)
        found = flights(240, label=label, slices={"carrier": names}).slices["carrier"]
        assert {"roc_auc", "accuracy", "average_precision"} <= set(found["both"])
        assert "roc_auc" not in found["one class"]
        assert "brier" in found["one class"]

    def test_a_null_is_a_slice_like_any_other(self):
        names = np.array([None] * 120 + ["UA"] * 120, dtype=object)
        assert set(flights(240, slices={"carrier": names}).slices["carrier"]) == {"None", "UA"}

    def test_what_is_undefined_is_left_out_so_that_all_of_it_can_be_stored(self):
        prediction = np.full(200, np.nan)
        found = flights(200, prediction=prediction, champion=prediction, champion_version=1, latency={"p95": np.nan})
        assert (found.metrics, found.champion, found.latency) == ({}, {}, {})
        assert canonical(found)

    def test_the_same_seed_gives_the_same_evaluation(self):
        assert flights(300, seed=7) == flights(300, seed=7) != flights(300, seed=8)

    def test_no_rows_are_refused(self):
        empty = np.array([])
        with pytest.raises(BadInput, match="no test rows"):
            flights(0, label=empty, prediction=empty, asked_at=empty)

    @pytest.mark.parametrize(
        "given",
        [
            {"prediction": np.zeros(9)},
            {"champion": np.zeros(9), "champion_version": 1},
            {"slices": {"carrier": np.array(["a"])}},
        ],
    )
    def test_arrays_of_different_lengths_are_refused(self, given):
        with pytest.raises(BadInput, match="10 labels, but"):
            flights(10, **given)

    def test_two_weeks_of_flights_with_three_columns_of_slices_take_less_than_two_seconds(self):
        random, rows = np.random.default_rng(1), 14_000
        slices = {"carrier": random.integers(0, 16, rows), "origin": random.integers(0, 3, rows)}
        slices["dest"] = random.integers(0, 100, rows)
        began = cpu_seconds()
        flights(rows, slices=slices, champion=random.random(rows), champion_version=1)
        assert cpu_seconds() - began < 2.0


class TestGates:
    def test_passed_failed_and_not_run(self):
        found = flights(2_000)
        assert verdict(auc >= 0.65, found).outcome is Outcome.PASSED
        assert verdict(auc >= 0.99, found).outcome is Outcome.FAILED
        assert verdict(p95 <= 200, found).outcome is Outcome.PASSED
        assert verdict(Quantity("latency", ("p99",)) <= 200, found).outcome is Outcome.NOT_RUN
        assert verdict(worst("roc_auc", "carrier") >= 0.5, found).outcome is Outcome.NOT_RUN

    def test_a_sheet_passes_only_when_every_rule_does(self):
        found = flights(2_000)
        unknown = Quantity("latency", ("p99",)) <= 1
        assert judge(GateSpec((auc >= 0.6, p95 <= 200)), found).outcome is Outcome.PASSED
        assert judge(GateSpec((auc >= 0.6, unknown)), found).outcome is Outcome.NOT_RUN
        assert judge(GateSpec((auc >= 0.99, unknown)), found).outcome is Outcome.FAILED
        assert "roc_auc >= 0.99: failed, was 0.8" in judge(GateSpec((auc >= 0.99,)), found).reasons[0]

    def test_a_metric_that_is_not_a_number_is_not_run_and_no_pass(self):
        found = flights(200, prediction=np.full(200, np.nan))
        for rule in (auc >= 0.0, auc <= 1.0, brier <= champion_brier):
            assert verdict(rule, found).outcome is Outcome.NOT_RUN

    def test_the_worst_slice_is_the_lowest_auc_and_the_highest_brier(self):
        def slice_of(low, high):
            return {"roc_auc": Estimate(low, low, low, 100), "brier": Estimate(high, high, high, 100)}

        found = measured(slices={"carrier": {"UA": slice_of(0.7, 0.1), "DL": slice_of(0.6, 0.3), "AA": {}}})
        assert verdict(worst("roc_auc", "carrier") >= 0.65, found).value == 0.6
        assert verdict(worst("brier", "carrier") <= 0.2, found).value == 0.3

    @pytest.mark.parametrize("metric", ["accuracy", "average_precision", "log_loss"])
    def test_any_metric_can_be_gated_by_slice(self, metric):
        found = flights(400, slices={"carrier": np.repeat(["UA", "DL"], 200)})
        assert verdict(worst(metric, "carrier") >= 0.0, found).passed


class TestAgainstTheChampion:
    """`brier <= champion(brier)`: proven at 95 % on the same rows, or not at all."""

    @staticmethod
    def against(low, high, metric="brier", value=0.15):
        pair = Comparison(metric, value, 0.16, value - 0.16, low, high, False, False)
        own = {metric: Estimate(value, value, value, 500)}
        return Evaluation(500, 0, 1, own, {}, champion={metric: pair}, champion_version=3)

    def test_with_no_champion_yet_it_passes_and_says_so(self):
        found = verdict(brier <= champion_brier, flights(300))
        assert (found.outcome, found.note) == (Outcome.PASSED, "no champion yet")

    @pytest.mark.parametrize(
        ("low", "high", "outcome"),
        [(-0.02, -0.01, Outcome.PASSED), (-0.02, 0.01, Outcome.FAILED), (0.01, 0.02, Outcome.FAILED)],
    )
    def test_it_passes_when_the_whole_interval_lies_on_the_asked_side(self, low, high, outcome):
        assert verdict(brier <= champion_brier, self.against(low, high)).outcome is outcome
        assert verdict(auc >= champion_auc, self.against(-high, -low, "roc_auc")).outcome is outcome

    def test_the_rule_may_be_written_the_other_way_round(self):
        for low, high in ((-0.02, -0.01), (-0.02, 0.01)):
            straight = verdict(brier <= champion_brier, self.against(low, high))
            turned = verdict(champion_brier >= brier, self.against(low, high))
            assert turned.outcome is straight.outcome
            assert turned.rule == "champion(brier) >= brier"

    def test_rules_as_a_user_writes_them_are_judged_like_plain_ones(self):
        metric = noria.metric("brier")
        for rule in (metric <= noria.champion(metric), noria.champion(metric) >= metric):
            assert verdict(rule, self.against(-0.02, -0.01)).outcome is Outcome.PASSED
            assert verdict(rule, self.against(0.01, 0.02)).outcome is Outcome.FAILED
            assert verdict(rule, flights(300)).note == "no champion yet"

    def test_a_champion_that_could_not_be_compared_is_not_run(self):
        found = verdict(brier <= champion_brier, flights(300, champion=None, champion_version=4))
        assert found.outcome is Outcome.NOT_RUN
        assert "version 4 could not be compared" in found.note

    @pytest.mark.parametrize("rule", [worst("brier", "carrier") <= champion_brier, auc >= champion_brier])
    def test_another_quantity_is_not_quietly_compared_as_if_it_were_the_metric(self, rule):
        found = verdict(rule, flights(300, champion=np.full(300, 0.5), champion_version=1))
        assert found.outcome is Outcome.NOT_RUN
        assert "only brier itself" in found.note

    def test_on_real_arrays_a_better_model_passes_and_an_equal_one_does_not(self):
        better = flights(2_000, champion=np.full(2_000, 0.5), champion_version=1)
        assert verdict(brier <= champion_brier, better).passed
        same = np.random.default_rng(0).random(2_000) + 1e-4 * np.tile([1, -1], 1_000)
        nearly = flights(2_000, champion=np.clip(same, 0, 1), champion_version=1)
        assert not verdict(brier <= champion_brier, nearly).passed
