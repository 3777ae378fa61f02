"""Training-serving skew: what the server's models saw, held against what history computes for the same requests.

The prediction log keeps every request with the features that answered it. Here each request is asked again offline,
as it was known at its moment, with the definitions of the version that answered. A difference means that training
would learn from other values than serving acts on: events that came to one side only, or late, or changed since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from noria.core.clock import Micros
from noria.core.errors import NotFound
from noria.core.schema import Column
from noria.data import operations as data
from noria.data.model import Part
from noria.features.equality import equal
from noria.features.model import FunctionInput, InputSet, ViewInput
from noria.features.operations import ARROW_TYPES, features_of
from noria.optimization.operations import load_package
from noria.registry.operations import get_version
from noria.retraining.model import ModelPlan
from noria.retraining.steps import Functions
from noria.serving.log import LogReader, log_path
from noria.serving.model import PredictionRecord
from noria.workspace.workspace import Workspace

_ID = "noria_prediction"
_EXAMPLES = 3
_AT_ONCE = 20_000
"""Requests computed together."""


@dataclass(frozen=True)
class Example:
    """One difference: the answer's id, its moment, what was served and what history computes."""

    prediction: str
    at: Micros
    served: Any
    computed: Any


@dataclass(frozen=True)
class FeatureSkew:
    """One feature of one version: how many values were compared, how many differ, and examples of these.

    `largest` is the largest absolute difference among numbers, None where no two numbers differ.
    """

    feature: str
    version: int
    compared: int
    mismatches: int
    largest: float | None = None
    examples: tuple[Example, ...] = ()

    @property
    def share(self) -> float:
        """The share of values that differ."""
        return self.mismatches / self.compared if self.compared else 0.0


@dataclass(frozen=True)
class Skew:
    """Every feature of every version that answered, the worst first.

    `requests` were compared. `ahead` were answered after history's newest row: nothing can be said of them yet.
    `known_until` is that moment, None when no source has rows.
    """

    model: str
    requests: int
    ahead: int
    known_until: Micros | None
    features: tuple[FeatureSkew, ...]

    @property
    def mismatches(self) -> int:
        """Values that differ, of all features."""
        return sum(one.mismatches for one in self.features)


def measure_skew(
    ws: Workspace,
    plan: ModelPlan,
    functions: Functions,
    *,
    since: Micros | None = None,
    until: Micros | None = None,
    most: int = 100_000,
) -> Skew:
    """Compare the newest `most` logged requests of a model, answered in `[since, until)`, with history.

    History is what the sources hold now. Raises NotFound when nothing was answered in that time, DataRefused when
    a source cannot be read.
    """
    logged = _logged(ws, plan.name, since, until)[-most:]
    if not logged:
        raise NotFound("answer", plan.name, hint="nothing was logged in that time: `noria serve` logs every answer")
    parts = {spec.name: data.examine(ws, spec, data.take_snapshot(ws, spec)).parts for spec in plan.sources}
    looked_up = sorted({source for view in plan.training.inputs.views for source in view.sources})
    newest = [max((part.last_ingested for part in parts[name]), default=None) for name in looked_up]
    moments = [moment for moment in newest if moment is not None]
    known_until = min(moments) if moments else None
    covered = [one for one in logged if known_until is None or one.at <= known_until]
    by_version: dict[int, list[PredictionRecord]] = defaultdict(list)
    for one in covered:
        by_version[one.version].append(one)
    found = [
        skew
        for version, answers in sorted(by_version.items())
        for skew in _of_version(ws, plan.name, version, answers, parts, functions)
    ]
    found.sort(key=lambda one: (-one.share, one.feature, one.version))
    return Skew(plan.name, len(covered), len(logged) - len(covered), known_until, tuple(found))


def _logged(ws: Workspace, model: str, since: Micros | None, until: Micros | None) -> list[PredictionRecord]:
    records, _ = LogReader(log_path(ws)).predictions(-1)
    mine = [
        one
        for one in records
        if one.model == model and (since is None or one.at >= since) and (until is None or one.at < until)
    ]
    return sorted(mine, key=lambda one: (one.at, one.prediction_id))


def _of_version(
    ws: Workspace,
    model: str,
    version: int,
    answers: Sequence[PredictionRecord],
    parts: Mapping[str, Sequence[Part]],
    functions: Functions,
) -> Iterator[FeatureSkew]:
    """Each feature of the answers of one version, by the definitions in its package."""
    inputs = load_package(ws, get_version(ws, model, version).package).inputs
    askable = _looked_up(inputs, answers[0].request.keys() | {inputs.asked_at})
    names = [name for name in answers[0].features if name in askable]
    tallies = {name: _Tally() for name in names}
    for first in range(0, len(answers), _AT_ONCE):
        some = answers[first : first + _AT_ONCE]
        computed = {row[_ID]: row for row in _computed(ws, inputs, some, parts, functions)}
        for one in some:
            for name, tally in tallies.items():
                tally.add(one, one.features.get(name), computed[one.prediction_id][name])
    for name, tally in tallies.items():
        yield FeatureSkew(name, version, tally.compared, tally.mismatches, tally.largest, tuple(tally.examples))


def _looked_up(inputs: InputSet, there: Set[str]) -> set[str]:
    """The features that the server finds or computes from columns that are `there`; the others came with the request.

    A column that the log's rules leave out is not there, so what depends on it cannot be asked again.
    """
    views = {view.name: view for view in inputs.views}
    named = {one.name for one in inputs.inputs if isinstance(one, FunctionInput) and there >= set(one.arguments)}
    of_views = [views[one.view] for one in inputs.inputs if isinstance(one, ViewInput) and there >= set(one.keys)]
    return named | {f"{view.name}.{feature.name}" for view in of_views for feature in view.features}


def _computed(
    ws: Workspace,
    inputs: InputSet,
    answers: Sequence[PredictionRecord],
    parts: Mapping[str, Sequence[Part]],
    functions: Functions,
) -> list[dict[str, Any]]:
    columns = {
        column.name: pa.array([_asked(one, column, inputs) for one in answers], ARROW_TYPES[column.dtype])
        for column in inputs.request
    }
    columns[_ID] = pa.array([one.prediction_id for one in answers], pa.string())
    named = replace(inputs, key=_ID, request=(*inputs.request, Column(_ID, "string")))
    rows: list[dict[str, Any]] = features_of(ws, named, pa.table(columns), parts, functions).to_pylist()
    return rows


def _asked(one: PredictionRecord, column: Column, inputs: InputSet) -> Any:
    return one.at if column.name == inputs.asked_at else one.request.get(column.name)


class _Tally:
    """The count of one feature."""

    def __init__(self) -> None:
        self.compared = self.mismatches = 0
        self.largest: float | None = None
        self.examples: list[Example] = []

    def add(self, one: PredictionRecord, served: Any, computed: Any) -> None:
        self.compared += 1
        if equal(served, computed):
            return
        self.mismatches += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(Example(one.prediction_id, one.at, served, computed))
        if isinstance(served, int | float) and isinstance(computed, int | float):
            self.largest = max(self.largest or 0.0, abs(served - computed))
