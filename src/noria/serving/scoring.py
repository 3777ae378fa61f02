"""One version's outputs: at once where it takes microseconds, else from its lane; remembered where declared."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from math import isfinite
from typing import Any

from noria.core.clock import thread_seconds
from noria.serving.caching import PredictionCache
from noria.serving.inputs import not_finite
from noria.serving.lineup import Loaded

_log = logging.getLogger(__name__)
Row = Mapping[str, Any]


def score_row(loaded: Loaded, features: Row) -> float:
    """The output for one row, on the caller's thread."""
    cache = loaded.cache
    if cache is None:
        return _run(loaded, features)
    key = cache.key(features)
    found = cache.get(key)
    cache.looked(found is not None, found is None)
    if found is None:
        found = _run(loaded, features)
        cache.put(key, found)
    return found


def score_rows(loaded: Loaded, rows: Sequence[Row]) -> list[float | Exception]:
    """The outputs for rows, on the caller's thread, in one run; for a row that the model refuses its error.

    An output that is not finite is a BadAnswer.
    """
    if len(rows) > 1 and loaded.cache is None:
        try:
            return [one if isfinite(one) else not_finite(loaded, one) for one in _run_many(loaded, rows)]
        except Exception:  # one of them may have spoilt it for the others
            _log.debug("%d rows of %s are run one by one", len(rows), loaded.model, exc_info=True)
    return [_tried(loaded, row) for row in rows]


def _tried(loaded: Loaded, row: Row) -> float | Exception:
    try:
        output = score_row(loaded, row)
    except Exception as error:
        return error
    return output if isfinite(output) else not_finite(loaded, output)


async def score_later(loaded: Loaded, rows: Sequence[Row], priority: int = 0) -> list[float]:
    """The outputs for rows, in their order. Raises what the lane raises, and what keeps a version out of memory."""
    if loaded.seat is not None:
        if not rows:
            return []
        async with loaded.seat.held() as present:
            return await score_later(present, rows, priority)
    if loaded.pace.inline and (loaded.cache is None or loaded.cache.shared is None):
        return [score_row(loaded, row) for row in rows]
    if loaded.cache is None:
        return await asyncio.wrap_future(loaded.queue().ask(rows, priority))
    return await _remembered(loaded, loaded.cache, rows, priority)


def _run(loaded: Loaded, features: Row) -> float:
    pace = loaded.pace
    if not pace.due():
        return loaded.scorer.predict_row(features)
    began = thread_seconds()
    output = loaded.scorer.predict_row(features)
    pace.took(thread_seconds() - began)
    return output


def _run_many(loaded: Loaded, rows: Sequence[Row]) -> list[float]:
    pace = loaded.pace
    if not pace.due():
        return loaded.scorer.predict_rows(rows)
    began = thread_seconds()
    outputs = loaded.scorer.predict_rows(rows)
    pace.took((thread_seconds() - began) / len(rows))
    return outputs


async def _remembered(loaded: Loaded, cache: PredictionCache, rows: Sequence[Row], priority: int) -> list[float]:
    """What is known is not asked again, nor what somebody asks at this moment."""
    keys = [cache.key(row) for row in rows]
    known = {key: found for key in keys if (found := cache.get(key)) is not None}
    cache.looked(sum(key in known for key in keys), sum(key not in known for key in keys))
    wanted = {key: row for key, row in zip(keys, rows, strict=True) if key not in known}
    joined = {key: cache.flights[key] for key in wanted if key in cache.flights}
    mine = {key: row for key, row in wanted.items() if key not in joined}
    flights: dict[bytes, Future[float]] = {key: Future() for key in mine}
    cache.flights.update(flights)
    joined |= flights
    if mine:  # in a task of its own: a caller who hangs up must not spoil it for those who have joined
        leading = asyncio.ensure_future(_lead(loaded, cache, mine, flights, priority))
        cache.tasks.add(leading)
        leading.add_done_callback(cache.tasks.discard)
    for key, flight in joined.items():
        known[key] = await asyncio.shield(asyncio.wrap_future(flight))
    return [known[key] for key in keys]


async def _lead(
    loaded: Loaded, cache: PredictionCache, mine: dict[bytes, Row], flights: dict[bytes, Future[float]], priority: int
) -> None:
    try:
        found = await _shared(cache, list(mine))
        left = [key for key in mine if key not in found]
        if loaded.pace.inline:
            fresh = {key: _run(loaded, mine[key]) for key in left}
        else:
            outputs = await asyncio.wrap_future(loaded.queue().ask([mine[key] for key in left], priority))
            fresh = dict(zip(left, outputs, strict=True))
        for key, output in {**found, **fresh}.items():
            cache.put(key, output)
            flights[key].set_result(output)
        if cache.shared is not None and fresh:
            await asyncio.to_thread(cache.shared.put_many, fresh)
    except BaseException as error:
        for flight in flights.values():
            if not flight.done():
                flight.set_exception(error)
        if not isinstance(error, Exception):
            raise
    finally:
        for key in mine:
            with suppress(KeyError):
                del cache.flights[key]


async def _shared(cache: PredictionCache, keys: list[bytes]) -> dict[bytes, float]:
    if cache.shared is None:
        return {}
    found = await asyncio.to_thread(cache.shared.get_many, keys)
    return {key: one for key, one in zip(keys, found, strict=True) if one is not None}
