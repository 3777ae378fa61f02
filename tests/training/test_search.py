"""Searching finds better values, the same ones each time, and never worse ones than were declared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from noria.core.errors import BadInput
from noria.training.model import Choice, Range, SearchSpec, TooFewRows, TrainingFailed, TrainingSpec
from noria.training.search import search

SPACE: dict[str, Choice | Range] = {"strength": Range(1e-6, 10.0, log=True), "kind": Choice(("l1", "l2"))}


def train(X: Any, y: Any, *, strength: float, kind: str = "l2") -> Any:
    number = make_column_transformer((SimpleImputer(), ["miles"]))
    return make_pipeline(number, LogisticRegression(C=strength, solver="liblinear", l1_ratio=float(kind == "l1"))).fit(
        X, y
    )


def searching(spec: TrainingSpec, **changes: Any) -> TrainingSpec:
    return replace(spec, values={"strength": 1.0, "kind": "l2"}, search=SearchSpec(SPACE, **{"trials": 5, **changes}))


def test_declared_values_come_first_and_progress_is_told(spec: TrainingSpec, rows: pa.Table) -> None:
    told: list[tuple[int, int, float]] = []
    found = search(searching(spec), rows, train, on_trial=lambda *one: told.append(one))
    assert found.trials[0]["values"] == {"strength": 1.0, "kind": "l2"}
    losses = [one["loss"] for one in found.trials]
    assert [one[:2] for one in told] == [(number, 5) for number in range(1, 6)]
    assert [one[2] for one in told] == [min(losses[: number + 1]) for number in range(5)]
    assert found.values == found.trials[losses.index(min(losses))]["values"]
    assert all(
        1e-6 <= one["values"]["strength"] <= 10 and one["values"]["kind"] in ("l1", "l2") for one in found.trials
    )


def test_the_same_seed_finds_the_same(spec: TrainingSpec, rows: pa.Table) -> None:
    first = search(searching(spec, rows=1000), rows, train)
    assert search(searching(spec, rows=1000), rows, train) == first
    assert search(replace(searching(spec, rows=1000), seed=5), rows, train) != first


def test_only_the_past_is_learnt_from(spec: TrainingSpec, rows: pa.Table) -> None:
    seen: list[int] = []

    def counting(X: Any, y: Any, **values: Any) -> Any:
        seen.append(len(X))
        return train(X, y, **values)

    search(searching(spec, trials=1), rows, counting)
    assert seen == [4790]  # of 6,000 rows those asked, and answered an hour later, before the last fifth


def test_a_failing_trial_is_kept_with_its_error(spec: TrainingSpec, rows: pa.Table) -> None:
    def picky(X: Any, y: Any, *, strength: float, kind: str) -> Any:
        if kind == "l1":
            raise ValueError("no l1 today")
        return train(X, y, strength=strength)

    found = search(searching(spec, trials=8), rows, picky)
    failed = [one for one in found.trials if one["loss"] is None]
    assert failed
    assert "no l1 today" in failed[0]["error"]
    assert found.values["kind"] == "l2"


def test_when_every_trial_fails_the_last_error_is_told(spec: TrainingSpec, rows: pa.Table) -> None:
    def broken(X: Any, y: Any, **values: Any) -> Any:
        raise RuntimeError("broken")

    with pytest.raises(TrainingFailed, match=r"all 3 trials failed.*broken"):
        search(searching(spec, trials=3), rows, broken)


def test_nothing_to_search_or_to_search_on_is_refused(spec: TrainingSpec, rows: pa.Table) -> None:
    with pytest.raises(BadInput):
        search(spec, rows, train)
    with pytest.raises(TooFewRows):
        search(searching(spec), rows.slice(0, 0), train)
    with pytest.raises(TooFewRows):
        search(searching(spec), rows.slice(0, 1), train)
