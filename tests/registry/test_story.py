"""Versions: numbered, promoted only through their gates, rolled back, and always with their history."""

import pytest

from noria.core.errors import NotFound
from noria.core.rules import Outcome, Verdict
from noria.features.model import InputSet
from noria.optimization.model import Package
from noria.registry import operations as registry
from noria.registry.model import Lineage, NotPromotable, Version
from noria.testing.workspace import make_workspace
from noria.validation.model import Estimate, Evaluation, GateSheet

MODEL = "lateness"
INPUTS = InputSet("Flight", "flight_id", "asked_at", (), (), ())
MADE_BY = Lineage(
    "run_1", {"Flight": "s1"}, {"fingerprint": "f1"}, {"depth": 3}, {"python": "3.11"}, {"at": 7}, "x1", 0
)


@pytest.fixture
def ws(tmp_path):
    return make_workspace(tmp_path)


def register(ws, identity: str, outcome: Outcome = Outcome.PASSED) -> Version:
    return registry.register(
        ws,
        model=MODEL,
        package=Package("p", "onnx", f"graph of {identity}", "golden", INPUTS, (), "late", "classification", 1),
        package_digest="p",
        profile=None,
        evaluation=Evaluation(1_000, 0, 9, {"roc_auc": Estimate(0.7, 0.6, 0.8, 1_000)}, {"roc_auc": 0.5}),
        gates=GateSheet((Verdict("roc_auc >= 0.65", outcome, 0.7, 0.65),)),
        lineage=MADE_BY,
        stage="candidate",
        idempotency=identity,
    )


def test_versions_are_numbered_from_one_and_read_back_as_they_were(ws) -> None:
    made = [register(ws, name) for name in "abc"]
    assert [one.number for one in made] == [1, 2, 3]
    assert registry.list_versions(ws, MODEL) == made
    assert registry.get_version(ws, MODEL, 2) == made[1]
    assert made[0].metrics == {"roc_auc": 0.7}
    assert registry.models(ws) == [MODEL]


def test_the_same_thing_registered_again_is_the_same_version(ws) -> None:
    first = register(ws, "a")
    register(ws, "b")
    assert register(ws, "a") == first
    assert registry.find(ws, MODEL, "a") == first
    assert registry.find(ws, MODEL, "c") is None
    assert len(ws.journal.read(kinds=["VersionRegistered"])) == 2


def test_an_unknown_version_is_refused_with_those_there_are(ws) -> None:
    register(ws, "a")
    with pytest.raises(NotFound, match="9"):
        registry.get_version(ws, MODEL, 9)
    with pytest.raises(NotFound):
        registry.promote(ws, MODEL, 9, reason="a slip")
    assert registry.alias(ws, MODEL) is None


def test_the_promoted_version_is_in_production_and_the_one_before_retires(ws) -> None:
    register(ws, "a"), register(ws, "b")
    registry.promote(ws, MODEL, 1, reason="the first")
    registry.promote(ws, MODEL, 2, reason="better", evidence={"brier": -0.01})
    assert registry.alias(ws, MODEL).number == 2
    assert [one.stage for one in registry.list_versions(ws, MODEL)] == ["retired", "production"]
    told = ws.journal.read(kinds=["VersionPromoted"])[-1].data
    assert (told["version"], told["previous"], told["reason"]) == (2, 1, "better")
    assert told["evidence"] == {"brier": -0.01, "forced": False}


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.NOT_RUN])
def test_a_version_whose_gates_did_not_pass_goes_into_production_only_by_force(ws, outcome) -> None:
    register(ws, "a", outcome)
    with pytest.raises(NotPromotable, match=outcome.value):
        registry.promote(ws, MODEL, 1, reason="in a hurry")
    assert registry.alias(ws, MODEL) is None
    registry.promote(ws, MODEL, 1, reason="I know better", force=True)
    assert registry.alias(ws, MODEL).number == 1
    assert ws.journal.read(kinds=["VersionPromoted"])[-1].data["evidence"]["forced"] is True


def test_rollback_returns_to_the_version_before(ws) -> None:
    register(ws, "a"), register(ws, "b")
    registry.promote(ws, MODEL, 1, reason="first")
    registry.promote(ws, MODEL, 2, reason="second")
    assert registry.rollback(ws, MODEL, reason="it hurt").number == 1
    assert registry.alias(ws, MODEL).number == 1
    assert [one.stage for one in registry.list_versions(ws, MODEL)] == ["production", "rolled back"]


def test_rolling_back_twice_goes_two_versions_back(ws) -> None:
    for number, name in enumerate("abc", start=1):
        register(ws, name)
        registry.promote(ws, MODEL, number, reason=name)
    assert registry.rollback(ws, MODEL, reason="it hurt").number == 2
    assert registry.rollback(ws, MODEL, reason="so did this one").number == 1
    with pytest.raises(NotFound):
        registry.rollback(ws, MODEL, reason="there is none")
    assert registry.alias(ws, MODEL).number == 1


def test_the_first_version_has_nothing_to_roll_back_to(ws) -> None:
    register(ws, "a")
    registry.promote(ws, MODEL, 1, reason="first")
    with pytest.raises(NotFound, match="first one"):
        registry.rollback(ws, MODEL, reason="it hurt")


def test_which_version_was_in_production_at_a_moment(ws) -> None:
    register(ws, "a"), register(ws, "b")
    began = ws.clock.now()
    for hour, move in ((1, 1), (2, 2), (3, None)):
        ws.clock.advance_to(began + hour)
        registry.promote(ws, MODEL, move, reason="better") if move else registry.rollback(ws, MODEL, reason="worse")
    seen = [registry.alias_at(ws, MODEL, "production", began + hour) for hour in range(5)]
    assert seen == [None, 1, 2, 1, 1]


def test_a_promotion_in_a_transaction_that_fails_never_was(ws) -> None:
    register(ws, "a")
    with pytest.raises(RuntimeError), ws.database.transaction() as connection:
        registry.promote(ws, MODEL, 1, reason="first", connection=connection)
        raise RuntimeError
    assert registry.alias(ws, MODEL) is None
    assert ws.journal.read(kinds=["VersionPromoted"]) == []


def test_lineage_leads_back_to_the_snapshots(ws) -> None:
    register(ws, "a")
    walk = registry.lineage(ws, MODEL, 1)
    assert walk["snapshots"] == {"Flight": "s1"}
    assert walk["code"] == {"fingerprint": "f1"}
    assert (walk["run"], walk["values"], walk["features"]) == ("run_1", {"depth": 3}, "x1")
