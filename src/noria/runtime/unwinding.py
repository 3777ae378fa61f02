"""How a workflow is left before its end: neither is an `Exception`, so no workflow's `except Exception` stops it."""

from __future__ import annotations

from noria.core.errors import StorageFull, Unavailable
from noria.core.units import Duration

INTERRUPTIONS = (Unavailable, StorageFull)
"""Errors that say nothing about the step: it has not failed but is taken up again later."""


class Suspend(BaseException):
    """The run has been put away. `pause`: it is only a retry, due after this time."""

    def __init__(self, why: str, *, pause: Duration | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.pause = pause


class Halt(BaseException):
    """The run may not go on; `why` is what a person will be told."""

    def __init__(self, why: str, *, deterministic: bool = True) -> None:
        super().__init__(why)
        self.why = why
        self.deterministic = deterministic
