"""Names for runs that nobody named: a word, another word and a number, easy to say and to tell apart."""

from __future__ import annotations

_QUALITIES = (
    "amber", "azure", "brisk", "bronze", "calm", "clear", "coral", "crisp", "deep", "dusky", "eager", "early",
    "fair", "fleet", "fresh", "gentle", "golden", "green", "hazel", "hidden", "humble", "indigo", "ivory",
    "jolly", "keen", "late", "light", "lively", "lucid", "mellow", "mild", "misty", "nimble", "noble", "olive",
    "open", "pale", "patient", "placid", "plain", "proud", "quick", "quiet", "rapid", "ready", "russet",
    "scarlet", "serene", "sharp", "silver", "sleek", "slow", "smooth", "soft", "solid", "steady", "still",
    "stout", "sunny", "sure", "swift", "tall", "tender", "vivid", "warm",
)  # fmt: skip
_THINGS = (
    "alder", "arch", "aspen", "bay", "beacon", "birch", "bridge", "brook", "canal", "cedar", "cliff", "cove",
    "creek", "delta", "dune", "elm", "falls", "fern", "ferry", "field", "ford", "forest", "fountain", "gate",
    "glacier", "glen", "grove", "gulf", "harbor", "heath", "hill", "inlet", "island", "isle", "lagoon", "lake",
    "larch", "lock", "maple", "marsh", "meadow", "mill", "oak", "orchard", "pass", "peak", "pine", "pond", "pool",
    "quay", "rapids", "reef", "ridge", "river", "shoal", "shore", "sluice", "spring", "stream", "tide", "valley",
    "weir", "wheel",
)  # fmt: skip


def run_name(digits: str) -> str:
    """A name made of the first twelve of some hexadecimal digits.

    >>> run_name("0" * 32)
    'amber-alder-0'
    """
    quality, thing, number = (int(digits[start : start + 4], 16) for start in (0, 4, 8))
    return f"{_QUALITIES[quality % len(_QUALITIES)]}-{_THINGS[thing % len(_THINGS)]}-{number % 1000}"
