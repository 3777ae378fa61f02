"""How rows are answered: check them, look their features up, score, log, and only then tell.

Whatever is asked within one turn of the event loop is answered together: one run of the model, one write of the log.
Nobody waits for that, because the turn has read all of it before anything could be written anyway.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

from noria.core.clock import monotonic
from noria.core.errors import NoriaError
from noria.core.ids import Ids
from noria.serving.asked import ALONE, Asked, Other, record_of, same_model
from noria.serving.inputs import Inputs, read_inputs
from noria.serving.later import challenger_failed, challengers_inputs, score_both
from noria.serving.lineup import Lineup, Loaded
from noria.serving.metrics import Metrics
from noria.serving.model import BadPayload, PredictionRecord
from noria.serving.promise import Promise
from noria.serving.rows import Ask
from noria.serving.scoring import score_rows

_log = logging.getLogger(__name__)
_MOST_TOGETHER = 32
"""Rows gathered before they are answered within the turn: the first of them should not wait for a thousand others."""


class Keeper(Protocol):
    """Where answers are kept before they are told: the prediction log."""

    def find(self, prediction_id: str) -> PredictionRecord | None:
        """The answer that an id was given before, or None."""
        ...

    def append_many(self, records: Sequence[PredictionRecord], *, new: bool = False) -> None:
        """Keep answers, all or none; `new` says that none of the ids can be there already. Raises StorageFull."""
        ...


class Endpoint:
    """Answers rows with a lineup. Called from one thread; a call never waits for another process."""

    def __init__(
        self,
        log: Keeper,
        ids: Ids,
        metrics: Metrics,
    ) -> None:
        self._log = log
        self._ids = ids
        self._metrics = metrics
        self._group: list[Asked] = []
        self._rows = 0

    def answer(
        self, lineup: Lineup, asks: Sequence[Ask], now: int, started: float, priority: int = 0
    ) -> list[PredictionRecord] | Awaitable[list[PredictionRecord]]:
        """Answers in the order of the rows, every one of them in the log already.

        `now` is the moment whose features are used, `started` the request's arrival on the monotonic clock.
        A row whose id was answered before gets that answer again. Raises BadRequestRow when any row does not
        fit (none is answered then), BadAnswer, StorageFull, IdTaken. Where a version must be waited for, what is
        given is to be awaited, and also raises Overloaded and WorkerDied; `priority` then says who goes first.
        """
        if lineup.waits:
            return self._later(lineup, asks, now, started, priority)
        asked = self._read(lineup, asks, now, started)
        self._settle([asked])
        return asked.replies()

    def begin(
        self, lineup: Lineup, asks: Sequence[Ask], now: int, started: float
    ) -> Promise[Sequence[PredictionRecord]]:
        """The same together with others of this turn, for a lineup that does not wait.

        Raises what can be seen at once: BadRequestRow, IdTaken.
        """
        asked = self._read(lineup, asks, now, started)
        promise: Promise[Sequence[PredictionRecord]] = Promise()
        asked.promise = promise
        self._group.append(asked)
        self._rows += len(asked.new)
        if len(self._group) == 1:
            _in_this_turn(self._answer_group)
        if self._rows >= _MOST_TOGETHER:
            self._answer_group()
        return promise

    def _taken(self) -> list[Asked]:
        group, self._group, self._rows = self._group, [], 0
        return group

    def _answer_group(self) -> None:
        group = self._taken()
        try:
            self._settle(group)
        except Exception as error:  # whoever asked must hear something
            for asked in group:
                asked.error = error
        for asked in group:
            try:
                asked.tell()
            except Exception:  # the others are to hear theirs
                _log.exception("an answer could not be told")

    def _read(self, lineup: Lineup, asks: Sequence[Ask], now: int, started: float) -> Asked:
        asked = Asked(lineup, now, started)
        for ask in asks:
            name = ask.prediction_id
            if name is None:
                name = self._ids.new(lineup.routing.model)
            else:
                asked.given = True
                earlier = self._log.find(name)
                if earlier is not None:
                    asked.known[name] = same_model(earlier, lineup)
            asked.ids.append(name)
            if not asked.given or (name not in asked.known and name not in asked.new):
                asked.inputs.append(read_inputs(lineup.champion, ask.row, now))
                asked.new.append(name)
                asked.rows.append(ask.row)
        return asked

    def _settle(self, group: Sequence[Asked]) -> None:
        """Answers or errors for all, what is answered in the log."""
        for lineup, same in by_lineup(group):
            self._score(lineup, same)
        self._keep(group)

    def _score(self, lineup: Lineup, group: Sequence[Asked]) -> None:
        inputs = group[0].inputs if len(group) == 1 else [one for asked in group for one in asked.inputs]
        outputs = score_rows(lineup.champion, [one.features for one in inputs])
        challenger = lineup.challenger
        others = None if challenger is None else self._challenge(lineup, challenger, group, inputs)
        finished, start = monotonic(), 0
        for asked in group:
            until = start + len(asked.inputs)
            asked.answered(outputs[start:until], others and others[start:until], finished)
            start = until

    def _challenge(
        self, lineup: Lineup, challenger: Loaded, group: Sequence[Asked], inputs: Sequence[Inputs]
    ) -> list[Other]:
        """The challenger's answers, none for a row where it fails: it must never hurt anybody."""
        rows = ((asked.now, row) for asked in group for row in asked.rows)
        seen = list(inputs) if lineup.same_inputs else challengers_inputs(lineup, rows, self._metrics)
        outputs = iter(score_rows(challenger, [one.features for one in seen if one is not None]))
        found: list[Other] = []
        for known in seen:
            output = None if known is None else next(outputs)
            if isinstance(output, Exception):
                challenger_failed(lineup, output, self._metrics)
                output = None
            found.append(ALONE if output is None else (known, output))
        return found

    def _keep(self, group: Sequence[Asked]) -> None:
        given = any(asked.given for asked in group)
        if given:
            self._join(group)
        try:
            self._write([one for asked in group for one in asked.fresh], new=not given)
        except Exception as error:
            if len(group) > 1:  # it may be one's fault alone
                for asked in group:
                    self._keep([asked])
            elif group[0].fresh:
                group[0].error = misfit() if isinstance(error, OverflowError) else error

    def _write(self, records: list[PredictionRecord], *, new: bool) -> None:
        if records:
            self._log.append_many(records, new=new)
            self._metrics.answered(records)

    def _join(self, group: Sequence[Asked]) -> None:
        """One answer for an id that several ask for at the same time."""
        seen: dict[str, PredictionRecord] = {}
        for asked in group:
            fresh = []
            for record in asked.fresh:
                earlier = seen.get(record.prediction_id) or self._log.find(record.prediction_id)
                if earlier is None:
                    seen[record.prediction_id] = record
                    fresh.append(record)
                    continue
                try:
                    asked.known[record.prediction_id] = same_model(earlier, asked.lineup)
                except NoriaError as error:
                    asked.error = error
            asked.fresh = fresh if asked.error is None else []

    async def _later(
        self, lineup: Lineup, asks: Sequence[Ask], now: int, started: float, priority: int
    ) -> list[PredictionRecord]:
        """The same where a version must be waited for."""
        wanted = [(ask.prediction_id or self._ids.new(lineup.routing.model), ask) for ask in asks]
        answers = self._earlier(lineup, wanted)
        new = {prediction_id: ask.row for prediction_id, ask in reversed(wanted) if prediction_id not in answers}
        new = dict(reversed(new.items()))
        scored = await score_both(lineup, list(new.values()), now, priority, self._metrics)
        answers |= self._earlier(lineup, wanted)  # somebody else may have been given the same id meanwhile
        fresh = [
            record_of(lineup, both, prediction_id, now, monotonic() - started)
            for prediction_id, both in zip(new, scored, strict=True)
            if prediction_id not in answers
        ]
        try:
            self._write(fresh, new=False)
        except OverflowError:
            raise misfit() from None
        answers |= {one.prediction_id: one for one in fresh}
        return [answers[prediction_id] for prediction_id, _ in wanted]

    def _earlier(self, lineup: Lineup, wanted: Sequence[tuple[str, Ask]]) -> dict[str, PredictionRecord]:
        given = (prediction_id for prediction_id, ask in wanted if ask.prediction_id is not None)
        found = ((prediction_id, self._log.find(prediction_id)) for prediction_id in dict.fromkeys(given))
        return {prediction_id: same_model(one, lineup) for prediction_id, one in found if one is not None}


def _in_this_turn(call: Callable[[], Any]) -> None:
    """Call when the running loop has read what lies there to be read; where none runs, now."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        call()
    else:
        loop.call_soon(call)


def by_lineup(group: Sequence[Asked]) -> Iterable[tuple[Lineup, Sequence[Asked]]]:
    """Those who ask the same lineup at the same moment: mostly all."""
    first = group[0].lineup if group else None
    if first is not None and all(asked.lineup is first for asked in group):
        return [(first, group)]
    found: dict[int, list[Asked]] = {}
    for asked in group:
        found.setdefault(id(asked.lineup), []).append(asked)
    return [(same[0].lineup, same) for same in found.values()]


def misfit() -> BadPayload:
    """What is wrong with a record that cannot be written."""
    return BadPayload("a whole number of the row does not fit into 64 bits")
