"""A short run of what `make fuzz` runs for ten minutes."""

from __future__ import annotations

import asyncio

from fuzz import fuzz


def test_mutated_bodies_are_answered_or_refused() -> None:
    assert asyncio.run(fuzz(seed=7, most=4000)) == 4000
