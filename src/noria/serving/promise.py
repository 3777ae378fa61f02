"""A result that somebody else will have in a moment: what an awaitable is, at a tenth of a task's cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")
U = TypeVar("U")


class Promise(Generic[T]):
    """Kept once, by `keep` or `fail`; told once, to `then` or to whoever awaits it. For one thread.

    `mend` makes a result of an error; without it, only those who await it can be told of one.
    """

    __slots__ = ("_changes", "_error", "_kept", "_then", "_value", "_waiting", "mend")

    def __init__(self) -> None:
        self.mend: Callable[[Exception], T] | None = None
        self._changes: list[Callable[[Any], Any]] = []
        self._then: Callable[[T], None] | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._kept = False
        self._value: Any = None
        self._error: Exception | None = None

    def into(self, change: Callable[[T], U]) -> Promise[U]:
        """The promise of what `change` makes of the result: this very object. It is called when the result is there."""
        self._changes.append(change)
        return cast("Promise[U]", self)

    def then(self, told: Callable[[T], None]) -> None:
        """Have the result told: at once if it is there."""
        if self._kept:
            told(self._result())
        else:
            self._then = told

    def keep(self, value: Any) -> None:
        """This is the result, before any change."""
        self._kept, self._value = True, value
        self._tell()

    def fail(self, error: Exception) -> None:
        """There is none but this error."""
        self._kept, self._error = True, error
        self._tell()

    def __await__(self) -> Generator[Any, None, T]:
        if not self._kept:
            self._waiting = asyncio.get_running_loop().create_future()
            yield from self._waiting
        return self._result()

    def _tell(self) -> None:
        if self._then is not None:
            self._then(self._result())
        elif self._waiting is not None and not self._waiting.done():  # whoever waited may have gone
            self._waiting.set_result(None)

    def _result(self) -> T:
        try:
            if self._error is not None:
                raise self._error
            value = self._value
            for change in self._changes:
                value = change(value)
            return cast("T", value)
        except Exception as error:
            if self.mend is None:
                raise
            return self.mend(error)
