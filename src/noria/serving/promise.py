"""A result that somebody else will have in a moment: what an awaitable is, at a tenth of a task's cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


class Promise(Generic[T]):
    """Kept once, by `keep` or `fail`; told once, to `then` or to whoever awaits it. For one thread.

    `mend` makes a result of an error; without it, only those who await it can be told of one.
    """

    __slots__ = ("_error", "_kept", "_then", "_value", "mend")

    def __init__(self) -> None:
        self.mend: Callable[[Exception], T] | None = None
        self._then: Callable[[], None] | None = None
        self._kept = False
        self._value: T | None = None
        self._error: Exception | None = None

    def then(self, told: Callable[[T], None]) -> None:
        """Have the result told: at once if it is there."""
        if self._kept:
            told(self._result())
        else:
            self._then = lambda: told(self._result())

    def keep(self, value: T) -> None:
        """This is the result."""
        self._kept, self._value = True, value
        if self._then is not None:
            self._then()

    def fail(self, error: Exception) -> None:
        """There is none but this error."""
        self._kept, self._error = True, error
        if self._then is not None:
            self._then()

    def __await__(self) -> Generator[Any, None, T]:
        if not self._kept:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._then = lambda: None if waiting.done() else waiting.set_result(None)  # whoever waited may have gone
            yield from waiting
        return self._result()

    def _result(self) -> T:
        if self._error is None:
            return cast("T", self._value)
        if self.mend is None:
            raise self._error
        return self.mend(self._error)
