"""An alias moves only to a version that has what its policy needs, whichever door is tried."""

import pytest

from noria.core.digest import digest
from noria.core.errors import BadInput
from noria.core.rules import Outcome
from noria.registry import aliases, approvals, model_versions, policies, registered_models, signatures
from noria.registry import operations as registry
from noria.registry.model import InUse, NotPromotable, WrongStage
from noria.registry.names import VersionMissing
from noria.registry.policies import Approvals, GatePassed, Policy, PolicyUnmet, Signed

ALL = (GatePassed(), Signed(), Approvals(1, not_author=True))


@pytest.fixture
def guarded(hall):
    """A version in need of everything before it may go into production."""
    hall.register_real()
    policies.declare(hall.ws, Policy("production", ALL, "lateness"))
    return hall


def rules(error):
    return [(one.rule, one.outcome.value) for one in error.missing]


DOORS = {
    "promote": lambda hall: hall.promote(1),
    "alias": lambda hall: aliases.set_alias(hall.ws, "lateness", "production", 1),
    "stage": lambda hall: model_versions.transition_stage(hall.ws, "lateness", 1, "Production"),
    "our stage": lambda hall: hall.stage(1, "production"),
}


class TestEveryDoor:
    @pytest.mark.parametrize("door", DOORS)
    def test_what_is_missing_is_listed_and_nothing_moves(self, guarded, door):
        before = len(guarded.ws.journal.read())
        with pytest.raises(PolicyUnmet) as caught:
            DOORS[door](guarded)
        assert rules(caught.value) == [
            ("signature valid", "not run"),
            ("1 approval that is not the author's", "failed"),
        ]
        assert "nobody signed it" in str(caught.value)
        assert "nobody who counts approved of it" in str(caught.value)
        assert (guarded.production(), guarded.stages()) == (None, ["candidate"])
        assert len(guarded.ws.journal.read()) == before

    @pytest.mark.parametrize("door", DOORS)
    def test_with_everything_there_it_opens(self, guarded, door):
        pem, public = signatures.make_key()
        signatures.trust(guarded.ws, public, "ada")
        signatures.sign(guarded.ws, "lateness", 1, pem)
        approvals.approve(guarded.as_("bea").ws, "lateness", 1, "I looked at the slices")
        DOORS[door](guarded)
        assert guarded.stages() == ["production"]
        assert guarded.production() == (None if door == "our stage" else 1)

    def test_a_promotion_keeps_its_evidence(self, guarded):
        approvals.approve(guarded.as_("bea").ws, "lateness", 1, "fine")
        policies.declare(guarded.ws, Policy("production", (GatePassed(), Approvals(1)), "lateness"))
        guarded.promote(1, evidence={"rows": 500})
        ((_, fact),) = guarded.facts("VersionPromoted")
        version = registry.get_version(guarded.ws, "lateness", 1)
        assert fact["gates"] == {"outcome": "passed", "digest": digest(version.gates)}
        assert [one["outcome"] for one in fact["policy"]] == ["passed", "passed"]
        assert fact["policy"][1]["note"] == "approved by bea"
        assert fact["evidence"] == {"rows": 500, "forced": False}

    def test_force_needs_a_reason_and_is_journaled_with_what_was_missing(self, guarded):
        with pytest.raises(policies.UnreasonedForce):
            registry.promote(guarded.ws, "lateness", 1, reason=" ", force=True)
        guarded.promote(1, force=True)
        ((_, fact),) = guarded.facts("VersionPromoted")
        assert fact["evidence"]["forced"] is True
        assert [one["outcome"] for one in fact["policy"]] == ["passed", "not run", "failed"]

    def test_a_rollback_is_not_held_up(self, hall):
        for _ in range(2):
            hall.register()
        hall.promote(1), hall.promote(2)
        policies.declare(hall.ws, Policy("production", ALL))
        assert hall.rollback().number == 1


class TestApprovals:
    def test_the_authors_own_does_not_count_and_two_are_two_people(self, hall):
        hall.register()
        policies.declare(hall.ws, Policy("champion", (Approvals(2),)))
        for actor in (hall.ws.actor, "bea", "bea"):
            approvals.approve(hall.as_(actor).ws, "lateness", 1, "good")
        with pytest.raises(PolicyUnmet, match="2 approvals that are not the author's: failed"):
            aliases.set_alias(hall.ws, "lateness", "champion", 1)
        approvals.approve(hall.as_("cyd").ws, "lateness", 1, "good")
        assert aliases.set_alias(hall.ws, "lateness", "champion", 1).aliases == ("champion",)

    def test_a_rejection_holds_until_the_same_person_approves(self, hall):
        hall.register()
        policies.declare(hall.ws, Policy("champion", (Approvals(1),)))
        approvals.approve(hall.as_("bea").ws, "lateness", 1, "good")
        approvals.reject(hall.as_("eve").ws, "lateness", 1, "worse for small airports")
        with pytest.raises(PolicyUnmet, match="eve rejected it: worse for small airports"):
            aliases.set_alias(hall.ws, "lateness", "champion", 1)
        said = approvals.approve(hall.as_("eve").ws, "lateness", 1, "mended")
        assert [(one.actor, one.approves) for one in said] == [("bea", True), ("eve", True)]
        aliases.set_alias(hall.ws, "lateness", "champion", 1)

    def test_an_approval_is_of_one_version_only(self, hall):
        hall.register(), hall.register()
        approvals.approve(hall.as_("bea").ws, "lateness", 1, "good")
        assert approvals.voices(hall.ws, "lateness", 2) == []

    @pytest.mark.parametrize("reason", ["", " \n", "x" * 5001, "a\x00"])
    def test_it_comes_with_a_reason(self, hall, reason):
        hall.register()
        with pytest.raises(BadInput):
            approvals.approve(hall.ws, "lateness", 1, reason)
        with pytest.raises(VersionMissing):
            approvals.reject(hall.ws, "lateness", 2, "no such thing")


class TestDeclaring:
    def test_a_models_own_policy_wins_over_the_one_for_all(self, hall):
        policies.declare(hall.ws, Policy("champion", ALL))
        policies.declare(hall.ws, Policy("champion", (GatePassed(),), "lateness"))
        hall.register(), hall.register("fares")
        aliases.set_alias(hall.ws, "lateness", "champion", 1)
        with pytest.raises(PolicyUnmet):
            aliases.set_alias(hall.ws, "fares", "champion", 1)
        assert policies.list_policies(hall.ws) == [
            Policy("champion", ALL), Policy("champion", (GatePassed(),), "lateness"),
        ]  # fmt: skip

    def test_it_can_be_taken_away_and_goes_with_a_rename(self, hall):
        registered_models.create_model(hall.ws, "iris")
        model_versions.create_version(hall.ws, "iris", "s3://x")
        policies.declare(hall.ws, Policy("staging", (GatePassed(),), "iris"))
        registered_models.rename_model(hall.ws, "iris", "rose")
        with pytest.raises(PolicyUnmet, match="it has no gate sheet"):
            model_versions.transition_stage(hall.ws, "rose", 1, "Staging")
        policies.declare(hall.ws, Policy("staging", (), "rose"))
        assert policies.list_policies(hall.ws) == []
        assert model_versions.transition_stage(hall.ws, "rose", 1, "Staging").stage == "rollout"
        told = hall.ws.journal.read(kinds=["PolicyDeclared"])
        assert [(one.data["before"], one.data["after"]) for one in told] == [
            ([], ["gate passed"]),
            (["gate passed"], []),
        ]

    @pytest.mark.parametrize("alias", ["", "latest", "a b"])
    def test_a_policy_is_of_an_alias(self, hall, alias):
        with pytest.raises(BadInput):
            policies.declare(hall.ws, Policy(alias, ALL))
        with pytest.raises(BadInput):
            Approvals(0)


class TestBothWorlds:
    """Versions that Noria packaged and versions of MLflow's clients under one name."""

    def test_mlflows_production_is_a_promotion_of_what_noria_packaged(self, hall):
        hall.register(), hall.register()
        hall.promote(1)
        model_versions.transition_stage(hall.ws, "lateness", 2, "Production")
        assert (hall.production(), hall.stages()) == (2, ["retired", "production"])
        assert hall.rollback().number == 1

    def test_gates_that_did_not_pass_close_mlflows_doors_too(self, hall):
        hall.register(outcome=Outcome.FAILED)
        for door in ("alias", "stage"):
            with pytest.raises(NotPromotable, match="its gates came out 'failed'"):
                DOORS[door](hall)

    def test_a_clients_version_does_not_slip_into_what_noria_serves(self, hall):
        hall.register()
        hall.promote(1)
        model_versions.create_version(hall.ws, "lateness", "s3://elsewhere")
        with pytest.raises(NotPromotable):
            aliases.set_alias(hall.ws, "lateness", "production", 2)
        aliases.set_alias(hall.ws, "lateness", "candidate", 2)

    def test_what_serves_is_not_taken_away_renamed_or_archived(self, hall):
        hall.register()
        hall.promote(1)
        for taken, error in (
            (lambda: model_versions.delete_version(hall.ws, "lateness", 1), InUse),
            (lambda: registered_models.delete_model(hall.ws, "lateness"), InUse),
            (lambda: registered_models.rename_model(hall.ws, "lateness", "x"), InUse),
            (lambda: model_versions.transition_stage(hall.ws, "lateness", 1, "Archived"), WrongStage),
        ):
            with pytest.raises(error):
                taken()
        aliases.delete_alias(hall.ws, "lateness", "production")
        assert hall.stages() == ["retired"]
        registered_models.rename_model(hall.ws, "lateness", "x")

    def test_a_copy_of_a_packaged_version_can_be_served_like_it(self, hall):
        original = hall.register_real()
        registered_models.create_model(hall.ws, "lateness-prod")
        copied = model_versions.create_version(hall.ws, "lateness-prod", "models:/lateness/1")
        assert (copied.package, copied.gates, copied.lineage) == (original.package, original.gates, original.lineage)
        assert copied.storage == original.storage == f"mlflow-artifacts:/registry/{original.package}"
        assert registry.promote(hall.ws, "lateness-prod", 1, reason="copied").stage == "production"
