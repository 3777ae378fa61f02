"""Evidence is gathered from the log, and only from the rows that belong to it."""

import numpy as np

from noria.core.units import requests
from noria.rollout.evidence import gather
from noria.rollout.model import RolloutSpec, percent, shadow
from noria.rollout.operations import advance, start

SPEC = RolloutSpec((shadow(requests(60)), percent(50, requests(5000))))


def collect(ws, server, rollout, **options):
    return gather(server.seen, SPEC, rollout, task="classification", at=ws.clock.now(), **options)


def begin(ws):
    return start(ws, SPEC, "lateness", 1, 2, reason="retrained")


def test_losses_are_paired_over_the_whole_rollout_and_requests_counted_by_stage(ws, server):
    rollout = begin(ws)
    server.answer(60)
    rollout = advance(ws, SPEC, rollout, collect(ws, server, rollout))
    server.answer(40)
    found = collect(ws, server, rollout)
    assert (found.stage, found.answered, len(found.differences)) == (1, 40, 100)
    assert found.by_arm["champion"] + found.by_arm["challenger"] == 40
    assert found.by_arm["challenger"] == len(found.latency)
    assert found.ratio_p > 0.01


def test_differences_are_new_minus_champion(ws, server):
    server.skill[2] = 0.0  # always says one half
    rollout = begin(ws)
    server.answer(300)
    found = collect(ws, server, rollout)
    assert found.differences.mean() > 0
    assert np.unique(found.prediction).tolist() == [0.5]


def test_rows_from_before_the_rollout_do_not_count(ws, server):
    from noria.serving import operations as serving
    from noria.serving.model import Routing

    with ws.database.transaction() as connection:
        serving.set_routing(ws, connection, Routing(model="lateness", champion=1))
    server.answer(30)
    found = collect(ws, server, begin(ws))
    assert (found.answered, len(found.differences)) == (0, 0)


def test_a_row_the_challenger_could_not_score_is_a_failure_and_no_pair(ws, server):
    rollout = begin(ws)
    server.answer(10)
    server.broken = {2}
    server.answer(5)
    found = collect(ws, server, rollout)
    assert (int(found.failed.sum()), len(found.differences)) == (5, 10)


def test_a_label_from_the_future_does_not_count(ws, server):
    rollout = begin(ws)
    server.answer(10)
    earlier = server.rows[4].at
    found = gather(server.seen, SPEC, rollout, task="classification", at=earlier)
    assert len(found.differences) == 5


def test_one_busy_key_is_one_draw(ws, server):
    import msgspec

    rollout = begin(ws)
    server.answer(60)
    rollout = advance(ws, SPEC, rollout, collect(ws, server, rollout))
    server.answer(300)
    ours = next(row for row in reversed(server.rows) if row.arm == "challenger")
    again = [msgspec.structs.replace(ours, prediction_id=f"again{n}") for n in range(500)]
    server.rows += again
    assert collect(ws, server, rollout).ratio_p > 0.01
