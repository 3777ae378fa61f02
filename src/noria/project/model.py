"""The plan: everything a project declares, as one frozen value that can be printed, compared and stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from noria.core.digest import digest
from noria.core.errors import FaultyInput, NotFound
from noria.data.model import Location, SourceSpec
from noria.features.model import ViewSpec, input_columns
from noria.features.registry.meaning import definition
from noria.features.registry.model import entities_of
from noria.features.registry.wording import about
from noria.retraining.model import ModelPlan
from noria.serving.graphs.model import GraphSpec
from noria.serving.model import CacheRules, LoadRules, LogRules


class DeclarationFaulty(FaultyInput):
    """The project's module and TOML file, with every fault told at once."""

    code = "N7001"


@dataclass(frozen=True)
class Plan:
    """Sources and models of one project. `workspace` is the TOML table of that name.

    `views` are those that belong to the project whether or not a model reads them. Served models take `memory` bytes.
    `graphs` come after the graphs that are their members.
    """

    project: str
    sources: tuple[SourceSpec, ...]
    models: tuple[ModelPlan, ...]
    workspace: dict[str, str] = field(default_factory=dict)
    views: tuple[ViewSpec, ...] = ()
    memory: int | None = None
    graphs: tuple[GraphSpec, ...] = ()

    @property
    def every_view(self) -> tuple[ViewSpec, ...]:
        """The views of the project and of its models, each once."""
        read = (view for model in self.models for view in model.training.inputs.views)
        return tuple(dict.fromkeys([*self.views, *read]))

    @property
    def digest(self) -> str:
        """Names the plan by its content: two plans are the same when their digests are."""
        return digest(self)

    def model(self, name: str | None = None) -> ModelPlan:
        """The model of that name; without a name, the only one.

        Raises NotFound.
        """
        names = [model.name for model in self.models]
        if name is None and len(self.models) == 1:
            return self.models[0]
        for model in self.models:
            if model.name == name:
                return model
        if name is None:
            raise NotFound("model", "(none given)", names, hint=f"say which one, such as {names[0]}" if names else "")
        raise NotFound("model", name, names)

    def serving(self, name: str | None = None) -> tuple[tuple[ModelPlan, ...], tuple[GraphSpec, ...]]:
        """The models and graphs of a server: of a model alone, of a graph with all that it asks, or of everything.

        Raises NotFound.
        """
        if name is None:
            return self.models, self.graphs
        known = {graph.name: graph for graph in self.graphs}
        if name not in known:
            names = [*known, *(model.name for model in self.models)]
            if name not in names:
                raise NotFound("model", name, names)
            return (self.model(name),), ()
        wanted = {name}
        for graph in reversed(self.graphs):  # those that ask come after their members
            if graph.name in wanted:
                wanted |= {step.name for step in graph.steps}
        models = tuple(model for model in self.models if model.name in wanted)
        return models, tuple(graph for graph in self.graphs if graph.name in wanted)

    def show(self) -> str:
        """The plan as people read it."""
        return "\n".join(
            [
                f"project {self.project}",
                *_source_lines(self),
                *_view_lines(self),
                *_model_lines(self),
                *_graph_lines(self),
            ]
        )


def _place(location: Location) -> str:
    if location.query is not None:
        return f"query {location.query!r}"
    pinned = "" if location.version is None else f", version {location.version}"
    return f"Delta table {location.delta}{pinned}" if location.delta else f"{location.path}{pinned}"


def _source_lines(plan: Plan) -> Iterator[str]:
    for source in plan.sources:
        where = _place(source.location)
        yield f"\nsource {source.name}  ({where})"
        width = max([14, *(len(column.name) + 2 for column in source.schema)])
        if source.suite:
            yield f"  checked by {source.suite}"
        for column in source.schema:
            bounds = "".join(
                f" {sign} {bound:g}"
                for sign, bound in (("≥", column.at_least), ("≤", column.at_most))
                if bound is not None
            )
            role = {source.schema.key: "key", source.schema.event_time: "event time"}.get(column.name, "")
            null = " or null" if column.nullable else ""
            unit = f" [{column.unit}]" if column.unit else ""
            yield f"  {column.name:<{width}}{column.dtype}{null}{unit}{bounds}  {role}".rstrip()


def _view_lines(plan: Plan) -> Iterator[str]:
    for view in plan.views:
        defined = definition(view)
        yield f"\nview {view.name}  (of {', '.join(entities_of(defined))}, from {view.source})"
        width = max([14, *(len(feature["name"]) + 2 for feature in defined["features"])])
        yield from (f"  {feature['name']:<{width}}{about(feature)}" for feature in defined["features"])


def _model_lines(plan: Plan) -> Iterator[str]:
    for model in plan.models:
        training = model.training
        yield f"\nmodel {model.name}  ({training.function})"
        rows: list[tuple[str, str]] = [
            ("asked about", training.inputs.source),
            ("label", f"{training.label.name}, from {training.label.source}"),
            ("inputs", ", ".join(column.name for column in input_columns(training.inputs))),
            ("values", ", ".join(f"{name} = {value}" for name, value in training.values.items())),
            ("search", _search(model)),
            ("log", _log(model.log) if model.log is not None else ""),
            ("cache", _cache(model.cache) if model.cache is not None else ""),
            ("in memory", _load(model.load)),
            ("split", f"train {training.split.train}, test {training.split.test}, gap {training.split.gap}"),
            ("gates", "; ".join(map(str, model.gates.rules))),
            ("rollout", " → ".join(map(str, model.rollout.stages)) or "at once"),
            ("abort", str(model.rollout.abort) if model.rollout.abort is not None else ""),
            ("monitors", "; ".join(map(str, model.monitors.rules))),
            ("retrain", f"{model.retrain.when}, at most every {model.retrain.at_most}" if model.retrain else "by hand"),
        ]
        yield from (f"  {name:<12}{value}" for name, value in rows if value)


def _graph_lines(plan: Plan) -> Iterator[str]:
    for graph in plan.graphs:
        yield f"\ngraph {graph.name}  ({graph.kind})"
        if graph.kind == "sequence":
            named = (one.name + (f" as {one.column}" if one.column != one.name else "") for one in graph.steps)
            yield f"  {'members':<12}{' → '.join(named)}"
        else:
            weighed = any(step.weight != 1 for step in graph.steps)
            named = (f"{one.name} × {one.weight:g}" if weighed else one.name for one in graph.steps)
            limit = f", {graph.threshold:g} and above" if graph.combine == "vote" else ""
            yield f"  {'members':<12}{', '.join(named)}"
            yield f"  {'combined':<12}{graph.combine}{limit}"
        yield from (
            f"  {place:<12}{name}" for place, name in (("before", graph.before), ("after", graph.after)) if name
        )


def _log(rules: LogRules) -> str:
    said = [f"{rules.sample * 100:g}% of predictions"]
    said += [f"without {', '.join(rules.redact)}"] if rules.redact else []
    said += [f"{', '.join(rules.hashed)} hashed"] if rules.hashed else []
    return ", ".join(said)


def _cache(rules: CacheRules) -> str:
    return f"{rules.size:,} answers for {rules.ttl:g} s{' and in Redis' if rules.redis else ''}"


def _load(rules: LoadRules) -> str:
    idle = f", until nobody has asked for {rules.idle:g} s" if rules.idle is not None else ""
    return f"on demand{idle}" if rules.on_demand else ""


def _search(model: ModelPlan) -> str:
    search = model.training.search
    return f"{', '.join(search.space)} in {search.trials} trials" if search else ""
