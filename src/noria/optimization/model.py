"""What the optimization folder speaks of: a package, and the proof that it answers like the native model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from noria.core.errors import Corrupt, NoriaError
from noria.features.model import InputColumn, InputSet

Format = Literal["onnx", "native"]


@dataclass(frozen=True)
class Equality:
    """Native and packaged outputs on the same rows: the largest difference, and how many exceed the tolerance."""

    rows: int
    largest: float
    tolerance: float
    beyond: int

    @property
    def equal(self) -> bool:
        """True when no row differs by more than the tolerance."""
        return self.beyond == 0


@dataclass(frozen=True)
class Package:
    """A model ready to serve: one graph with its preprocessing, its inputs, golden rows, and the proof.

    `model` is the digest of the graph's blob (or of the native model's); `golden` of a Parquet blob with
    input rows and, last, the expected `prediction`. `why_native` tells why a model could not be converted.
    `digest` names the whole. `fused` is a graph that answers the same to one matrix, "" where there is none; who finds
    it missing takes `model`. `frame` is what a native model wants its rows as.
    """

    digest: str
    format: Format
    model: str
    golden: str
    inputs: InputSet
    columns: tuple[InputColumn, ...]
    label: str
    task: Literal["classification", "regression"]
    bytes: int
    equality: Equality | None = None
    why_native: str = ""
    fused: str = ""
    frame: str = "pandas"


class NotServable(NoriaError):
    """The package is native: it would need a pickle loaded in the server process, which Noria never does."""

    code = "N4201"
    status = 501


class GoldenMismatch(Corrupt):
    """A package does not reproduce its own golden rows on this machine."""

    code = "N4202"
