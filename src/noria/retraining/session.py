"""A whole replay: prepare the stream, drive it, score it, report it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from noria.core.clock import Micros, show_moment
from noria.core.errors import BadInput
from noria.core.units import hours
from noria.data import operations as data
from noria.data.model import Part
from noria.monitoring import operations as monitoring
from noria.registry import operations as registry
from noria.retraining.model import ModelPlan
from noria.retraining.replay import Replay, State, Target
from noria.retraining.report import write_report
from noria.retraining.result import Result, gather
from noria.retraining.scoring import offline_equals_online, score
from noria.retraining.steps import Functions
from noria.retraining.stream import History
from noria.rollout import operations as rollouts
from noria.serving.log import LogReader, log_path
from noria.serving.model import PredictionRecord
from noria.workspace.workspace import Workspace

Watch = Callable[[int, str], None]
"""Called with the number of stretches done and a note."""


@dataclass(frozen=True)
class ReplayOptions:
    """How much of history, and how often the controller looks. `requests` None asks every one."""

    requests: int | None = 25_000
    start: Micros | None = None
    until: Micros | None = None
    look_hours: float = 12.0


@dataclass(frozen=True)
class ReplaySession:
    """A replay ready to run."""

    ws: Workspace
    plan: ModelPlan
    functions: Functions
    parts: dict[str, tuple[Part, ...]]
    history: History

    @property
    def total(self) -> int:
        """How many stretches there are."""
        return self.history.stretches

    def run(self, target: Target, watch: Watch) -> Result:
        """Drive everything that is left, then score the whole."""
        replay = Replay(self.plan, self.history, target, self.ws.folder("replay") / f"{self.plan.name}.json")

        def tell(state: State, total: int) -> None:
            at = self.history.start + state.stretch * self.history.look
            watch(min(state.stretch, total), f"{show_moment(at)[:10]}  {state.requests:,} requests")

        return self._result(replay.run(tell))

    def _result(self, state: State) -> Result:
        answers = self.answers()
        labels = self.labels()
        scored = score(self.ws, self.plan, answers, labels)
        same = offline_equals_online(self.ws, self.plan, self.functions, self.parts, answers)
        span = (self.history.start, self.history.end)
        return gather(self.ws, self.plan, state, answers, len(labels), scored, same, span)

    def answers(self) -> list[PredictionRecord]:
        """Every logged answer of the model in the replayed span, oldest first."""
        records, _ = LogReader(log_path(self.ws)).predictions(-1)
        mine = [one for one in records if one.model == self.plan.name and one.at >= self.history.start]
        return sorted(mine, key=lambda one: (one.at, one.prediction_id))

    def labels(self) -> dict[str, float]:
        """The first label of every prediction."""
        records, _ = LogReader(log_path(self.ws)).feedback(-1)
        found: dict[str, float] = {}
        for one in records:
            if one.label is not None:
                found.setdefault(one.prediction_id, one.label)
        return found

    def write_report(self, result: Result, path: Path) -> None:
        """Write the self-contained HTML report."""
        seen = monitoring.measurements(self.ws, self.plan.name, since=self.history.start)
        taken_over = rollouts.history(self.ws, self.plan.name)
        write_report(path, self.plan, result, self.answers(), self.labels(), seen, taken_over, self.ws)


def prepare(ws: Workspace, plan: ModelPlan, functions: Functions, options: ReplayOptions) -> ReplaySession:
    """Check the whole history and build its stream. Raises BadInput when there is nothing in production yet."""
    champion = registry.alias(ws, plan.name)
    if champion is None:
        raise BadInput(
            f"{plan.name} has no version in production to replay with",
            hint="train one on the beginning of history first: noria run --as-of 2013-04-01",
        )
    first = registry.get_version(ws, plan.name, 1)
    parts = {}
    for spec in plan.sources:
        snapshot = data.take_snapshot(ws, spec)
        parts[spec.name] = data.examine(ws, spec, snapshot).parts
    start = options.start if options.start is not None else int(first.lineage.split["at"])
    asked = parts[plan.training.inputs.source]
    end = options.until if options.until is not None else max(part.last_event for part in asked) + 1
    if end <= start:
        raise BadInput(
            f"there is nothing to replay: version 1 stands at {show_moment(start)}, and history ends at"
            f" {show_moment(end)}",
            hint="choose a later --until, or train the first version on an earlier --as-of",
        )
    rows = sum(part.rows for part in asked if part.last_event >= start)
    share = 1.0 if options.requests is None else min(1.0, options.requests / max(rows, 1))
    look = hours(options.look_hours).micros
    history = History(ws, plan, parts, start=start, end=end, share=share, look=look)
    return ReplaySession(ws, plan, functions, parts, history)
