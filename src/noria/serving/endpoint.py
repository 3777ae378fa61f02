"""How a row is answered: check it, look its features up, score, log, and only then tell."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from noria.core.clock import monotonic
from noria.core.ids import Ids
from noria.serving.lineup import Lineup, Loaded
from noria.serving.log import PredictionLog
from noria.serving.metrics import Metrics
from noria.serving.model import BadAnswer, BadPayload, IdTaken, PredictionRecord
from noria.serving.rows import Ask

_log = logging.getLogger(__name__)


class _Scored(msgspec.Struct, frozen=True):
    """What one version makes of a row."""

    version: int
    request: dict[str, Any]
    features: dict[str, Any]
    output: float


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

    def answer(self, lineup: Lineup, asks: Sequence[Ask], now: int, started: float) -> list[PredictionRecord]:
        """Answers in the order of the rows, every one of them in the log already.

        `now` is the moment whose features are used, `started` the request's arrival on the monotonic clock.
        A row whose id was answered before gets that answer again. Raises BadRequestRow when any row does not
        fit (none is answered then), BadAnswer, StorageFull, IdTaken.
        """
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
        champion = self._score(lineup.champion, row, now, None)
        key = str(champion.request[lineup.champion.package.inputs.key])
        challenger = self._challenge(lineup, row, now, champion)
        arm = lineup.arm(key) if challenger is not None else "champion"
        first, other = (champion, challenger) if arm == "champion" or challenger is None else (challenger, champion)
        return PredictionRecord(
            prediction_id=prediction_id,
            model=lineup.routing.model,
            version=first.version,
            arm=arm,
            at=now,
            key=key,
            request=first.request,
            features=first.features,
            output=first.output,
            latency=(monotonic() - started) * 1e6,
            other_version=other.version if other else None,
            other_output=other.output if other else None,
            rollout=lineup.routing.rollout,
        )

    def _challenge(self, lineup: Lineup, row: Mapping[str, Any], now: int, champion: _Scored) -> _Scored | None:
        """The challenger's answer; None when there is no challenger or it fails: it must never hurt anybody."""
        if lineup.challenger is None:
            return None
        try:
            return self._score(lineup.challenger, row, now, champion if lineup.same_inputs else None)
        except Exception as error:
            self._metrics.failed("challenger")
            _log.warning("challenger %s of %s failed: %s", lineup.challenger.number, lineup.routing.model, error)
            return None

    def _score(self, loaded: Loaded, row: Mapping[str, Any], now: int, seen: _Scored | None) -> _Scored:
        """What a version answers; `seen` carries the inputs when another version has just looked up the same."""
        request, features = _inputs(loaded, row, now) if seen is None else (seen.request, seen.features)
        output = loaded.scorer.predict_row(features)
        if not math.isfinite(output):
            raise BadAnswer(f"version {loaded.number} of {loaded.model!r} answered {output}, which is no finite number")
        return _Scored(loaded.number, request, features, output)


def _inputs(loaded: Loaded, row: Mapping[str, Any], now: int) -> tuple[dict[str, Any], dict[str, Any]]:
    request = loaded.vectorizer.read(row, now)
    try:
        return request, loaded.vectorizer.vector(request, now)
    except (OverflowError, ValueError) as error:
        raise BadPayload(f"the row holds a value that features cannot be made of: {error}") from error


def _same_model(earlier: PredictionRecord, lineup: Lineup) -> PredictionRecord:
    if earlier.model != lineup.routing.model:
        raise IdTaken(
            f"prediction id {earlier.prediction_id!r} belongs to an answer of model {earlier.model!r}",
            hint="ids are unique over all models of a server; put the model's name into them",
        )
    return earlier
