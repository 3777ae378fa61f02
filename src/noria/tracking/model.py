"""What tracking speaks of: a run, with its values and metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from noria.core.clock import Micros

RunState = Literal["running", "finished", "failed"]


@dataclass(frozen=True)
class Run:
    """One thing that was run for a model: what it was given, and what it measured."""

    id: str
    model: str
    kind: str
    state: RunState
    started: Micros
    ended: Micros | None
    inputs: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    note: str = ""
