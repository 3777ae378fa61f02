"""The steps of a turn, each a function from JSON to JSON, so that it can be journaled, cached and resumed.

Every step is a function of what it names in its inputs and of nothing else. Bytes (snapshots, features,
models, packages) are blobs; a step's result names them by digest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from noria.core.clock import Micros
from noria.data import operations as data
from noria.data.model import Checked, Part
from noria.features import operations as features
from noria.features.model import input_columns
from noria.monitoring import profile as profiles
from noria.optimization import latency, native
from noria.optimization import operations as packaging
from noria.optimization.model import Package
from noria.optimization.session import Session
from noria.registry import operations as registry
from noria.registry.model import Version
from noria.retraining.model import ModelPlan, NothingToLearnFrom
from noria.training import operations as training
from noria.training.frames import to_frame
from noria.training.labels import attach_labels
from noria.training.search import search
from noria.training.split import split
from noria.validation import operations as validation
from noria.validation.model import Evaluation, GateSheet
from noria.workspace.workspace import Workspace

Functions = Mapping[str, Callable[..., Any]]
_PROFILED = 40_000
_SLICES = 3
"""So many text columns of the request are sliced by, besides those a gate names."""


@dataclass(frozen=True)
class Sources:
    """The checked snapshots of a turn, and the moment it stands at: nothing later was known."""

    checked: dict[str, Checked]
    at: Micros

    def parts(self, source: str) -> tuple[Part, ...]:
        """The parts of one source."""
        return self.checked[source].parts

    @property
    def by_source(self) -> dict[str, tuple[Part, ...]]:
        """The parts of every source."""
        return {name: checked.parts for name, checked in self.checked.items()}


def snapshot_and_check(ws: Workspace, plan: ModelPlan, source: str, as_of: Micros | None) -> dict[str, Any]:
    """Snapshot one source and check it; gives a `Checked` as JSON. Raises DataRefused."""
    spec = next(one for one in plan.sources if one.name == source)
    snapshot = data.take_snapshot(ws, spec, as_of=as_of)
    checked: dict[str, Any] = to_json(data.check(ws, spec, snapshot))
    return checked


def gather(plan: ModelPlan, checked: Mapping[str, dict[str, Any]], as_of: Micros | None) -> Sources:
    """The sources of a turn, from the results of its snapshot steps.

    Without an `as_of` the turn stands just after the newest row of the requests and of their answers, not at
    the wall clock's moment: the same data then gives the same model tomorrow.
    """
    by_source = {name: msgspec.convert(value, Checked) for name, value in checked.items()}
    if as_of is None:
        label = plan.training.label
        ends = [part.last_ingested for name in (label.of, label.source) for part in by_source[name].parts]
        as_of = max(ends, default=0) + 1
    return Sources(by_source, as_of)


def spine(plan: ModelPlan, sources: Sources) -> list[Part]:
    """The parts of requests that the split can reach, oldest first. Raises NothingToLearnFrom."""
    cut = plan.training.split
    first = sources.at - cut.train.micros - cut.test.micros - 2 * cut.gap.micros
    parts = [part for part in sources.parts(plan.training.label.of) if first <= part.last_event]
    if not parts:
        raise NothingToLearnFrom(
            f"{plan.training.label.of} has no row in the {cut.train} before the turn",
            hint="look at `noria plan` for where the source lies, and at the split",
        )
    return sorted(parts, key=lambda part: part.first_event)


def part_inputs(plan: ModelPlan, sources: Sources, part: Part) -> dict[str, Any]:
    """What determines the features of one part of requests."""
    return features.part_inputs(plan.training.inputs, part, sources.by_source)


def build_part(ws: Workspace, plan: ModelPlan, sources: Sources, part: Part, functions: Functions) -> dict[str, Any]:
    """The features of one part of requests; gives the blob's digest."""
    digest = features.build_part(ws, plan.training.inputs, part, sources.by_source, functions)
    return {"features": digest, "blobs": [digest]}


@dataclass(frozen=True)
class Learning:
    """The labelled rows of a turn, cut into training and test."""

    train: pa.Table
    test: pa.Table


def learning(ws: Workspace, plan: ModelPlan, sources: Sources, feature_digests: Sequence[str]) -> Learning:
    """Load features, attach the labels known at the turn's moment, and cut."""
    spec = plan.training
    rows = features.load_features(ws, feature_digests)
    answers = data.read_parts(ws, sources.parts(spec.label.source))
    labelled = attach_labels(rows, spec.label, answers, as_of=sources.at, asked_at=spec.inputs.asked_at)
    maturing = spec.label.matures_after
    return Learning(*split(labelled, spec.split, spec.inputs.asked_at, sources.at, matures_after=maturing))


def train_inputs(plan: ModelPlan, sources: Sources, feature_digests: Sequence[str]) -> dict[str, Any]:
    """What determines the trained model: code, values, packages, seed, threads, and the very rows."""
    spec = plan.training
    answers = sources.parts(spec.label.source)
    return {
        "code": spec.code,
        "fingerprint": spec.fingerprint,
        "values": dict(spec.values),
        "search": to_json(spec.search),
        "label": to_json(spec.label),
        "split": to_json(spec.split),
        "at": sources.at,
        "features": list(feature_digests),
        "answers": [[part.name, part.digest, part.as_of] for part in answers],
        "seed": spec.seed,
        "environment": to_json(training.environment(spec)),
    }


def train(
    ws: Workspace, plan: ModelPlan, rows: Learning, functions: Functions, on_trial: Callable[[int, int, float], None]
) -> dict[str, Any]:
    """Search when the plan asks for it, then fit on the training rows; gives the native model's blob."""
    spec = plan.training
    function = functions[spec.function]
    values, trials = dict(spec.values), []
    if spec.search is not None:
        found = search(spec, rows.train, function, on_trial=on_trial)
        values, trials = {**values, **found.values}, found.trials
    model = training.fit(spec, rows.train, function, values)
    digest = native.save(ws, model)
    mean = float(np.mean(rows.train["label"].to_numpy()))
    asked = rows.train[spec.inputs.asked_at].to_numpy()
    return {
        "model": digest, "values": values, "trials": trials, "rows": rows.train.num_rows, "mean": mean,
        "first": int(asked.min()), "last": int(asked.max()), "blobs": [digest],
    }  # fmt: skip


def package(ws: Workspace, plan: ModelPlan, rows: Learning, trained: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the model into one graph, prove that it answers alike, and profile what it expects to see."""
    spec = plan.training
    model = native.load(ws, trained["model"])
    columns = input_columns(spec.inputs)
    task = spec.label.task

    def answer(table: pa.Table) -> np.ndarray[Any, Any]:
        return training.predict(model, to_frame(table, columns, spec.frame), task)

    expected = answer(rows.test)
    made = packaging.package(
        ws,
        model=model,
        inputs=spec.inputs,
        label=spec.label.name,
        task=task,
        table=rows.test,
        prediction=expected,
        answer=answer,
        frame=spec.frame,
    )
    digest = packaging.save_package(ws, made)
    seen = _thinned(rows.train)
    chances = training.predict(model, to_frame(seen, columns, spec.frame), task)
    asked = seen[spec.inputs.asked_at].to_numpy()
    reference = profiles.build_profile(seen, columns, chances, asked, window=plan.monitors.window)
    profile = profiles.save_profile(ws, reference)
    return {
        "package": digest, "model_digest": made.model, "format": made.format, "why_native": made.why_native,
        "bytes": made.bytes, "profile": profile,
        "blobs": [digest, profile, *filter(None, (made.model, made.golden, made.fused))],
    }  # fmt: skip


def _thinned(table: pa.Table) -> pa.Table:
    """At most `_PROFILED` rows, evenly taken: a profile of more tells nothing more."""
    step = -(-table.num_rows // _PROFILED)
    return table.take(pa.array(np.arange(0, table.num_rows, step))) if step > 1 else table


def validate(
    ws: Workspace, plan: ModelPlan, rows: Learning, trained: Mapping[str, Any], made: Mapping[str, Any]
) -> dict[str, Any]:
    """Measure on the test window, by slice, against the mean and against the champion on the same rows."""
    spec = plan.training
    packaged = packaging.load_package(ws, made["package"])
    champion = registry.alias(ws, plan.name)
    evaluation = validation.evaluate(
        task=spec.label.task,
        label=rows.test["label"].to_numpy(),
        prediction=answers(ws, plan, packaged, rows.test),
        train_mean=trained["mean"],
        slices={name: rows.test[name].to_numpy(zero_copy_only=False) for name in sliced_by(plan)},
        asked_at=rows.test[spec.inputs.asked_at].to_numpy(),
        latency=_latency(ws, packaged, rows.test),
        champion=_champion_answers(ws, plan, champion, rows.test),
        champion_version=champion.number if champion else None,
        seed=spec.seed,
    )
    found: dict[str, Any] = to_json(evaluation)
    return found


def answers(ws: Workspace, plan: ModelPlan, packaged: Package, table: pa.Table) -> np.ndarray[Any, Any]:
    """What a package answers on rows with its inputs; a native model is loaded here, in a training process."""
    if packaged.format == "onnx":
        return Session(ws.blobs.path(packaged.model), packaged.columns).predict(table)
    model = native.load(ws, packaged.model)
    return training.predict(model, to_frame(table, packaged.columns, plan.training.frame), packaged.task)


def sliced_by(plan: ModelPlan) -> list[str]:
    """The request columns that an evaluation is sliced by: those a gate names, then the first texts."""
    named = [str(rule.quantity.about[1]) for rule in plan.gates.rules if rule.quantity.kind == "worst"]
    inputs = input_columns(plan.training.inputs)
    texts = [column.name for column in inputs if column.dtype == "string" and column.view is None]
    chosen = list(dict.fromkeys([*named, *texts[:_SLICES]]))
    return [name for name in chosen if any(column.name == name for column in inputs)]


def judge(plan: ModelPlan, evaluation: Mapping[str, Any]) -> GateSheet:
    """The gate sheet of an evaluation."""
    return validation.judge(plan.gates, msgspec.convert(evaluation, Evaluation))


def _latency(ws: Workspace, packaged: Package, table: pa.Table) -> dict[str, float]:
    if packaged.format != "onnx":
        return {}
    return latency.measure(Session(ws.blobs.path(packaged.model), packaged.columns), table)


def _champion_answers(
    ws: Workspace, plan: ModelPlan, champion: Version | None, table: pa.Table
) -> np.ndarray[Any, Any] | None:
    if champion is None:
        return None
    packaged = packaging.load_package(ws, champion.package)
    if any(column.name not in table.column_names for column in packaged.columns):
        return None  # its inputs are not these; it cannot be compared, and the gate says "not run"
    return answers(ws, plan, packaged, table)


def to_json(value: Any) -> Any:
    """A frozen value as JSON; `msgspec.convert` reads it back."""
    return msgspec.to_builtins(value)


def pieces(parts: Sequence[Part]) -> Iterator[tuple[int, Part]]:
    """Parts with their number, from one."""
    return enumerate(parts, start=1)
