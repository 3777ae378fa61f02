"""The memory that models may take, and who takes it. Whoever calls holds the lock of the seats."""

from __future__ import annotations

from noria.core.errors import Unavailable


class DoesNotFit(Unavailable):
    """A version takes more memory than the server may use for models."""

    code = "N6091"


class Budget:
    """`most` bytes for all versions together; None: no limit."""

    def __init__(self, most: int | None) -> None:
        self.most = most
        self.on_demand = 0
        """Bytes of the versions on demand that are in memory."""
        self._pinned: dict[tuple[str, int], int] = {}
        self._means: dict[str, tuple[int, int]] = {}

    @property
    def pinned(self) -> int:
        """Bytes of the versions that were loaded at the start, which stay."""
        return sum(self._pinned.values())

    @property
    def taken(self) -> int:
        """Bytes of all."""
        return self.on_demand + self.pinned

    @property
    def over(self) -> bool:
        """Whether more is taken than may be."""
        return self.most is not None and self.taken > self.most

    def pin(self, key: tuple[str, int], size: int | None) -> None:
        """A version loaded at the start takes so many bytes; None: it is there no more."""
        self._pinned.pop(key, None)
        if size is not None:
            self._pinned[key] = size

    def learn(self, digest: str, size: int) -> int:
        """A version of a package was measured; gives the mean of all measures of that package."""
        loads, mean = self._means.get(digest, (0, 0))
        mean = (loads * mean + size) // (loads + 1)
        self._means[digest] = (loads + 1, mean)
        return mean

    def expected(self, digest: str, least: int) -> int:
        """What a version of a package takes, as far as that is known; `least` when it was never loaded."""
        return self._means.get(digest, (0, least))[1]

    def fits(self, size: int) -> bool:
        """Whether so many bytes are allowed beside what stays."""
        return self.most is None or self.pinned + size <= self.most

    def free(self, size: int) -> bool:
        """Whether so many bytes are free now."""
        return self.most is None or self.taken + size <= self.most

    def too_big(self, name: str, size: int) -> DoesNotFit:
        """The error for a version that does not fit."""
        held = f", of which those loaded at the start take {self.pinned:,}" if self._pinned else ""
        return DoesNotFit(
            f"{name} takes {size:,} bytes; models may take {self.most:,}{held}",
            hint='let `memory` of the [serving] table be larger, or load other models "on demand" too',
        )
