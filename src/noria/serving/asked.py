"""The rows of one request on the way to their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noria.serving.inputs import Inputs
from noria.serving.later import Both
from noria.serving.lineup import Lineup
from noria.serving.model import Arm, IdTaken, PredictionRecord
from noria.serving.promise import Promise

Answers = Sequence[PredictionRecord]
Other = tuple[Inputs | None, float | None]
"""What the challenger saw and answered; None where there is none, or it failed."""
ALONE: Other = (None, None)


class Asked:
    """`ids` name the rows in their order; `known` are those answered before, `fresh` those answered now, to be logged.

    `new`, `rows` and `inputs` are the rows to score: their ids, as they came, and as the champion sees them. After
    `error` there are no answers. `given` tells whether any id is the caller's own: only those can be known already.
    `promise` is for whoever waits for the answers.
    """

    __slots__ = (
        "error", "fresh", "given", "ids", "inputs", "known", "lineup", "new", "now", "promise", "rows", "started",
    )  # fmt: skip

    def __init__(self, lineup: Lineup, now: int, started: float) -> None:
        self.lineup, self.now, self.started = lineup, now, started
        self.ids: list[str] = []
        self.new: list[str] = []
        self.rows: list[Mapping[str, Any]] = []
        self.inputs: list[Inputs] = []
        self.known: dict[str, PredictionRecord] = {}
        self.fresh: list[PredictionRecord] = []
        self.given = False
        self.error: Exception | None = None
        self.promise: Promise[Answers] | None = None

    def answered(self, outputs: Sequence[float | Exception], others: Sequence[Other] | None, finished: float) -> None:
        """The outputs of the rows to score, in their order; one that failed fails the request."""
        for number, (name, inputs, output) in enumerate(zip(self.new, self.inputs, outputs, strict=True)):
            if isinstance(output, Exception):
                self.error, self.fresh = output, []
                return
            other = ALONE if others is None else others[number]
            self.fresh.append(record_of(self.lineup, (inputs, output, *other), name, self.now, finished - self.started))

    def tell(self) -> None:
        """Keep the promise, or break it with the error."""
        if self.promise is None:
            return
        if self.error is not None:
            self.promise.fail(self.error)
        else:
            self.promise.keep(self.replies())

    def replies(self) -> list[PredictionRecord]:
        """The answers in the order of the rows. Raises the error."""
        if self.error is not None:
            raise self.error
        if not self.known and len(self.fresh) == len(self.ids):
            return self.fresh
        known = self.known | {one.prediction_id: one for one in self.fresh}
        return [known[name] for name in self.ids]


def record_of(lineup: Lineup, both: Both, prediction_id: str, now: int, seconds: float) -> PredictionRecord:
    """An answered row, as it is logged: by the arm that its key belongs to."""
    inputs, output, challenger, other = both
    key = str(inputs.request[lineup.champion.package.inputs.key])
    arm: Arm = "champion" if challenger is None else lineup.arm(key)
    version, other_version = lineup.champion.number, None
    if lineup.challenger is not None and challenger is not None and other is not None:
        other_version = lineup.challenger.number
        if arm == "challenger":
            inputs, output, other = challenger, other, output
            version, other_version = other_version, version
    return PredictionRecord(
        prediction_id=prediction_id,
        model=lineup.routing.model,
        version=version,
        arm=arm,
        at=now,
        key=key,
        request=inputs.request,
        features=inputs.features,
        output=output,
        latency=seconds * 1e6,
        other_version=other_version,
        other_output=other,
        rollout=lineup.routing.rollout,
    )


def same_model(earlier: PredictionRecord, lineup: Lineup) -> PredictionRecord:
    """The earlier answer to an id. Raises IdTaken when another model gave it."""
    if earlier.model != lineup.routing.model:
        raise IdTaken(
            f"prediction id {earlier.prediction_id!r} belongs to an answer of model {earlier.model!r}",
            hint="ids are unique over all models of a server; put the model's name into them",
        )
    return earlier
