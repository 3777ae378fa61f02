"""From graphs as they were said to graphs that can be served: every fault of every graph is told."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from noria.core.errors import Fault
from noria.core.suggest import did_you_mean
from noria.features.model import InputSet
from noria.project.graph import Graph
from noria.project.project import Model
from noria.serving.graphs.model import COMBINES, GraphSpec, StepSpec, joined

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
_WEIGHED = ("weighted", "vote")


def graph_specs(
    graphs: Sequence[Graph], inputs: Mapping[str, InputSet], models: Sequence[str], faults: list[Fault]
) -> tuple[GraphSpec, ...]:
    """The graphs, members before those that ask them. `inputs` are those of the models that are sound; what is wrong is
    added to `faults`."""
    known = [*models, *(graph.name for graph in graphs if isinstance(graph.name, str))]
    readers = [_Reader(graph, known, models, faults) for graph in graphs]
    specs = {spec.name: spec for spec in (reader.spec() for reader in readers) if spec is not None}
    ordered = _ordered(specs, faults)
    seen = dict(inputs)
    for spec in ordered:
        if all(step.name in seen for step in spec.steps):
            seen[spec.name], wrong = joined(spec, seen)
            faults += [Fault(spec.name, one) for one in wrong]
    return tuple(ordered)


def _ordered(specs: Mapping[str, GraphSpec], faults: list[Fault]) -> list[GraphSpec]:
    """Members first; a circle is a fault, and its graphs are left out."""
    found: dict[str, GraphSpec] = {}
    broken: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = path[path.index(name) :]
            if not broken & set(circle):
                faults.append(Fault(name, f"asks itself: {' → '.join((*circle, name))}", "take one of them out"))
            broken.update(circle)
        elif name in specs and name not in found:
            for step in specs[name].steps:
                visit(step.name, (*path, name))
            found[name] = specs[name]

    for name in specs:
        visit(name, ())
    return [spec for name, spec in found.items() if name not in broken]


class _Reader:
    """Reads one graph; every method adds what is wrong to the shared list of faults."""

    def __init__(self, graph: Graph, known: Sequence[str], models: Sequence[str], faults: list[Fault]) -> None:
        self.graph, self.known, self.models, self.faults = graph, known, models, faults

    def fault(self, message: str, hint: str = "") -> None:
        self.faults.append(Fault(str(self.graph.name)[:100], message, hint))

    def spec(self) -> GraphSpec | None:
        graph, before = self.graph, len(self.faults)
        if not isinstance(graph.name, str) or not _NAME.fullmatch(graph.name):
            self.fault(f"{graph.name!r} is no name for a graph", "letters, digits, _ . and -, a letter first")
        elif self.known.count(graph.name) > 1:
            self.fault("another model or graph has that name")
        steps = [step for step in map(self.step, graph.steps) if step is not None]
        if len(graph.steps) < 2:
            self.fault(f"an {graph.kind} of {len(graph.steps)}" if graph.kind == "ensemble" else
                       f"a sequence of {len(graph.steps)}", "name two members at least")  # fmt: skip
        for name in {step.name for step in steps if [one.name for one in steps].count(step.name) > 1}:
            self.fault(f"{name!r} is there twice")
        weights = self.weights(len(graph.steps))
        names = self.function("before", graph.before, 1), self.function("after", graph.after, 2)
        combine = next((one for one in COMBINES if one == graph.combine), None)
        if combine is None:
            hint = did_you_mean(str(graph.combine), COMBINES) or f"known are {', '.join(COMBINES)}"
            self.fault(f"answers cannot be combined by {graph.combine!r}", hint)
        threshold = self.number(graph.threshold)
        if threshold is None:
            self.fault(f"the threshold is {graph.threshold!r}, which is no finite number")
        if len(self.faults) > before or combine is None or threshold is None:
            return None
        weighed = tuple(StepSpec(one.name, one.column, weight) for one, weight in zip(steps, weights, strict=True))
        return GraphSpec(graph.name, graph.kind, weighed, combine, threshold, *names)

    def step(self, said: object) -> StepSpec | None:
        column: object = None
        if isinstance(said, tuple) and len(said) == 2 and self.graph.kind == "sequence":
            said, column = said
        name = said.name if isinstance(said, Model | Graph) else said
        if not isinstance(name, str):
            self.fault(f"{said!r} is no model and no graph", "such as project.ensemble('both', lateness, 'trees')")
            return None
        if name not in self.known:
            hint = did_you_mean(name, self.known) or f"there are: {', '.join(self.known)}"
            self.fault(f"there is no model or graph {name!r} in this project", hint)
            return None
        if column is not None and (not isinstance(column, str) or not column):
            self.fault(f"{column!r} is no name of a column")
            return None
        return StepSpec(name, column if isinstance(column, str) else name)

    def weights(self, members: int) -> list[float]:
        given, even = self.graph.weights, [1.0] * members
        if self.graph.combine not in _WEIGHED:
            if given is not None:
                self.fault(f"weights do not count when answers are combined by {self.graph.combine!r}")
            return even
        if given is None:
            if self.graph.combine == "weighted":
                self.fault("weights are missing", "such as weights=[2, 1]")
            return even
        found = [self.number(one) for one in given] if isinstance(given, list | tuple) else []
        sound = [one for one in found if one is not None and one > 0]
        if len(sound) != members or len(found) != members or not math.isfinite(sum(sound)):
            self.fault(f"weights are {given!r}", f"give {members} numbers above 0, one for each member")
            return even
        return sound

    def number(self, value: object) -> float | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        try:
            return float(value) if math.isfinite(value) else None
        except OverflowError:
            return None

    def function(self, place: str, function: Callable[..., Any] | None, most: int) -> str:
        if function is None:
            return ""
        name = getattr(function, "__qualname__", "")
        if not callable(function) or not name or "<" in name:
            self.fault(f"{place} is no function that has a name", f"def one in the module, and give {place}=its_name")
            return ""
        parameters = list(inspect.signature(function).parameters.values())
        plain = all(one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) for one in parameters)
        if not plain or not 1 <= len(parameters) <= most:
            said = "the row" if most == 1 else "the answer, and perhaps the row"
            self.fault(f"{place}: {name} takes {len(parameters)} parameters", f"it is given {said}")
        return f"{function.__module__}:{name}"
