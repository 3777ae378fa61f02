"""From what was said to the plan: every fault of the module and the TOML file is told at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import UnionType
from typing import Any, Union, get_args, get_origin

from noria.core.errors import Fault
from noria.core.rules import Condition, Quantity, Rule, Trigger
from noria.core.schema import DType
from noria.core.suggest import did_you_mean
from noria.core.units import Duration
from noria.features.model import ColumnInput, FunctionInput, InputSet, Knowledge, ViewInput, ViewSpec, input_columns
from noria.monitoring.model import MonitorSpec
from noria.project.columns import ColumnPredicate, ColumnRef
from noria.project.graph_faults import graph_specs
from noria.project.model import DeclarationFaulty, Plan
from noria.project.project import Label, Model, Project
from noria.project.serving_values import cache_rules, lane_rules, load_rules, most_memory
from noria.project.sources import Source
from noria.project.values import Document, log_rules, model_values, search_spec, source_spec, workspace_table
from noria.project.views import FeatureView
from noria.retraining.model import ModelPlan, RetrainSpec
from noria.rollout.model import RolloutSpec, StageSpec
from noria.training.fingerprint import Fingerprint
from noria.training.model import Frame, LabelSpec, SplitSpec, TrainingSpec
from noria.validation.model import METRICS, GateSpec

Fingerprinter = Callable[[Callable[..., Any]], Fingerprint]
_RETURNS: dict[Any, DType] = {str: "string", int: "int", float: "float", bool: "bool"}
_FRAMES: dict[str, Frame] = {"pandas": "pandas", "polars": "polars", "pyarrow": "arrow", "numpy": "numpy"}
_QUANTILES = ("p50", "p95", "p99")


def compose(project: Project, content: Mapping[str, Any], *, fingerprint: Fingerprinter) -> Plan:
    """The plan of a project with the content of its TOML file.

    `fingerprint` digests a function's code and all it reaches. Raises DeclarationFaulty with every fault.
    """
    document = Document(project.values, content)
    faults: list[Fault] = []
    sources = _sources(project)
    for source in sources:
        faults += source.noria_faults
    known = {"source", "workspace", "serving", *(model.name for model in project.models)}
    document.known_only("", content, known)
    document.known_only("source", document.table("source"), [source.__name__ for source in sources])
    specs = {source.__name__: source_spec(document, source) for source in sources}
    models = [_Composer(model, document, faults, fingerprint).plan(specs) for model in project.models]
    views = _offered(project, faults)
    inputs = {} if faults else {model.name: model.training.inputs for model in models if model}
    graphs = graph_specs(project.graphs, inputs, [model.name for model in project.models], faults)
    if not project.models and not project.offered:
        hint = "decorate a training function with @project.model, or name its views with project.views(…)"
        faults.append(Fault(project.name, "declares no model", hint))
    workspace, memory = workspace_table(document), most_memory(document)
    if faults or document.faults:
        unique = dict.fromkeys([*faults, *document.faults])
        raise DeclarationFaulty(f"project {project.name!r}", unique, hint="mend them and run `noria plan`")
    return Plan(
        project.name, tuple(specs.values()), tuple(model for model in models if model), workspace, views, memory, graphs
    )


def _sources(project: Project) -> list[type[Source]]:
    found: dict[type[Source], None] = {}
    for model in project.models:
        found[model.label.of] = None
        for feature in model.features:
            if isinstance(feature, type) and issubclass(feature, FeatureView) and feature.noria_view.source:
                found |= dict.fromkeys(feature.noria_view.sources)
    for view in project.offered:
        found |= dict.fromkeys(view.noria_view.sources)
    named = {source.__name__: source for source in Source.__subclasses__()}
    for model in project.models:
        answer = model.label.answer
        owner = answer.source if isinstance(answer, ColumnRef | ColumnPredicate) else ""
        if owner in named and not any(source.__name__ == owner for source in found):
            found[named[owner]] = None
    return list(found)


def _offered(project: Project, faults: list[Fault]) -> tuple[ViewSpec, ...]:
    """The views that the project names without a model."""
    specs = []
    for view in dict.fromkeys(project.offered):
        found = view.noria_view.check()
        faults += found
        if not found:
            specs.append(view.noria_view.spec())
    return tuple(specs)


class _Composer:
    """Composes one model; every method adds what is wrong to the shared list of faults."""

    def __init__(self, model: Model[Any, Any], document: Document, faults: list[Fault], fingerprint: Fingerprinter):
        self.model, self.document, self.faults, self.fingerprint = model, document, faults, fingerprint

    def fault(self, place: str, message: str, hint: str = "") -> None:
        self.faults.append(Fault(f"{self.model.name}.{place}" if place else self.model.name, message, hint))

    def plan(self, specs: Mapping[str, Any]) -> ModelPlan | None:
        model = self.model
        label = self.label(model.label, specs)
        inputs = self.inputs(model.label.of)
        split = self.split()
        names = [column.name for column in input_columns(inputs)] if not self.faults else []
        gates = tuple(rule for rule in model.rules if self.gate(rule, model.label.of))
        watched = tuple(rule for rule in model.watched if self.watch(rule, "monitors", names))
        rollout = RolloutSpec(self.stages(), self.abort())
        code = self.fingerprint(model.function)
        training = TrainingSpec(
            function=_name(model.function),
            inputs=inputs,
            label=label,
            split=split,
            values=model_values(self.document, model.name, model.function),
            search=search_spec(self.document, model.name, model.function),
            frame=self.frame(),
            seed=self.number("seed", 0),
            threads=self.number("threads", 1),
            fingerprint=code.digest,
            code=code.parts,
        )
        used = {source for view in inputs.views for source in view.sources} | {inputs.source, label.source}
        sources = tuple(spec for name, spec in specs.items() if name in used)
        maturing = model.label.matures_after.micros
        monitors = MonitorSpec(tuple(rule for rule in watched if isinstance(rule, Rule)), matures_after=maturing)
        gate_spec = GateSpec(tuple(rule for rule in gates if isinstance(rule, Rule)))
        log = log_rules(self.document, model.name, training.inputs)
        cache, lane = cache_rules(self.document, model.name), lane_rules(self.document, model.name)
        return ModelPlan(
            model.name, sources, training, gate_spec, rollout, monitors, self.retrain(names), log, cache, lane,
            load_rules(self.document, model.name),
        )  # fmt: skip

    def label(self, label: Label, specs: Mapping[str, Any]) -> LabelSpec:
        answer, of = label.answer, label.of
        key = of.noria_schema.key or ""
        if not key:
            self.fault("label", f"{of.__name__} has no key", "mark the column that names a row with noria.key()")
        if not isinstance(answer, ColumnRef | ColumnPredicate):
            self.fault("label", f"{answer!r} is no column and no comparison of one", "such as Arrival.delay > 15")
            return LabelSpec(label.name, "", of.__name__, key, label.matures_after.micros)
        spec = specs.get(answer.source)
        for one in dict.fromkeys((of.__name__, answer.source)):
            if one in specs and specs[one].schema.retraction:
                self.fault("label", f"{one} takes rows back", "requests and answers are of sources whose rows stay")
        if key and spec is not None and key not in spec.schema:
            self.fault("label", f"{answer.source} has no column {key!r} to join with {of.__name__}")
        predicate = answer.predicate if isinstance(answer, ColumnPredicate) else None
        column = answer.column.name if isinstance(answer, ColumnRef) else None
        return LabelSpec(label.name, answer.source, of.__name__, key, label.matures_after.micros, predicate, column)

    def inputs(self, of: type[Source]) -> InputSet:
        schema = of.noria_schema
        views: list[ViewSpec] = []
        inputs: list[ViewInput | FunctionInput | ColumnInput] = []
        for feature in self.model.features:
            if isinstance(feature, type) and issubclass(feature, FeatureView):
                faults = feature.noria_view.check() or self.entity(feature, of)
                self.faults += faults
                if not faults:
                    views.append(feature.noria_view.spec())
                    inputs.append(ViewInput(feature.__name__, feature.noria_view.entities))
            elif isinstance(feature, ColumnRef):
                inputs += self.request_column(feature, of)
            elif callable(feature):
                inputs += self.function(feature, of)
            else:
                self.fault("features", f"{feature!r} is no view, function or column of {of.__name__}")
        if not self.model.features:
            self.fault("features", "a model needs at least one input")
        knowledge: Knowledge = "as_of_event" if self.model.hindsight else "as_known"
        return InputSet(
            of.__name__, schema.key or "", schema.event_time, schema.columns, tuple(views), tuple(inputs), knowledge
        )

    def entity(self, view: type[FeatureView[Any]], of: type[Source]) -> list[Fault]:
        declared = view.noria_view
        assert declared.source is not None
        faults = []
        for name in declared.entities:
            theirs, here = declared.source.noria_schema[name].dtype, of.__name__
            mine = of.noria_schema[name].dtype if name in of.noria_schema else None
            if mine is None:
                faults.append(Fault(view.__name__, f"looks up {name!r}, which {here} does not have"))
            elif mine != theirs:
                faults.append(Fault(view.__name__, f"{name!r} is {theirs} here but {mine} in {here}"))
        lists = [feature for feature in declared.features if feature.kind == "last_n"]
        hint = "use last(), first() or an aggregate; lists can be looked up, but are no input"
        return faults + [
            Fault(repr(feature), f"is a list, which {self.model.name} cannot take", hint) for feature in lists
        ]

    def request_column(self, ref: ColumnRef, of: type[Source]) -> list[ColumnInput]:
        if ref.source != of.__name__:
            self.fault(
                "features", f"{ref!r} is not known when asked", f"only columns of {of.__name__} are; make a view"
            )
            return []
        return [ColumnInput(ref.column.name, ref.column.dtype, ref.column.nullable)]

    def function(self, function: Callable[..., Any], of: type[Source]) -> list[FunctionInput]:
        name = function.__name__
        signature = inspect.signature(function, eval_str=True)
        returned = signature.return_annotation
        united = get_origin(returned) in (Union, UnionType)
        members = list(get_args(returned)) if united else [returned]
        plain = [one for one in members if one is not type(None)]
        dtype = _RETURNS.get(plain[0]) if len(plain) == 1 else None
        if dtype is None:
            self.faults.append(Fault(name, "does not say what it returns", "annotate it: -> int, float, str or bool"))
            return []
        columns = {column.name: column for column in of.noria_schema}
        for parameter in signature.parameters.values():
            column = columns.get(parameter.name)
            if column is None:
                hint = did_you_mean(parameter.name, columns) or f"{of.__name__} has {', '.join(columns)}"
                self.faults.append(Fault(name, f"takes {parameter.name!r}, which is no column of {of.__name__}", hint))
            elif parameter.annotation is datetime and column.dtype != "time":
                self.faults.append(Fault(name, f"takes {parameter.name!r} as a datetime; it is {column.dtype}"))
        digest = self.fingerprint(function).digest
        return [
            FunctionInput(name, _name(function), tuple(signature.parameters), dtype, len(plain) < len(members), digest)
        ]

    def split(self) -> SplitSpec:
        cut = self.model.cut
        if cut is None:
            self.fault("split", "is not said", "such as .split(train=days(180), test=days(14), gap=hours(30))")
            return SplitSpec(Duration(1), Duration(1), Duration(0))
        train, test, gap = cut
        if train.micros <= 0 or test.micros <= 0:
            self.fault("split", f"train={train} and test={test} must be above zero")
        if gap.micros < self.model.label.matures_after.micros:
            self.fault(
                "split", f"gap={gap} is shorter than the label takes to mature ({self.model.label.matures_after})"
            )
        return SplitSpec(train, test, gap)

    def gate(self, rule: object, of: type[Source]) -> bool:
        if not isinstance(rule, Rule):
            self.fault("gates", f"{rule!r} is no rule", "compare a metric: noria.metric('roc_auc') >= 0.65")
            return False
        for quantity in (rule.quantity, rule.threshold):
            if isinstance(quantity, Quantity):
                self.measured(quantity, "gates", ("metric", "worst", "champion", "latency"), [])
                if quantity.kind == "worst" and str(quantity.about[1]) not in of.noria_schema:
                    hint = did_you_mean(str(quantity.about[1]), of.noria_schema.names)
                    self.fault("gates", f"{quantity}: {of.__name__} has no column {quantity.about[1]!r}", hint)
        return True

    def watch(self, condition: object, place: str, names: Iterable[str]) -> bool:
        if not isinstance(condition, Condition):
            self.fault(place, f"{condition!r} is no rule", "compare a quantity: noria.drift(View) > 0.2")
            return False
        for leaf in condition.leaves():
            kinds = ("live", "drift", "missing", "latency", "errors", "every")
            self.measured(leaf.quantity, place, kinds, list(names))
        return True

    def measured(self, quantity: Quantity, place: str, kinds: tuple[str, ...], names: list[str]) -> None:
        kind, about = quantity.kind, quantity.about
        if kind not in kinds:
            self.fault(place, f"{quantity} cannot be measured here", f"{place} know {', '.join(kinds)}")
        if kind in ("metric", "worst", "champion", "live") and str(about[0]) not in METRICS:
            self.fault(
                place, f"there is no metric {about[0]!r}", did_you_mean(str(about[0]), METRICS) or ", ".join(METRICS)
            )
        if kind == "latency" and about[0] not in _QUANTILES:
            self.fault(place, f"there is no latency {about[0]!r}", f"known are {', '.join(_QUANTILES)}")
        for one in about if kind in ("drift", "missing") and names else ():
            if str(one) not in names and not any(name.startswith(f"{one}.") for name in names):
                self.fault(place, f"{quantity}: the model does not see {one}", did_you_mean(str(one), names))

    def stages(self) -> tuple[StageSpec, ...]:
        shares = [stage.share for stage in self.model.stages]
        if shares != sorted(shares):
            self.fault("rollout", "the share falls from one stage to the next", "put shadow first and let shares grow")
        return self.model.stages

    def abort(self) -> Rule | None:
        if self.model.abort is not None:
            self.measured(self.model.abort.quantity, "rollout", ("latency", "errors"), [])
        return self.model.abort

    def retrain(self, names: list[str]) -> RetrainSpec | None:
        if self.model.when is None or not self.watch(self.model.when, "retrain", names):
            return None
        cooldown = self.model.cooldown
        if not isinstance(cooldown, Trigger) or cooldown.quantity.kind != "every":
            self.fault("retrain", "at_most is a length of time", "such as at_most=noria.every(days(7))")
            return None
        return RetrainSpec(self.model.when, Duration(int(cooldown.quantity.about[0])))

    def frame(self) -> Frame:
        first = next(iter(inspect.signature(self.model.function, eval_str=True).parameters.values()), None)
        package = getattr(first.annotation, "__module__", "").split(".")[0] if first else ""
        if package not in _FRAMES:
            self.fault(
                "",
                "the first parameter does not say its frame",
                "X: pd.DataFrame, pl.DataFrame, pa.Table or np.ndarray",
            )
        return _FRAMES.get(package, "pandas")

    def number(self, name: str, default: int) -> int:
        value = self.document.table(self.model.name).get(name, default)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self.document.fault(f"{self.model.name}.{name}", f"must be a whole number, not {value!r}")
        return default


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}:{function.__qualname__}"
