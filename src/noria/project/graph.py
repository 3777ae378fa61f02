"""Graphs as they are said: `project.sequence(...)` and `project.ensemble(...)`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from noria.serving.graphs.model import Kind


@dataclass(frozen=True)
class Graph:
    """A served name whose answers are made of others'. `steps` are models, graphs or their names, as they were said."""

    name: str
    kind: Kind
    steps: tuple[object, ...]
    combine: object = "mean"
    weights: object = None
    threshold: object = 0.5
    before: Callable[..., Any] | None = None
    after: Callable[..., Any] | None = None

    @property
    def functions(self) -> list[Callable[..., Any]]:
        """Those that stand before and after it."""
        return [one for one in (self.before, self.after) if callable(one)]
