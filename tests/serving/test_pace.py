"""When a model leaves the event loop, and when it may come back."""

from __future__ import annotations

from noria.serving.pace import Pace


def test_a_slow_model_leaves_and_a_fast_one_returns() -> None:
    pace = Pace(50e-6)
    assert pace.inline
    for _ in range(200):
        pace.took(500e-6)
    assert not pace.inline
    for _ in range(200):
        pace.took(100e-6)
    assert pace.inline
    assert not Pace(400e-6).inline
    assert not Pace(inline=False).inline


def test_one_long_run_changes_nothing() -> None:
    pace = Pace(100e-6)
    pace.took(1.0)
    assert pace.inline
    assert pace.seconds < 150e-6


def test_one_run_in_sixty_four_is_measured() -> None:
    pace = Pace()
    assert sum(pace.due() for _ in range(640)) == 10
