"""What a version sees of a row: the request as it reads it, and the features it looks up for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from noria.serving.lineup import Loaded
from noria.serving.model import BadAnswer, BadPayload


class Inputs(msgspec.Struct, frozen=True):
    """A row as a version sees it."""

    request: dict[str, Any]
    features: dict[str, Any]


def read_inputs(loaded: Loaded, row: Mapping[str, Any], now: int) -> Inputs:
    """Check a row and look its features up. Raises BadRequestRow, BadPayload."""
    request = loaded.vectorizer.read(row, now)
    try:
        return Inputs(request, loaded.vectorizer.vector(request, now))
    except (OverflowError, ValueError) as error:
        raise BadPayload(f"the row holds a value that features cannot be made of: {error}") from error


def finite(loaded: Loaded, output: float) -> float:
    """The output itself. Raises BadAnswer when it is NaN or infinite."""
    if not math.isfinite(output):
        raise not_finite(loaded, output)
    return output


def not_finite(loaded: Loaded, output: float) -> BadAnswer:
    """What is wrong with such an answer."""
    return BadAnswer(f"version {loaded.number} of {loaded.model!r} answered {output}, which is no finite number")
