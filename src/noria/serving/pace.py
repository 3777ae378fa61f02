"""How long a model takes for one row, and so whether it may answer on the event loop itself."""

from __future__ import annotations

_SLOW = 300e-6
_FAST = 200e-6
_WEIGHT = 0.05
_OUTLIER = 4.0


class Pace:
    """A mean of run times in processor seconds, weighted towards the latest; an outlier counts as four times the mean.

    Wall time would move models to their lanes whenever the machine is busy, which makes it busier still. One run in
    sixty-four is measured: asking for a thread's time costs as much as reading a row. `inline` turns false above
    300 us, where handing a row to a thread costs less than everybody's waiting for it, and true again below 200 us.
    """

    __slots__ = ("_calls", "inline", "seconds")

    def __init__(self, seconds: float = 0.0, *, inline: bool = True) -> None:
        self._calls = 0
        self.seconds = seconds
        self.inline = inline and seconds <= _SLOW

    def due(self) -> bool:
        """Whether the next run is to be measured."""
        self._calls += 1
        return not self._calls & 63

    def took(self, seconds: float) -> None:
        """One row was answered in so many seconds."""
        mean = self.seconds
        if not mean:
            self.seconds = seconds
            return
        self.seconds = mean = mean + _WEIGHT * (min(seconds, _OUTLIER * mean) - mean)
        if mean > _SLOW:
            self.inline = False
        elif mean < _FAST:
            self.inline = True
