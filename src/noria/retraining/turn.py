"""One turn of the wheel: from the sources as they are to a registered version, or to the reason why not.

A turn is a durable run of the runtime: each step's result is recorded when it is done, so a turn that was
killed goes on from its last finished step, in whatever process. Each step's result is also kept by its
inputs, so a later turn does again only what depends on something that changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from noria.core.clock import Micros, monotonic
from noria.core.digest import digest, short
from noria.core.rules import Outcome
from noria.core.units import seconds
from noria.features.registry.recording import record_within
from noria.optimization import operations as packaging
from noria.registry import operations as registry
from noria.registry.model import Lineage, Version
from noria.retraining import recording, steps
from noria.retraining.describing import describe_views
from noria.retraining.model import ModelPlan, Progress, Silent, StepReport, TurnReport
from noria.retraining.steps import Functions, Learning, Sources
from noria.rollout import operations as rollouts
from noria.runtime import operations as runtime
from noria.runtime.context import Context
from noria.runtime.model import WorkRun
from noria.runtime.worker import Worker
from noria.serving import operations as serving
from noria.serving.model import Routing
from noria.stores.journal import Fact
from noria.tracking import operations as tracking
from noria.training import operations as training
from noria.training.cache import StepCache
from noria.validation.model import Evaluation, GateSheet
from noria.workspace.workspace import Workspace

WORKFLOW = "turn"


def take_turn(
    ws: Workspace,
    plan: ModelPlan,
    functions: Functions,
    *,
    as_of: Micros | None = None,
    reason: str = "asked for",
    progress: Progress | None = None,
) -> TurnReport:
    """Carry one model through one turn, going on with a turn that was broken off if there is one.

    `as_of`: what was knowable then is all that is used (None: everything there is). Raises DataRefused,
    TrainingFailed and their like, after recording that the turn failed.
    """
    arguments = {"model": plan.name, "as_of": as_of, "reason": reason}
    code = digest(plan)
    run = _unfinished(ws, plan, arguments, code) or runtime.submit(ws, WORKFLOW, arguments, code=code)
    turn = Turn(ws, plan, functions, progress or Silent())
    report = Worker(ws, {WORKFLOW: turn.workflow}, lease=seconds(30), code={WORKFLOW: code}).run(run)
    return TurnReport(**{**report, "steps": tuple(turn.reports), "gates": tuple(report["gates"])})


def unfinished_turn(ws: Workspace, model: str) -> WorkRun | None:
    """The turn of a model that was broken off, to be gone on with."""
    return next((run for run in runtime.unfinished(ws, WORKFLOW) if run.args.get("model") == model), None)


def _unfinished(ws: Workspace, plan: ModelPlan, arguments: dict[str, Any], code: str) -> str | None:
    """A turn of this very plan that was broken off. One of another plan, or of another moment, is given up."""
    for run in runtime.unfinished(ws, WORKFLOW):
        if run.args.get("model") != plan.name:
            continue
        if run.code == code and run.args.get("as_of") == arguments["as_of"]:
            return run.run
        runtime.cancel(ws, run.run)
    return None


@dataclass(frozen=True)
class Made:
    """What the steps of a turn gave, gathered for the register."""

    sources: Sources
    features: list[str]
    trained: dict[str, Any]
    package: dict[str, Any]
    evaluation: dict[str, Any]
    sheet: GateSheet
    champion: int | None


class Turn:
    """The workflow of one model's turn."""

    def __init__(self, ws: Workspace, plan: ModelPlan, functions: Functions, progress: Progress) -> None:
        self.ws, self.plan, self.functions, self.progress = ws, plan, functions, progress
        self.cache = StepCache(ws)
        self.reports: list[StepReport] = []

    def workflow(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        """Snapshot, check, features, train, package, validate, gate, register."""
        with recording.told_of_failure(self.ws, recording.run_of(context)):
            return self._turned(context, arguments)

    def _turned(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        context.transaction_step("start", lambda connection: self._started(connection, arguments["reason"]))
        sources = self._snapshots(context, arguments["as_of"])
        digests = self._features(context, sources)
        rows: list[Learning] = []  # loaded once, and only when a step has something to do

        def learning() -> Learning:
            if not rows:
                rows.append(steps.learning(self.ws, self.plan, sources, digests))
            return rows[0]

        inputs = steps.train_inputs(self.plan, sources, digests)
        trained = self._step(
            context, "train", inputs,
            lambda: self._train(context, learning(), sources.at), _shown_training,
        )  # fmt: skip
        identity = digest({"train": inputs, "gates": self.plan.gates})
        standing = context.step("look into the register", lambda: self._standing(identity))
        if standing["existing"] is not None:
            recording.end(self.ws, recording.run_of(context), "nothing new")
            return self._unchanged(registry.get_version(self.ws, self.plan.name, standing["existing"]))
        made = self._step(
            context, "package", {"model": trained["model"], "inputs": self.plan.training.inputs},
            lambda: steps.package(self.ws, self.plan, learning(), trained), _shown_package,
        )  # fmt: skip
        judged_with = {"package": made["package"], "champion": standing["champion"], "train": inputs}
        evaluation = self._step(
            context, "validate", judged_with,
            lambda: steps.validate(self.ws, self.plan, learning(), trained, made), _shown_evaluation,
        )  # fmt: skip
        result = Made(
            sources, digests, trained, made, evaluation, steps.judge(self.plan, evaluation), standing["champion"]
        )
        version = self._register(context, result, identity, arguments["reason"])
        return self._take_over(context, version, result, arguments["reason"])

    def _train(self, context: Context, rows: Learning, at: Micros) -> dict[str, Any]:
        with recording.logging(self.ws, self.plan.name, WORKFLOW, recording.run_of(context), at):
            return steps.train(self.ws, self.plan, rows, self.functions, self._on_trial)

    def _standing(self, identity: str) -> dict[str, int | None]:
        """What a turn goes by to its end, also when it is gone on with after it has itself registered and promoted."""
        existing = registry.find(self.ws, self.plan.name, identity)
        champion = registry.alias(self.ws, self.plan.name)
        return {
            "existing": existing.number if existing else None, "champion": champion.number if champion else None
        }  # fmt: skip

    def _started(self, connection: Any, reason: str) -> None:
        record_within(self.ws, connection, self.plan.training.inputs.views)
        self.ws.journal.append(connection, Fact("TurnStarted", f"model:{self.plan.name}", {"reason": reason}))

    def _snapshots(self, context: Context, as_of: Micros | None) -> Sources:
        self.progress.started("snapshot and check", len(self.plan.sources))
        checked, began = {}, monotonic()
        for source in self.plan.sources:
            checked[source.name] = context.step(
                f"check {source.name}",
                partial(steps.snapshot_and_check, self.ws, self.plan, source.name, as_of),
            )
            self.progress.advanced("snapshot and check", source.name)
        sources = steps.gather(self.plan, checked, as_of)
        rows = sum(one.rows for one in sources.checked.values())
        bad = sum(one.quarantined for one in sources.checked.values())
        shown = f"{rows:,} rows of {len(checked)} sources" + (f", {bad:,} in quarantine" if bad else "")
        self._report("snapshot and check", False, "files are looked at every time", monotonic() - began, shown)
        return sources

    def _features(self, context: Context, sources: Sources) -> list[str]:
        parts = steps.spine(self.plan, sources)
        self.progress.started("features", len(parts))
        digests, new, why, began = [], 0, "inputs unchanged", monotonic()
        for number, part in steps.pieces(parts):
            inputs = steps.part_inputs(self.plan, sources, part)
            compute = partial(steps.build_part, self.ws, self.plan, sources, part, self.functions)
            kept = context.step(f"features {number}", partial(self._cached, f"features/{part.name}", inputs, compute))
            digests.append(kept["value"]["features"])
            if not kept["reused"]:
                new, why = new + 1, f"{part.name}: {kept['why']}"
            self.progress.advanced("features", part.name)
        rows = sum(part.rows for part in parts)
        shown = f"{rows:,} requests, {new} of {len(parts)} parts computed"
        self._report("features", new == 0, why, monotonic() - began, shown)
        describe_views(self.ws, self.plan, context, self._cached, sources, digests)
        return digests

    def _step(
        self,
        context: Context,
        name: str,
        inputs: dict[str, Any],
        compute: Callable[[], Any],
        show: Callable[[dict[str, Any]], str],
    ) -> dict[str, Any]:
        self.progress.started(name, 1)
        began = monotonic()
        kept = context.step(name, lambda: self._cached(name, inputs, compute))
        self._report(name, kept["reused"], kept["why"], monotonic() - began, show(kept["value"]))
        value: dict[str, Any] = kept["value"]
        return value

    def _cached(self, name: str, inputs: dict[str, Any], compute: Callable[[], Any]) -> dict[str, Any]:
        result = self.cache.run(f"{self.plan.name}/{name}", inputs, compute)
        return {"value": result.value, "reused": result.reused, "why": result.why}

    def _register(self, context: Context, made: Made, identity: str, reason: str) -> Version:
        def write() -> int:
            package = packaging.load_package(self.ws, made.package["package"])
            run = self._record_run(context, made)
            version = registry.register(
                self.ws,
                model=self.plan.name,
                package=package,
                package_digest=made.package["package"],
                profile=made.package["profile"],
                evaluation=msgspec.convert(made.evaluation, Evaluation),
                gates=made.sheet,
                lineage=self._lineage(run, made, reason),
                stage="candidate" if made.sheet.outcome is Outcome.PASSED else "refused",
                idempotency=identity,
            )
            return version.number

        began = monotonic()
        number = context.step("register", write)
        passed = made.sheet.outcome is Outcome.PASSED
        shown = f"version {number}: " + ("all gates passed" if passed else "; ".join(made.sheet.reasons))
        self._report("gate and register", False, "a new model", monotonic() - began, shown)
        return registry.get_version(self.ws, self.plan.name, number)

    def _record_run(self, context: Context, made: Made) -> str:
        run = recording.run_of(context)
        recording.begin(self.ws, self.plan.name, WORKFLOW, run, made.sources.at)
        tracking.log_params(self.ws, run, made.trained["values"])
        metrics = {name: estimate["value"] for name, estimate in made.evaluation["metrics"].items()}
        tracking.log_metrics(self.ws, run, metrics)
        tracking.finish_run(self.ws, run, "finished")
        return run

    def _lineage(self, run: str, made: Made, reason: str) -> Lineage:
        spec = self.plan.training
        return Lineage(
            run=run,
            snapshots={name: checked.snapshot for name, checked in made.sources.checked.items()},
            code=steps.to_json(training.code_state(self.ws.root, spec)),
            values=made.trained["values"],
            environment=steps.to_json(training.environment(spec)),
            split={
                "at": made.sources.at, "train_rows": made.trained["rows"], "test_rows": made.evaluation["rows"],
                "train": [made.trained["first"], made.trained["last"]],
                "test": [made.evaluation["first"], made.evaluation["last"]],
            },
            features=digest(made.features),
            seed=spec.seed,
            parent=made.champion,
            reason=reason,
        )  # fmt: skip

    def _take_over(self, context: Context, version: Version, made: Made, reason: str) -> dict[str, Any]:
        report = self._result(version, made)
        if made.sheet.outcome is not Outcome.PASSED:
            return self._finish(context, {**report, "outcome": "refused", "reason": "; ".join(made.sheet.reasons)})
        if made.package["format"] != "onnx":
            why = f"it cannot be served: {made.package['why_native']}"
            return self._finish(context, {**report, "outcome": "refused", "reason": why})
        champion = made.champion
        if champion is None:
            context.transaction_step("promote", lambda connection: self._promote_first(connection, version, reason))
            return self._finish(context, {**report, "outcome": "promoted", "reason": "the first version to pass"})
        context.step("start rollout", lambda: self._start_rollout(champion, version, reason))
        return self._finish(context, {**report, "outcome": "rollout started", "reason": "all gates passed"})

    def _promote_first(self, connection: Any, version: Version, reason: str) -> int:
        registry.promote(self.ws, self.plan.name, version.number, reason=reason, connection=connection)
        serving.set_routing(self.ws, connection, Routing(self.plan.name, champion=version.number))
        return version.number

    def _start_rollout(self, champion: int, version: Version, reason: str) -> str:
        running = rollouts.current(self.ws, self.plan.name)
        if running is not None and running.challenger == version.number:
            return running.id
        if running is not None:
            rollouts.abort(self.ws, running, f"version {version.number} is newer")
        spec = self.plan.rollout
        return rollouts.start(self.ws, spec, self.plan.name, champion, version.number, reason=reason).id

    def _unchanged(self, version: Version) -> dict[str, Any]:
        return {
            "model": self.plan.name, "run": version.lineage.run, "outcome": "unchanged", "version": version.number,
            "model_digest": version.model_digest, "gates": [],
            "reason": f"version {version.number} was made from exactly these data, code, values and packages",
        }  # fmt: skip

    def _result(self, version: Version, made: Made) -> dict[str, Any]:
        return {
            "model": self.plan.name, "run": version.lineage.run, "version": version.number,
            "model_digest": version.model_digest,
            "gates": [f"{verdict.rule}: {verdict.outcome}" for verdict in made.sheet.verdicts],
        }  # fmt: skip

    def _finish(self, context: Context, report: dict[str, Any]) -> dict[str, Any]:
        facts = {name: report[name] for name in ("outcome", "version", "reason")}

        def write(connection: Any) -> None:
            self.ws.journal.append(connection, Fact("TurnFinished", f"model:{self.plan.name}", facts))

        context.transaction_step("finish", write)
        return report

    def _on_trial(self, done: int, total: int, best: float) -> None:
        self.progress.advanced("train", f"trial {done}/{total}, best {best:.4f}")

    def _report(self, name: str, reused: bool, why: str, took: float, shown: str) -> None:
        report = StepReport(name, reused, why, took, shown)
        self.reports.append(report)
        self.progress.finished(report)


def _shown_training(value: dict[str, Any]) -> str:
    values = ", ".join(f"{name}={value}" for name, value in value["values"].items())
    return f"{value['rows']:,} rows, {values}"


def _shown_package(value: dict[str, Any]) -> str:
    if value["format"] != "onnx":
        return f"stays native: {value['why_native']}"
    return f"one ONNX graph of {value['bytes'] / 1000:,.0f} kB, {short(value['model_digest'])}"


def _shown_evaluation(value: dict[str, Any]) -> str:
    shown = [
        f"{name} {one['value']:.4f} [{one['low']:.4f}, {one['high']:.4f}]" for name, one in value["metrics"].items()
    ]
    return f"{value['rows']:,} test rows: " + ", ".join(shown[:3])
