"""Which existing name a mistyped one was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, options: Iterable[str]) -> str | None:
    """The existing name most like `name`, or None when nothing is near.

    >>> closest("lerning_rate", ["learning_rate", "max_iter"])
    'learning_rate'
    """
    by_lower = {option.lower(): option for option in options}
    match = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[match[0]] if match else None


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """The same as a question to append to an error, or an empty string."""
    guess = closest(name, options)
    return f"did you mean {guess!r}?" if guess else ""
