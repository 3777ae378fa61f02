"""One row as tensors, seen before: a client sends the same names and datatypes in the same order again and again.

What was worked out for them the first time makes the next reading a few comparisons of whole lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noria.serving.contracts.datatypes import PREDICTION_ID, Fits

_MOST_KINDS = 64
_MOST_LAYOUTS = 64


class Layout:
    """The columns of one row, in the order in which they are sent, and what each may hold."""

    __slots__ = ("_fits", "_kinds", "chooses", "names")

    def __init__(self, names: tuple[str, ...], fits: Sequence[Fits]) -> None:
        self.names = names
        self.chooses = PREDICTION_ID in names
        self._fits = fits
        self._kinds: set[tuple[type, ...]] = set()
        """Types of whole rows that fit, where no whole number has bounds to look at."""

    def fits(self, values: Sequence[Any]) -> bool:
        """Whether every value is of a type, and every whole number within the bounds, of its datatype."""
        kinds = tuple(map(type, values))
        if kinds in self._kinds:
            return True
        for value, kind, (allowed, least, most) in zip(values, kinds, self._fits, strict=True):
            if kind not in allowed or (kind is int and not least <= value <= most):
                return False
        if int not in kinds and len(self._kinds) < _MOST_KINDS:
            self._kinds.add(kinds)
        return True


class Layouts:
    """The layouts of one model's rows."""

    def __init__(self, fitting: Mapping[str, Mapping[str, Fits]]) -> None:
        self._fitting = fitting
        self._known: dict[tuple[str, ...], Layout] = {}

    def of(self, names: list[str], datatypes: list[str]) -> Layout | None:
        """The layout of inputs of these names and datatypes; None when a column has none such, or comes twice."""
        key = (*names, *datatypes)
        known = self._known.get(key)
        if known is not None:
            return known
        fits = [self._fitting.get(name, {}).get(kind) for name, kind in zip(names, datatypes, strict=True)]
        found = [one for one in fits if one is not None]
        if len(found) != len(names) or len(set(names)) != len(names):
            return None
        layout = Layout(tuple(names), found)
        if len(self._known) < _MOST_LAYOUTS:
            self._known[key] = layout
        return layout
