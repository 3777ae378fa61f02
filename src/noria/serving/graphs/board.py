"""Graphs as lineups: what a board has beside its models, made of that board's own lineups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from noria.core.digest import digest
from noria.features.model import InputSet
from noria.features.online.features import OnlineFeatures
from noria.features.vector import Vectorizer
from noria.optimization.model import Package
from noria.serving.graphs.graph import Graph
from noria.serving.graphs.model import GraphSpec, joined
from noria.serving.lineup import Elsewhere, Lineup, Loaded
from noria.serving.model import LogRules, Routing, ServedModel
from noria.serving.pace import Pace

VERSION = 1
"""Of every graph: which versions of its members took part is in its records."""


class Graphs:
    """The graphs of a server; members come before the graphs that ask them. `functions` are theirs, by `module:name`.

    A graph whose members have not changed stays the same object from board to board.
    """

    def __init__(self, specs: Sequence[GraphSpec], functions: Mapping[str, Callable[..., Any]]) -> None:
        self.specs = tuple(specs)
        self._functions = functions
        self._last: dict[str, Lineup] = {}

    def add(self, lineups: dict[str, Lineup], waiting: dict[str, str], online: OnlineFeatures) -> None:
        """Each graph to the lineups, or, with the reason, to those that wait."""
        for spec in self.specs:
            lacking = [step.name for step in spec.steps if step.name not in lineups]
            unknown = [name for name in (spec.before, spec.after) if name and name not in self._functions]
            if lacking or unknown:
                waiting[spec.name] = f"its member {lacking[0]!r} has none" if lacking else f"there is no {unknown[0]}"
                continue
            members = {step.name: lineups[step.name] for step in spec.steps}
            last = self._last.get(spec.name)
            if last is not None and isinstance(last.champion.graph, Graph) and last.champion.graph.members == members:
                lineups[spec.name] = last
                continue
            inputs, faults = joined(spec, {name: one.champion.package.inputs for name, one in members.items()})
            if faults:
                waiting[spec.name] = "; ".join(faults)
                continue
            lineups[spec.name] = self._last[spec.name] = self._lineup(spec, members, inputs, online)

    def rules(self, models: Mapping[str, ServedModel]) -> dict[str, LogRules]:
        """What of a graph's predictions is logged: no more of a column than any of its members lets be logged."""
        inputs = {name: served.inputs for name, served in models.items()}
        rules = {name: served.log for name, served in models.items() if served.log is not None}
        for spec in self.specs:
            inputs[spec.name], _ = joined(spec, inputs)
            own = [rules[step.name] for step in spec.steps if step.name in rules]
            if own:
                rules[spec.name] = LogRules(
                    min(one.sample for one in own),
                    tuple(dict.fromkeys(name for one in own for name in one.redact)),
                    tuple(dict.fromkeys(name for one in own for name in one.hashed)),
                    inputs[spec.name].key,
                )
        return rules

    def _lineup(
        self, spec: GraphSpec, members: Mapping[str, Lineup], inputs: InputSet, online: OnlineFeatures
    ) -> Lineup:
        ends = members[spec.steps[-1 if spec.kind == "sequence" else 0].name].champion.package
        versions = {name: [one.package.digest for one in lineup.versions] for name, lineup in members.items()}
        named = digest([spec, versions])
        package = Package(named, "onnx", named, "", inputs, (), ends.label, ends.task, 0)
        graph = Graph(spec, members, *(self._functions[name] if name else None for name in (spec.before, spec.after)))
        vectorizer = Vectorizer(inputs, online, self._functions)
        loaded = Loaded(spec.name, VERSION, package, vectorizer, Elsewhere(), Pace(inline=False), graph=graph)
        return Lineup(Routing(spec.name, champion=VERSION), loaded)
