"""Takeovers on real stores: promoted, rolled back, inconclusive, and killed in the middle of a decision."""

import pytest

from noria.core.errors import BadInput, NotFound
from noria.core.rules import Quantity
from noria.core.units import ms, requests
from noria.registry import operations as registry
from noria.registry.model import NotPromotable
from noria.rollout.evidence import Evidence, gather
from noria.rollout.model import RolloutRunning, RolloutSpec, percent, shadow
from noria.rollout.operations import abort, advance, current, history, start
from noria.serving import operations as serving

ABORT = Quantity("latency", ("p95",)) > ms(50)
SPEC = RolloutSpec((shadow(requests(100)), percent(10, requests(200)), percent(50, requests(200))), ABORT, margin=0.05)


def begin(ws, spec=SPEC, challenger=2):
    return start(ws, spec, "lateness", 1, challenger, reason="monthly retraining")


def look(ws, server, rollout, spec=SPEC, **options):
    found = gather(server.seen, spec, rollout, task="classification", at=ws.clock.now(), **options)
    return advance(ws, spec, rollout, found)


def run(ws, server, rollout, spec=SPEC, most=4000, **options):
    while rollout.state == "running" and len(server.rows) < most:
        server.answer(20, **options)
        rollout = look(ws, server, rollout, spec)
    return rollout


def facts(ws):
    return [entry.kind for entry in ws.journal.read() if entry.kind.startswith("Rollout")]


def test_it_starts_in_the_shadow(ws):
    rollout = begin(ws)
    assert current(ws, "lateness") == rollout
    routing = serving.get_routing(ws, "lateness")
    assert (routing.mode, routing.champion, routing.challenger, routing.rollout) == ("shadow", 1, 2, rollout.id)
    assert registry.get_version(ws, "lateness", 2).stage == "rollout"
    assert facts(ws) == ["RolloutStarted"]


def test_a_sound_challenger_passes_through_all_stages_and_is_promoted(ws, server):
    server.skill[2] = 0.65
    rollout = begin(ws)
    seen = []
    while rollout.state == "running" and len(server.rows) < 4000:
        server.answer(20)
        rollout = look(ws, server, rollout)
        routing = serving.get_routing(ws, "lateness")
        seen += [(routing.mode, routing.share)] if (routing.mode, routing.share) not in seen else []
    assert seen == [("shadow", 0.0), ("split", 0.1), ("split", 0.5), ("single", 0.0)]
    assert rollout.state == "promoted"
    assert registry.alias(ws, "lateness").number == 2
    assert serving.get_routing(ws, "lateness").champion == 2
    assert facts(ws) == ["RolloutStarted", "RolloutAdvanced", "RolloutAdvanced", "RolloutPromoted"]
    evidence = ws.journal.read(kinds=["RolloutPromoted"])[0].data["evidence"]
    assert evidence["upper"] <= evidence["margin"]
    assert evidence["pairs"] >= 200
    assert "loss is at most" in rollout.reason
    assert history(ws, "lateness") == [rollout]
    assert current(ws, "lateness") is None
    ws.journal.verify()


def test_without_stages_it_takes_over_at_once(ws):
    rollout = begin(ws, RolloutSpec(()))
    assert (rollout.state, current(ws, "lateness")) == ("promoted", None)
    assert history(ws, "lateness") == [rollout]
    assert registry.alias(ws, "lateness").number == serving.get_routing(ws, "lateness").champion == 2
    assert facts(ws) == ["RolloutStarted", "RolloutPromoted"]


def test_a_worse_challenger_is_rolled_back_before_many_users_met_it(ws, server):
    server.skill[2] = 0.1
    rollout = run(ws, server, begin(ws))
    assert rollout.state == "rolled back"
    assert "worse" in rollout.reason
    assert sum(row.arm == "challenger" for row in server.rows) < 50
    assert registry.alias(ws, "lateness").number == 1
    assert serving.get_routing(ws, "lateness").mode == "single"
    assert registry.get_version(ws, "lateness", 2).stage == "rolled back"
    assert rollout.evidence["low"] > 0
    assert facts(ws)[-1] == "RolloutRolledBack"


def test_a_slow_challenger_trips_the_abort_rule_in_its_canary(ws, server):
    server.latency[2] = 80_000.0
    rollout = run(ws, server, begin(ws))
    assert rollout.state == "rolled back"
    assert "abort rule p95 latency > 50ms holds" in rollout.reason


def test_a_few_slow_answers_abort_nothing(ws, server):
    rollout = begin(ws)
    server.latency[1] = 80_000.0
    server.answer(4)
    server.latency[1] = 900.0
    server.answer(70)
    assert look(ws, server, rollout).state == "running"


def test_a_challenger_that_cannot_score_is_rolled_back(ws, server):
    server.broken = {2}
    rollout = run(ws, server, begin(ws))
    assert rollout.state == "rolled back"
    assert "failed to score" in rollout.reason
    assert len(server.rows) <= 60


def test_a_split_that_does_not_follow_its_shares_is_inconclusive(ws, server):
    server.skew = True
    rollout = run(ws, server, begin(ws, spec := RolloutSpec((percent(50, requests(2000)),))), spec)
    assert rollout.state == "inconclusive"
    assert "split does not follow its shares" in rollout.reason
    assert registry.alias(ws, "lateness").number == 1


def test_without_labels_it_waits_and_then_keeps_the_champion(ws, server):
    rollout = run(ws, server, begin(ws), labels=False)
    assert rollout.state == "inconclusive"
    assert "0 of 500 planned rows have matured labels" in rollout.reason
    assert 1200 <= len(server.rows) <= 1400
    assert serving.get_routing(ws, "lateness").champion == 1
    assert registry.get_version(ws, "lateness", 2).stage == "candidate"


def test_labels_that_have_not_matured_do_not_count(ws, server):
    rollout = begin(ws)
    server.answer(50)
    found = gather(server.seen, SPEC, rollout, task="classification", at=ws.clock.now(), matures_after=10**12
    )  # fmt: skip
    assert len(found.differences) == 0
    assert found.waiting == 50


def test_what_cannot_be_proven_is_not_promoted(ws, server):
    server.skill[2] = 0.6
    rollout = run(ws, server, begin(ws, strict := RolloutSpec(SPEC.stages, margin=0.0001)), strict)
    assert rollout.state in ("inconclusive", "rolled back")
    assert registry.alias(ws, "lateness").number == 1


def test_the_same_evidence_twice_makes_one_transition(ws, server):
    rollout = begin(ws)
    server.answer(120)
    found = gather(server.seen, SPEC, rollout, task="classification", at=ws.clock.now())
    once = advance(ws, SPEC, rollout, found)
    assert once.stage == 1
    assert advance(ws, SPEC, rollout, found) == once
    assert advance(ws, SPEC, once, found) == once
    assert facts(ws) == ["RolloutStarted", "RolloutAdvanced"]
    assert serving.get_routing(ws, "lateness").revision == 2


class Killed(BaseException):
    """The process died here."""


@pytest.mark.parametrize("step", ["serving.set_routing", "registry.promote", "registry.set_stage", "journal"])
@pytest.mark.parametrize("ending", ["start", "promote", "roll back"])
def test_killed_in_the_middle_of_a_decision_nothing_has_happened(ws, server, monkeypatch, step, ending):
    server.skill[2] = 0.1 if ending == "roll back" else 0.65
    rollout = None if ending == "start" else begin(ws)

    def state():
        running = current(ws, "lateness")
        return (running, serving.get_routing(ws, "lateness"), registry.alias(ws, "lateness").number, ws.journal.read())

    def die(*_args, **_options):
        raise Killed

    with monkeypatch.context() as patch:
        if step == "journal":
            patch.setattr(type(ws.journal), "append", die)
        else:
            folder, name = step.split(".")
            patch.setattr({"serving": serving, "registry": registry}[folder], name, die)
        before = state()
        try:
            begin(ws) if rollout is None else run(ws, server, rollout)
        except Killed:
            killed = state()
            assert killed == before or ending != "start"
            assert ws.journal.verify() == len(killed[3])
    rollout = current(ws, "lateness") or (history(ws, "lateness") or [None])[-1] or begin(ws)
    rollout = run(ws, server, rollout)
    assert rollout.state == {"start": "promoted", "promote": "promoted", "roll back": "rolled back"}[ending]
    routing = serving.get_routing(ws, "lateness")
    assert (routing.mode, routing.champion) == ("single", registry.alias(ws, "lateness").number)
    kinds = facts(ws)
    assert kinds.count("RolloutStarted") == 1
    assert sum(kind in ("RolloutPromoted", "RolloutRolledBack") for kind in kinds) == 1


def test_only_one_takeover_at_a_time(ws):
    rollout = begin(ws)
    assert begin(ws) == rollout, "asked again for the same it is the same"
    with pytest.raises(RolloutRunning, match="version 2 is being rolled out already"):
        begin(ws, challenger=3)
    abort(ws, rollout, "changed my mind")
    assert begin(ws, challenger=3).state == "running"


def test_a_repeated_start_gives_the_rollout_that_has_ended_since(ws):
    def again():
        return start(ws, SPEC, "lateness", 1, 2, reason="retrained", idempotency="turn-7")

    ended = abort(ws, again(), "no")
    assert again() == ended
    assert facts(ws) == ["RolloutStarted", "RolloutRolledBack"]


def test_it_can_start_within_somebody_elses_transaction(ws):
    with pytest.raises(Killed), ws.database.transaction() as connection:
        start(ws, SPEC, "lateness", 1, 2, reason="retrained", connection=connection)
        raise Killed
    assert current(ws, "lateness") is None
    assert serving.get_routing(ws, "lateness") is None


def test_aborted_by_hand(ws):
    rollout = abort(ws, begin(ws), "the airport is closed")
    assert (rollout.state, rollout.reason) == ("rolled back", "the airport is closed")
    assert abort(ws, rollout, "again") == rollout
    assert serving.get_routing(ws, "lateness").mode == "single"


@pytest.mark.parametrize(("winner", "state"), [(3, "inconclusive"), (2, "promoted")])
def test_production_moved_by_hand_is_left_where_it_is(ws, server, winner, state):
    rollout = begin(ws)
    registry.promote(ws, "lateness", winner, reason="by hand")
    server.answer(1)
    rollout = look(ws, server, rollout)
    assert rollout.state == state
    assert "by hand" in rollout.reason
    assert registry.alias(ws, "lateness").number == winner
    assert serving.get_routing(ws, "lateness").champion == winner


def test_what_cannot_be_rolled_out_is_refused(ws):
    with pytest.raises(BadInput, match="from itself"):
        start(ws, SPEC, "lateness", 1, 1, reason="")
    with pytest.raises(NotFound):
        start(ws, SPEC, "lateness", 1, 99, reason="")
    with pytest.raises(NotPromotable, match="version 4"):
        start(ws, SPEC, "lateness", 1, 4, reason="")
    with pytest.raises(NotFound):
        abort(ws, begin(ws).__class__("rollout_nobody", "lateness", 1, 2, "running", 0, 0, 0), "")
    assert facts(ws) == ["RolloutStarted"]


def test_evidence_of_another_rollout_changes_nothing(ws):
    rollout = begin(ws)
    strange = Evidence("rollout_other", 0, ws.clock.now(), answered=10_000)
    assert advance(ws, SPEC, rollout, strange) == rollout
    assert facts(ws) == ["RolloutStarted"]


def test_a_key_keeps_its_arm_when_the_share_grows(ws, server):
    rollout = begin(ws)
    salts = set()
    while rollout.stage < 2:
        salts.add(serving.get_routing(ws, "lateness").salt)
        server.answer(20)
        rollout = look(ws, server, rollout)
    assert salts == {serving.get_routing(ws, "lateness").salt}
