"""Labels and outcomes for answered rows: the good ones are kept, each bad one is told about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from noria.core.errors import NoriaError
from noria.serving.log import PredictionLog
from noria.serving.model import FeedbackRecord, UnknownPrediction
from noria.serving.rows import read_feedback


@dataclass(frozen=True)
class Taken:
    """What became of a batch: how many were good, how many of those were new, and the refusals."""

    accepted: int
    new: int
    refused: tuple[tuple[Any, NoriaError], ...]

    @property
    def status(self) -> int:
        """200 when anything was taken; otherwise the first refusal's."""
        return self.refused[0][1].status if self.refused and not self.accepted else 200

    def show(self) -> dict[str, Any]:
        """As JSON. A single refused item has its error at the top too, as other routes do."""
        refused = [
            {"prediction_id": item.get("prediction_id") if isinstance(item, dict) else None, **error.as_dict()}
            for item, error in self.refused
        ]
        error = self.refused[0][1].as_dict() if self.status != 200 else {}
        return {**error, "accepted": self.accepted, "refused": refused}


def take(log: PredictionLog, items: Sequence[Any], at: int) -> Taken:
    """Log the good items in one go; the same label twice is good and changes nothing. Raises StorageFull."""
    good: list[FeedbackRecord] = []
    refused: list[tuple[Any, NoriaError]] = []
    for item in items:
        try:
            good.append(_known(log, read_feedback(item, at)))
        except NoriaError as error:
            refused.append((item, error))
    new = log.append_feedbacks(good)
    return Taken(len(good), new, tuple(refused))


def _known(log: PredictionLog, record: FeedbackRecord) -> FeedbackRecord:
    if record.prediction_id not in log:
        raise UnknownPrediction(
            "prediction", record.prediction_id, hint="feedback names the prediction_id that /predict answered"
        )
    return record
