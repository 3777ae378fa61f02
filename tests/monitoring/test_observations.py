"""The log in memory: every row once, labels found, the old forgotten, and all of it rebuilt after a restart."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.monitoring.observations import DAY, Observations

EVER = 10**18


def test_rows_come_back_as_columns_oldest_first(log):
    log.predict(20, 0.7, features={"delay": 5.0, "origin": "JFK"}, version=2)
    log.predict(10, 0.2, features={"delay": None, "origin": None}, latency=1200.0)
    seen = Observations(log)
    assert seen.refresh() == 2
    window = seen.window("lateness", 0, EVER)
    assert window.at.tolist() == [10, 20]
    assert window.version.tolist() == [1, 2]
    assert window.latency.tolist() == [1200.0, 900.0]
    np.testing.assert_equal(window.features["delay"], [np.nan, 5.0])
    codes, names = window.features["origin"]
    assert [names[code] if code >= 0 else None for code in codes] == [None, "JFK"]


def test_a_window_ends_before_its_end(log):
    for at in (10, 20, 30):
        log.predict(at)
    seen = Observations(log)
    seen.refresh()
    assert seen.window("lateness", 10, 30).at.tolist() == [10, 20]
    assert len(seen.window("nobody", 0, EVER)) == 0


def test_only_what_is_new_is_read(log):
    seen = Observations(log)
    log.predict(1)
    assert seen.refresh() == 1
    assert seen.refresh() == 0
    log.predict(2)
    assert seen.refresh() == 1
    assert len(seen.window("lateness", 0, EVER)) == 2


def test_the_first_label_counts_and_an_outcome_is_none(log):
    one = log.predict(1)
    seen = Observations(log)
    log.label(one, None, 5, outcome={"refund": 3})
    log.label(one, float("nan"), 5)
    log.label(one, 1.0, 6)
    log.label(one, 0.0, 7)
    log.label("never-given", 1.0, 8)
    seen.refresh()
    window = seen.window("lateness", 0, EVER)
    assert window.label.tolist() == [1.0]
    assert window.labelled_at.tolist() == [6]


def test_a_label_that_is_read_before_its_prediction_waits_for_it(log):
    seen = Observations(log)
    log.label("p0", 1.0, 5)
    seen.refresh()
    log.predict(1)
    seen.refresh()
    assert seen.window("lateness", 0, EVER).label.tolist() == [1.0]


def test_a_prediction_logged_twice_is_one_row(log):
    log.predict(1, 0.1, id="same")
    log.predict(2, 0.9, id="same")
    seen = Observations(log)
    seen.refresh()
    log.predict(3, 0.5, id="same")
    seen.refresh()
    assert seen.window("lateness", 0, EVER).output.tolist() == [0.1]


def test_a_feature_may_appear_later_or_change_its_type(log):
    log.predict(1, features={"new": None})
    log.predict(2, features={})
    seen = Observations(log)
    seen.refresh()
    log.predict(3, features={"new": 4, "odd": 1.0})
    seen.refresh()
    log.predict(4, features={"new": "four", "odd": True})
    seen.refresh()
    log.predict(5, features={})
    seen.refresh()
    features = seen.window("lateness", 0, EVER).features
    np.testing.assert_equal(features["new"], [np.nan, np.nan, 4.0, np.nan, np.nan])
    np.testing.assert_equal(features["odd"], [np.nan, np.nan, 1.0, 1.0, np.nan])


def test_other_models_have_rows_of_their_own(log):
    log.predict(1, model="a")
    log.predict(2, model="b")
    seen = Observations(log)
    seen.refresh()
    assert seen.models() == ["a", "b"]
    assert seen.window("a", 0, EVER).at.tolist() == [1]


def test_both_versions_of_a_rollout_are_known_on_every_row_they_scored(log):
    log.predict(1, 0.1, version=1, other_version=2, other_output=0.2, rollout="r1")
    log.predict(2, 0.3, version=2, arm="challenger", other_version=1, other_output=0.4, rollout="r1")
    log.predict(3, 0.5, version=1)
    seen = Observations(log)
    seen.refresh()
    window = seen.window("lateness", 0, EVER)
    np.testing.assert_equal(window.prediction_of(1), [0.1, 0.4, 0.5])
    np.testing.assert_equal(window.prediction_of(2), [0.2, 0.3, np.nan])
    assert window.of_rollout("r1").at.tolist() == [1, 2]
    assert len(window.of_rollout("r9")) == 0


def test_old_rows_are_forgotten_and_their_labels_with_them(log):
    seen = Observations(log, keep=10 * DAY)
    for day in range(100):
        log.predict(day * DAY, features={"delay": float(day), "origin": str(day)})
        if day % 7 == 0:
            seen.refresh()
    seen.refresh()
    for number in range(100):
        log.label(f"p{number}", float(number), 0)
    seen.refresh()
    window = seen.window("lateness", 0, EVER)
    assert 10 <= len(window) <= 20
    assert window.at[-1] == 99 * DAY
    assert (window.label == window.at / DAY).all()
    assert (window.features["delay"] == window.at / DAY).all()


def test_at_most_so_many_rows_are_kept(log):
    seen = Observations(log, most=50)
    for at in range(400):
        log.predict(at)
        if at % 20 == 0:
            seen.refresh()
    seen.refresh()
    window = seen.window("lateness", 0, EVER)
    assert len(window) <= 70
    assert window.at[-1] == 399


@given(
    st.lists(
        st.tuples(st.sampled_from(["predict", "label", "refresh"]), st.integers(0, 30), st.integers(0, 1)), max_size=60
    )
)
@settings(deadline=None)
def test_however_it_was_refreshed_a_restart_sees_the_same(steps):
    from types import SimpleNamespace as Row

    class Lists:
        def __init__(self):
            self.p, self.f = [], []

        def predictions(self, after):
            return self.p[after + 1 :], len(self.p) - 1

        def feedback(self, after):
            return self.f[after + 1 :], len(self.f) - 1

    log = Lists()
    seen = Observations(log)
    for verb, number, label in steps:
        if verb == "predict":
            log.p.append(
                Row(prediction_id=str(number), model="m", version=1, arm="champion", at=number, key="k", features={},
                    output=0.5, latency=1.0, other_version=None, other_output=None, rollout=None)
            )  # fmt: skip
        elif verb == "label" and any(row.prediction_id == str(number) for row in log.p):
            log.f.append(Row(prediction_id=str(number), at=number, label=float(label)))
        elif verb == "refresh":
            seen.refresh()
    seen.refresh()
    again = Observations(log)
    again.refresh()
    ours, theirs = seen.window("m", 0, 99), again.window("m", 0, 99)
    assert ours.at.tolist() == theirs.at.tolist()
    np.testing.assert_equal(ours.label, theirs.label)
