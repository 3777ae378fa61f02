"""Rows of the prediction log as columns in memory: what the monitors and rollouts compute on.

Numbers are float arrays with NaN for null, strings are integer codes into a list of names with -1 for null,
so that a window of thousands of rows is counted in a few array operations. Rows are only ever appended at the
end and dropped at the front.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.monitoring.bins import Flags, Floats, Ints


class Growing:
    """An array that grows at the end, at amortised constant cost, and can forget its front."""

    def __init__(self, dtype: type, fill: float) -> None:
        self._data: NDArray[Any] = np.empty(64, dtype=dtype)
        self._fill = fill
        self.size = 0

    def extend(self, values: Iterable[Any] | NDArray[Any]) -> None:
        """Append values."""
        added = np.asarray(values, dtype=self._data.dtype)
        self.pad(self.size + len(added))
        self._data[self.size - len(added) : self.size] = added

    def pad(self, size: int) -> None:
        """Grow to `size` with the fill value."""
        if size > len(self._data):
            grown = np.empty(max(size, 2 * len(self._data)), dtype=self._data.dtype)
            grown[: self.size] = self._data[: self.size]
            self._data = grown
        self._data[self.size : size] = self._fill
        self.size = max(self.size, size)

    def drop(self, number: int) -> None:
        """Forget the first `number` values."""
        self._data = self._data[number : self.size].copy()
        self.size -= min(number, self.size)

    @property
    def view(self) -> NDArray[Any]:
        """The values now; not to be kept across an `extend`."""
        return self._data[: self.size]


class Numbers:
    """A column of numbers; anything else counts as null."""

    def __init__(self) -> None:
        self.values = Growing(np.float64, np.nan)

    def extend(self, values: Sequence[Any]) -> None:
        """Append values, None as NaN."""
        try:
            self.values.extend([np.nan if value is None else value for value in values])
        except (TypeError, ValueError):
            self.values.extend([value if isinstance(value, int | float) else np.nan for value in values])


class Names:
    """A column of strings as codes into `names`; null is -1."""

    def __init__(self) -> None:
        self.values = Growing(np.int64, -1)
        self.names: list[str] = []
        self._codes: dict[str, int] = {}

    def extend(self, values: Sequence[Any]) -> None:
        """Append values; one that is not a string counts as null."""
        self.values.extend([self._code(value) for value in values])

    def _code(self, value: Any) -> int:
        if not isinstance(value, str):
            return -1
        code = self._codes.get(value)
        if code is None:
            code = self._codes[value] = len(self.names)
            self.names.append(value)
        return code


Feature = Numbers | Names


def feature_for(values: Sequence[Any]) -> Feature | None:
    """The column a feature's first values call for; None while all of them are null."""
    first = next((value for value in values if value is not None), None)
    if first is None:
        return None
    return Names() if isinstance(first, str) else Numbers()


@dataclass(frozen=True)
class Window:
    """Rows of one model as parallel arrays: a copy, which later refreshes do not change.

    `at` when the row was answered, `version` by which version, `challenger` whether that was the challenger of
    a rollout; `output` and `latency` (microseconds) of the answer; `other_version` (-1: none) and
    `other_output` of the version scored beside it; `label` (NaN: none) and `labelled_at`; `rollout` a code into
    `rollouts` (-1: none); `key` a hash of the row's key.
    """

    at: Ints
    version: Ints
    challenger: Flags
    output: Floats
    latency: Floats
    other_version: Ints
    other_output: Floats
    label: Floats
    labelled_at: Ints
    rollout: Ints
    key: Ints
    rollouts: tuple[str, ...]
    features: dict[str, Floats | tuple[Ints, tuple[str, ...]]]

    def __len__(self) -> int:
        return len(self.at)

    def where(self, chosen: Flags) -> Window:
        """The rows for which `chosen` is true."""
        return Window(
            **{name: getattr(self, name)[chosen] for name in ARRAYS},
            rollouts=self.rollouts,
            features={
                name: (column[0][chosen], column[1]) if isinstance(column, tuple) else column[chosen]
                for name, column in self.features.items()
            },
        )

    def of_rollout(self, rollout: str) -> Window:
        """The rows answered during one rollout."""
        code = self.rollouts.index(rollout) if rollout in self.rollouts else -2
        return self.where(self.rollout == code)

    def prediction_of(self, version: int) -> Floats:
        """What one version answered, or would have answered; NaN for rows it has not scored."""
        beside = np.where(self.other_version == version, self.other_output, np.nan)
        return np.asarray(np.where(self.version == version, self.output, beside))


ARRAYS = (
    "at", "version", "challenger", "output", "latency", "other_version", "other_output", "label", "labelled_at",
    "rollout", "key",
)  # fmt: skip
"""The array fields of a `Window`."""
