"""One bad window is watched; several in a row are an alarm; blindness is neither."""

from noria.monitoring.model import MonitorState
from noria.monitoring.standing import Standing, advanced

DAY = 86_400_000_000


def walk(*seen, step=DAY, persistence=2):
    standing, states = Standing(version=1), []
    for number, beyond in enumerate(seen):
        standing = advanced(standing, beyond, (number + 1) * step, persistence=persistence, period=DAY)
        states.append(standing.state.value)
    return states


def test_a_single_bad_window_is_only_watched():
    assert walk(False, True, False, True, False) == ["ok", "watch", "ok", "watch", "ok"]


def test_bad_windows_in_a_row_alarm_and_a_good_one_clears():
    assert walk(True, True, True, False) == ["watch", "alarm", "alarm", "ok"]


def test_looking_more_often_does_not_alarm_sooner():
    assert walk(*[True] * 30, step=DAY // 24).index("alarm") == 24


def test_a_blind_window_neither_clears_nor_counts():
    assert walk(True, None, True, None, True) == ["watch", "blind", "alarm", "blind", "alarm"]


def test_the_past_changes_nothing():
    now = Standing(1, MonitorState.ALARM, True, 2, 5 * DAY, 5 * DAY)
    assert advanced(now, False, 4 * DAY, persistence=2, period=DAY) == now
