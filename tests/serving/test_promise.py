"""Results that somebody else will have in a moment."""

from __future__ import annotations

import asyncio

import pytest

from noria.serving.promise import Promise


def test_it_is_told_when_it_is_kept_or_at_once_when_it_is_there_already() -> None:
    heard: list[object] = []
    promise: Promise[int] = Promise()
    promise.into(lambda value: value + 1).into(str).then(heard.append)
    assert heard == []
    promise.keep(1)
    assert heard == ["2"]
    promise.then(heard.append)
    assert heard == ["2", "2"]


def test_an_error_is_mended_wherever_it_comes_from() -> None:
    heard: list[str] = []
    for number, change in ((0, str), (1, lambda value: 1 // value)):
        promise: Promise[str] = Promise()
        promise.into(change).mend = lambda error: type(error).__name__
        promise.then(heard.append)
        promise.fail(KeyError()) if number == 0 else promise.keep(0)
    assert heard == ["KeyError", "ZeroDivisionError"]


def test_it_can_be_awaited_before_and_after() -> None:
    async def wait() -> None:
        promise: Promise[int] = Promise()
        waiting = asyncio.ensure_future(promise.into(lambda value: value * 2))
        await asyncio.sleep(0)
        promise.keep(21)
        assert await waiting == 42
        assert await promise == 42
        broken: Promise[int] = Promise()
        broken.fail(ValueError("no"))
        with pytest.raises(ValueError, match="no"):
            await broken

    asyncio.run(wait())


def test_who_waited_may_have_gone() -> None:
    async def leave() -> None:
        promise: Promise[int] = Promise()
        waiting = asyncio.ensure_future(promise)
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0)
        promise.keep(1)
        assert await promise == 1

    asyncio.run(leave())
