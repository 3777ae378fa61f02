"""The monitors on real stores: what alarms, what stays quiet, what is journaled, and what it costs."""

import numpy as np
import pyarrow as pa
import pytest

from noria.core.clock import cpu_seconds
from noria.core.rules import Quantity, Rule, Trigger
from noria.core.units import days, ms
from noria.features.model import InputColumn
from noria.monitoring.model import MonitorSpec, MonitorState
from noria.monitoring.observations import Observations
from noria.monitoring.operations import evaluate, fired, latest, measurements, memory_for, watching
from noria.monitoring.profile import build_profile

DAY = 86_400_000_000
START = 20_000 * DAY
DRIFT = Quantity("drift", ("Airport",)) > 0.2
MISSING = Quantity("missing", ("Sky.visibility",)) > 0.05
BRIER = Quantity("live", ("brier", days(14).micros)) > 0.20
SPEC = MonitorSpec((DRIFT, MISSING, BRIER), matures_after=DAY)


def profile_of(rng, columns=("Airport.delay", "Sky.visibility")):
    table = pa.table({name: rng.normal(size=9000) for name in columns})
    inputs = [InputColumn(name, "float", name.split(".")[0]) for name in columns]
    asked = np.sort(rng.integers(0, 90 * DAY, 9000))
    return build_profile(table, inputs, rng.random(9000), asked, window=SPEC.window)


class Traffic:
    """A hundred requests a day; each day may be shifted, blinded or made harder to predict."""

    def __init__(self, ws, log, spec=SPEC, version=1):
        self.ws, self.log, self.spec, self.version = ws, log, spec, version
        self.rng = np.random.default_rng(0)
        self.profile = profile_of(self.rng)
        self.seen = Observations(log)
        self.day = 0

    def pass_day(self, *, shift=0.0, lost=0.0, wrong=0.2, labelled=1.0, rows=100, **more):
        start = START + self.day * DAY
        self.day += 1
        for number in range(rows):
            at = start + number * (DAY // max(rows, 1))
            features = {
                "Airport.delay": float(self.rng.normal() + shift),
                "Sky.visibility": None if self.rng.random() < lost else float(self.rng.normal()),
            }
            row = self.log.predict(at, 0.05, features=features, version=self.version, **more)
            if self.rng.random() < labelled:
                self.log.label(row, float(self.rng.random() < wrong), at + DAY // 2)
        self.ws.clock.advance_to(start + DAY)
        return self.look()

    def look(self, version=None, profile=None):
        at = START + self.day * DAY
        made = evaluate(
            self.ws, self.spec, "lateness", version or self.version, profile or self.profile, self.seen, at
        )  # fmt: skip
        return {one.subject: one for one in made}

    def kinds(self):
        return [entry.kind for entry in self.ws.journal.read(subject="model:lateness")]


@pytest.fixture
def traffic(ws, log):
    return Traffic(ws, log)


def test_quiet_traffic_is_quiet_after_a_blind_beginning(traffic, ws):
    states = [traffic.pass_day()[str(DRIFT)].state for _ in range(12)]
    assert states[0] == MonitorState.BLIND
    assert states[-1] == MonitorState.OK
    assert not any(fired(ws, "lateness", rule) for rule in SPEC.rules)
    assert traffic.kinds() == ["MonitoringStarted"]


def test_a_shift_is_found_within_a_few_days_and_its_end_too(traffic, ws):
    for _ in range(8):
        traffic.pass_day()
    found = [traffic.pass_day(shift=0.6)[str(DRIFT)] for _ in range(7)]
    assert found[-1].state == MonitorState.ALARM
    assert found[-1].value == pytest.approx(0.6, abs=0.15)
    assert found[-1].threshold >= 0.2
    assert found[-1].note == "Airport.delay"
    assert fired(ws, "lateness", DRIFT)
    assert fired(ws, "lateness", Trigger(DRIFT.quantity))
    while traffic.pass_day()[str(DRIFT)].state != MonitorState.OK:
        assert traffic.day < 30
    assert traffic.kinds() == ["MonitoringStarted", "DriftFound", "DriftEnded"]
    assert not fired(ws, "lateness", DRIFT)
    fact = ws.journal.read(kinds=["DriftFound"])[0].data
    assert fact["rule"] == "drift(Airport) > 0.2"
    assert fact["value"] > fact["threshold"]


def test_one_bad_evaluation_is_only_watched(traffic):
    for _ in range(8):
        traffic.pass_day()
    assert traffic.pass_day(lost=0.9)[str(MISSING)].state == MonitorState.WATCH
    assert traffic.look()[str(MISSING)].state == MonitorState.WATCH, "looking again is no second window"
    assert traffic.pass_day()[str(MISSING)].state == MonitorState.ALARM
    assert traffic.kinds()[-1] == "MonitorAlarmed"


def test_a_realised_metric_alarms_with_its_interval(traffic, ws):
    for _ in range(25):
        found = traffic.pass_day(wrong=0.1)[str(BRIER)]
    assert found.state == MonitorState.OK
    assert found.low < found.value < found.high
    for _ in range(12):
        found = traffic.pass_day(wrong=0.6)[str(BRIER)]
    assert found.state == MonitorState.ALARM
    assert found.value > 0.2
    assert found.rows <= 1400
    assert fired(ws, "lateness", BRIER)


def test_labels_are_counted_when_they_have_matured_and_no_earlier(traffic):
    traffic.pass_day(rows=300)
    assert traffic.look()[str(BRIER)].rows == 0
    assert traffic.pass_day(rows=300)[str(BRIER)].rows == 300


def test_too_few_labels_are_blindness_not_health(traffic):
    for _ in range(20):
        found = traffic.pass_day(labelled=0.2)[str(BRIER)]
    assert found.state == MonitorState.BLIND
    assert "have their label" in found.note
    assert found.value is None


def test_a_new_champion_starts_anew_against_its_own_profile(traffic, ws):
    for _ in range(12):
        traffic.pass_day(shift=1.0)
    assert fired(ws, "lateness", DRIFT)
    rng = np.random.default_rng(5)
    table = pa.table({"Airport.delay": rng.normal(1.0, 1, 5000), "Sky.visibility": rng.normal(size=5000)})
    inputs = [InputColumn(name, "float") for name in table.column_names]
    asked = np.arange(5000) * DAY // 60
    traffic.profile = build_profile(table, inputs, rng.random(5000), asked, window=SPEC.window)
    traffic.version = 2
    assert traffic.pass_day(shift=1.0)[str(DRIFT)].state == MonitorState.OK
    assert not fired(ws, "lateness", DRIFT)
    started = ws.journal.read(kinds=["MonitoringStarted"])
    assert [entry.data for entry in started] == [{"version": 1, "previous": None}, {"version": 2, "previous": 1}]


def test_the_same_moment_twice_changes_nothing(traffic, ws):
    for _ in range(10):
        traffic.pass_day(shift=1.0)
    before = (measurements(ws, "lateness"), ws.journal.read())
    traffic.look()
    assert (measurements(ws, "lateness"), ws.journal.read()) == before


def test_a_restart_sees_the_same_numbers(traffic):
    for _ in range(9):
        traffic.pass_day(shift=0.3, lost=0.1)
    before = traffic.look()
    traffic.seen = Observations(traffic.log)
    assert traffic.look() == before


def test_every_feature_is_measured_for_the_picture(traffic, ws):
    for _ in range(5):
        traffic.pass_day()
    assert {one.subject for one in latest(ws, "lateness")} == {
        "Airport.delay", "Sky.visibility", "prediction", *map(str, SPEC.rules),
    }  # fmt: skip
    assert len(measurements(ws, "lateness")) == 5 * 6
    assert {one.at for one in measurements(ws, "lateness", since=START + 4 * DAY)} == {START + 4 * DAY, START + 5 * DAY}


def test_latency_and_errors_are_read_from_the_answers(ws, log):
    slow, errors = Quantity("latency", ("p95",)) > ms(20), Quantity("errors") > 0.01
    traffic = Traffic(ws, log, MonitorSpec((slow, errors)))
    for _ in range(3):
        found = traffic.pass_day(latency=5000.0)
    assert found[str(slow)].state == found[str(errors)].state == MonitorState.OK
    for _ in range(3):
        found = traffic.pass_day(latency=50_000.0)
    assert found[str(slow)].state == MonitorState.ALARM
    assert found[str(slow)].value == 50_000.0
    for number in range(60):
        log.predict(START + traffic.day * DAY - number - 1, float("nan"))
    assert traffic.look()[str(errors)].state == MonitorState.WATCH


def test_what_cannot_be_measured_is_blind_and_says_why(ws, log):
    rules = (
        Quantity("drift", ("Airprt",)) > 0.2,
        Quantity("metric", ("brier",)) < 0.2,
        Quantity("live", ("no_such_metric", DAY)) > 0.2,
        Quantity("live", ("brier", 14 * DAY)) > Quantity("champion", ("brier",)),
    )
    traffic = Traffic(ws, log, MonitorSpec(rules, matures_after=DAY))
    for _ in range(5):
        found = traffic.pass_day()
    assert {found[str(rule)].state for rule in rules} == {MonitorState.BLIND}
    assert "Airport.delay" in found[str(rules[0])].note
    assert all(found[str(rule)].note for rule in rules)


def test_without_a_profile_drift_is_blind_and_the_rest_goes_on(ws, log):
    traffic = Traffic(ws, log)
    for _ in range(5):
        traffic.pass_day()
    at = START + traffic.day * DAY + 1
    found = {one.subject: one for one in evaluate(ws, SPEC, "lateness", 1, None, traffic.seen, at)}
    assert found[str(DRIFT)].state == MonitorState.BLIND
    assert found[str(BRIER)].state == MonitorState.OK


def test_a_model_nobody_asked_is_blind(ws, log):
    found = evaluate(ws, SPEC, "unheard-of", 1, None, Observations(log), START)
    assert {one.state for one in found} == {MonitorState.BLIND}
    assert not fired(ws, "unheard-of", DRIFT)


def test_what_a_retraining_condition_asks_about_is_watched_too():
    trigger = Trigger(Quantity("drift", ("Carrier",)))
    condition = Trigger(Quantity("every", (DAY,))) | trigger | BRIER
    spec = watching(MonitorSpec((BRIER,)), condition)
    assert spec.rules == (BRIER,)
    assert spec.triggers == (trigger,)
    assert watching(spec, None) == spec
    assert isinstance(BRIER, Rule)


def test_memory_reaches_back_as_far_as_the_longest_rule():
    assert memory_for(SPEC) == 14 * DAY + DAY + SPEC.period


def test_a_bare_trigger_is_watched_against_its_noise_floor(ws, log):
    trigger = Trigger(Quantity("drift", ("Airport",)))
    traffic = Traffic(ws, log, MonitorSpec((), triggers=(trigger,)))
    for _ in range(9):
        traffic.pass_day(shift=0.6)
    assert fired(ws, "lateness", trigger)


def test_fourteen_features_and_six_thousand_rows_cost_little(ws, log):
    rng = np.random.default_rng(0)
    names = [f"View.f{number}" for number in range(14)]
    profile = profile_of(rng, names)
    for number in range(6000):
        features = dict(zip(names, rng.normal(size=14).tolist(), strict=True))
        log.predict(START + number * (7 * DAY // 6000), 0.3, features=features)
        log.label(f"p{number}", float(number % 2), START + number)
    seen = Observations(log)
    seen.refresh()
    auc = Quantity("live", ("roc_auc", 14 * DAY)) < 0.6
    spec = MonitorSpec((Quantity("drift", ("View",)) > 0.2, BRIER, auc))
    costs = []
    for turn in range(5):
        before = cpu_seconds()
        evaluate(ws, spec, "lateness", 1, profile, seen, START + 7 * DAY + turn)
        costs.append(cpu_seconds() - before)
    assert min(costs) < 0.06
