"""The monitors' view of the prediction log: the last days of it in memory, kept up to date row by row.

The log itself belongs to serving; anything that can tell its predictions and its feedback after a position
will do (`Records`). Everything here can be lost: after a restart it is read again from the log.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from noria.core.clock import Micros
from noria.monitoring.columns import ARRAYS, Feature, Growing, Names, Window, feature_for

DAY = 86_400_000_000


class PredictionRow(Protocol):
    """What is needed of one answered row."""

    @property
    def prediction_id(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def arm(self) -> str: ...
    @property
    def at(self) -> Micros: ...
    @property
    def key(self) -> str: ...
    @property
    def features(self) -> Mapping[str, Any]: ...
    @property
    def output(self) -> float: ...
    @property
    def latency(self) -> float: ...
    @property
    def other_version(self) -> int | None: ...
    @property
    def other_output(self) -> float | None: ...
    @property
    def rollout(self) -> str | None: ...


class FeedbackRow(Protocol):
    """What is needed of one label."""

    @property
    def prediction_id(self) -> str: ...
    @property
    def at(self) -> Micros: ...
    @property
    def label(self) -> float | None: ...


class Records(Protocol):
    """A log that can be read from a position on; each call gives what is newer, and the newest position.

    Positions grow; -1 is before the first.
    """

    def predictions(self, after: int) -> tuple[Sequence[PredictionRow], int]: ...
    def feedback(self, after: int) -> tuple[Sequence[FeedbackRow], int]: ...


class Observations:
    """The last `keep` microseconds of predictions with their labels, by model.

    At most `most` rows a model are kept, the newest; a row takes about 8 bytes a feature and 200 for itself.
    """

    def __init__(self, records: Records, *, keep: int = 60 * DAY, most: int = 1_000_000) -> None:
        self._records = records
        self._keep = keep
        self._most = most
        self._seen_predictions = -1
        self._seen_feedback = -1
        self._models: dict[str, _Rows] = {}
        self._model_of: dict[str, _Rows] = {}
        self._early: list[FeedbackRow] = []

    def refresh(self) -> int:
        """Take in what the log has gained; gives the number of new predictions and labels.

        Feedback is read first: whatever it answers is then surely among the predictions read after it.
        """
        feedback, newest_feedback = self._records.feedback(self._seen_feedback)
        predictions, newest_prediction = self._records.predictions(self._seen_predictions)
        by_model: dict[str, list[PredictionRow]] = defaultdict(list)
        for row in predictions:
            by_model[row.model].append(row)
        for model, rows in by_model.items():
            self._take(model, rows)
        waiting, self._early = self._early, []
        for label in waiting:
            self._label(label)
        self._early = [label for label in feedback if not self._label(label)]  # tried once more, next time
        self._seen_predictions, self._seen_feedback = newest_prediction, newest_feedback
        return len(predictions) + len(feedback)

    def models(self) -> list[str]:
        """Models with predictions."""
        return sorted(self._models)

    def window(self, model: str, since: Micros, until: Micros) -> Window:
        """The rows of `model` answered in `[since, until)`, oldest first; none for an unknown model."""
        rows = self._models.get(model)
        return (rows or _Rows()).window(since, until)

    def _take(self, model: str, added: Sequence[PredictionRow]) -> None:
        rows = self._models.setdefault(model, _Rows())
        new = {row.prediction_id: row for row in reversed(added) if row.prediction_id not in self._model_of}
        rows.append(list(reversed(new.values())))
        self._model_of.update(dict.fromkeys(new, rows))
        for gone in rows.forget(self._keep, self._most):
            self._model_of.pop(gone, None)

    def _label(self, row: FeedbackRow) -> bool:
        """Whether the label has found its prediction, or is none."""
        if row.label is None or math.isnan(row.label):
            return True
        rows = self._model_of.get(row.prediction_id)
        if rows is None:
            return False
        rows.label(row)
        return True


class _Rows:
    """One model's rows: an array a field, an array a feature, and where each prediction id stands."""

    def __init__(self) -> None:
        self.arrays = {name: Growing(*_FIELDS[name]) for name in ARRAYS}
        self.features: dict[str, Feature] = {}
        self.rollouts = Names()
        self.ids: list[str] = []
        self.place: dict[str, int] = {}
        self.dropped = 0

    def append(self, rows: Sequence[PredictionRow]) -> None:
        base = self.dropped + len(self.ids)
        self.ids += [row.prediction_id for row in rows]
        self.place.update((row.prediction_id, base + offset) for offset, row in enumerate(rows))
        for name, value in _VALUES.items():
            self.arrays[name].extend([value(row) for row in rows])
        self.rollouts.extend([row.rollout for row in rows])
        self.arrays["rollout"].extend(self.rollouts.values.view[-len(rows) :] if rows else [])
        self.arrays["label"].pad(len(self.ids))
        self.arrays["labelled_at"].pad(len(self.ids))
        self._append_features(rows)

    def _append_features(self, rows: Sequence[PredictionRow]) -> None:
        before = len(self.ids) - len(rows)
        for name in {name for row in rows for name in row.features} | set(self.features):
            values = [row.features.get(name) for row in rows]
            column = self.features.get(name) or feature_for(values)
            if column is None:
                continue
            column.values.pad(before)
            column.extend(values)
            self.features[name] = column

    def label(self, row: FeedbackRow) -> None:
        place = self.place[row.prediction_id] - self.dropped
        if np.isnan(self.arrays["label"].view[place]):  # the first label counts
            self.arrays["label"].view[place] = row.label
            self.arrays["labelled_at"].view[place] = row.at

    def forget(self, keep: int, most: int) -> list[str]:
        """Drop old rows from the front once they are a quarter of all; gives their prediction ids."""
        at = self.arrays["at"].view
        if not len(at):
            return []
        fresh = at >= at.max() - keep
        old = max(int(np.argmax(fresh)), len(at) - most)
        if old * 4 < len(at):
            return []
        gone, self.ids = self.ids[:old], self.ids[old:]
        self.dropped += old
        for column in (*self.arrays.values(), self.rollouts.values, *(one.values for one in self.features.values())):
            column.drop(old)
        for one in gone:
            del self.place[one]
        return gone

    def window(self, since: Micros, until: Micros) -> Window:
        at = self.arrays["at"].view
        chosen = np.flatnonzero((at >= since) & (at < until))
        chosen = chosen[np.argsort(at[chosen], kind="stable")]
        features: dict[str, Any] = {}
        for name, column in self.features.items():
            values = column.values.view[chosen]
            features[name] = (values, tuple(column.names)) if isinstance(column, Names) else values
        return Window(
            **{name: array.view[chosen] for name, array in self.arrays.items()},
            rollouts=tuple(self.rollouts.names),
            features=features,
        )


_FIELDS: dict[str, tuple[type, float]] = {
    "at": (np.int64, 0), "version": (np.int64, 0), "challenger": (np.bool_, 0), "output": (np.float64, np.nan),
    "latency": (np.float64, np.nan), "other_version": (np.int64, -1), "other_output": (np.float64, np.nan),
    "label": (np.float64, np.nan), "labelled_at": (np.int64, 0), "rollout": (np.int64, -1), "key": (np.int64, 0),
}  # fmt: skip

_VALUES: dict[str, Callable[[PredictionRow], Any]] = {
    "at": lambda row: row.at,
    "version": lambda row: row.version,
    "challenger": lambda row: row.arm == "challenger",
    "output": lambda row: row.output,
    "latency": lambda row: row.latency,
    "other_version": lambda row: -1 if row.other_version is None else row.other_version,
    "other_output": lambda row: np.nan if row.other_output is None else row.other_output,
    "key": lambda row: hash(row.key),
}
