"""How a row is answered: check it, look its features up, score, log, and only then tell."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from noria.core.clock import monotonic
from noria.core.ids import Ids
from noria.serving.inputs import Inputs, finite, read_inputs
from noria.serving.later import Both, score_both
from noria.serving.lineup import Lineup
from noria.serving.log import PredictionLog
from noria.serving.metrics import Metrics
from noria.serving.model import Arm, BadPayload, IdTaken, PredictionRecord
from noria.serving.rows import Ask
from noria.serving.scoring import score_row

_log = logging.getLogger(__name__)


class Endpoint:
    """Answers rows with a lineup. Called from one thread; a call never waits for another process."""

    def __init__(
        self,
        log: PredictionLog,
        ids: Ids,
        metrics: Metrics,
    ) -> None:
        self._log = log
        self._ids = ids
        self._metrics = metrics

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
        answers: dict[str, PredictionRecord] = {}
        order, new = [], []
        for ask in asks:
            prediction_id = ask.prediction_id or self._ids.new(lineup.routing.model)
            order.append(prediction_id)
            if ask.prediction_id is not None and prediction_id not in answers:
                earlier = self._log.find(prediction_id)
                if earlier is not None:
                    answers[prediction_id] = _same_model(earlier, lineup)
            if prediction_id not in answers:
                answers[prediction_id] = self._row(lineup, ask.row, prediction_id, now, started)
                new.append(answers[prediction_id])
        self._keep(new)
        return [answers[prediction_id] for prediction_id in order]

    def _keep(self, records: list[PredictionRecord]) -> None:
        try:
            self._log.append_many(records)
        except OverflowError:
            raise BadPayload("a whole number of the row does not fit into 64 bits") from None
        for record in records:
            self._metrics.answered(record.model, record.version, record.arm, record.latency / 1e6)

    def _row(
        self, lineup: Lineup, row: Mapping[str, Any], prediction_id: str, now: int, started: float
    ) -> PredictionRecord:
        inputs = read_inputs(lineup.champion, row, now)
        output = finite(lineup.champion, score_row(lineup.champion, inputs.features))
        challenger = self._challenge(lineup, row, now, inputs) if lineup.challenger is not None else (None, None)
        return _record(lineup, (inputs, output, *challenger), prediction_id, now, started)

    def _challenge(
        self, lineup: Lineup, row: Mapping[str, Any], now: int, seen: Inputs
    ) -> tuple[Inputs | None, float | None]:
        """The challenger's answer; None when there is no challenger or it fails: it must never hurt anybody."""
        challenger = lineup.challenger
        if challenger is None:
            return None, None
        try:
            inputs = seen if lineup.same_inputs else read_inputs(challenger, row, now)
            return inputs, finite(challenger, score_row(challenger, inputs.features))
        except Exception as error:
            self._metrics.failed("challenger")
            _log.warning("challenger %s of %s failed: %s", challenger.number, lineup.routing.model, error)
            return None, None

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
            _record(lineup, both, prediction_id, now, started)
            for prediction_id, both in zip(new, scored, strict=True)
            if prediction_id not in answers
        ]
        self._keep(fresh)
        answers |= {one.prediction_id: one for one in fresh}
        return [answers[prediction_id] for prediction_id, _ in wanted]

    def _earlier(self, lineup: Lineup, wanted: Sequence[tuple[str, Ask]]) -> dict[str, PredictionRecord]:
        given = (prediction_id for prediction_id, ask in wanted if ask.prediction_id is not None)
        found = ((prediction_id, self._log.find(prediction_id)) for prediction_id in dict.fromkeys(given))
        return {prediction_id: _same_model(one, lineup) for prediction_id, one in found if one is not None}


def _record(lineup: Lineup, both: Both, prediction_id: str, now: int, started: float) -> PredictionRecord:
    inputs, output, challenger, other = both
    key = str(inputs.request[lineup.champion.package.inputs.key])
    arm: Arm = "champion" if challenger is None else lineup.arm(key)
    version, other_version = lineup.champion.number, None
    if lineup.challenger is not None and challenger is not None and other is not None:
        other_version = lineup.challenger.number
        if arm == "challenger":
            inputs, output, other = challenger, other, output
            version, other_version = other_version, version
    return PredictionRecord(
        prediction_id=prediction_id,
        model=lineup.routing.model,
        version=version,
        arm=arm,
        at=now,
        key=key,
        request=inputs.request,
        features=inputs.features,
        output=output,
        latency=(monotonic() - started) * 1e6,
        other_version=other_version,
        other_output=other,
        rollout=lineup.routing.rollout,
    )


def _same_model(earlier: PredictionRecord, lineup: Lineup) -> PredictionRecord:
    if earlier.model != lineup.routing.model:
        raise IdTaken(
            f"prediction id {earlier.prediction_id!r} belongs to an answer of model {earlier.model!r}",
            hint="ids are unique over all models of a server; put the model's name into them",
        )
    return earlier
