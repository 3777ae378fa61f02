"""`Project` and `Model`: the sentences a project file is made of.

Everything here only remembers what was said; `compose` turns it into a plan and tells every fault at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

from noria.core.rules import Condition, Rule, Trigger
from noria.core.units import Duration
from noria.project.graph import Graph
from noria.project.sources import Source
from noria.project.views import FeatureView
from noria.rollout.model import StageSpec

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Label:
    """What is to be predicted about a row of `of`, and how long an answer may take to come."""

    name: str
    answer: object
    of: type[Source]
    matures_after: Duration


class Model(Generic[P, R]):
    """A training function with everything said about it. Calling it calls the function, for tests and notebooks."""

    def __init__(
        self, function: Callable[P, R], features: Sequence[object], label: Label, *, hindsight: bool = False
    ) -> None:
        self.function = function
        self.features = tuple(features)
        self.label = label
        self.hindsight = hindsight
        self.name = function.__name__
        self.__doc__ = function.__doc__
        self.cut: tuple[Duration, Duration, Duration] | None = None
        self.rules: tuple[object, ...] = ()
        self.stages: tuple[StageSpec, ...] = ()
        self.abort: Rule | None = None
        self.watched: tuple[object, ...] = ()
        self.when: Condition | None = None
        self.cooldown: Trigger | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def split(self, *, train: Duration, test: Duration, gap: Duration) -> None:
        """How history is cut: `train` long, tested on the `test` after it, `gap` apart so that labels mature."""
        self.cut = (train, test, gap)

    def gates(self, *rules: Rule) -> None:
        """The rules that a new version must pass, all of them. "Not run" is no pass."""
        self.rules = rules

    def rollout(self, *stages: StageSpec, abort: Rule | None = None) -> None:
        """How a new version takes over: the stages in order, and the rule that ends it at any look."""
        self.stages, self.abort = stages, abort

    def monitors(self, *rules: Rule) -> None:
        """What is watched while the model serves; a rule that holds raises an alarm."""
        self.watched = rules

    def retrain(self, when: Condition, *, at_most: Trigger) -> None:
        """When a new turn starts by itself, and how much time lies between two at least."""
        self.when, self.cooldown = when, at_most


class Project:
    """A project: its name, and the TOML file beside the module that holds its values.

    Example::

        project = noria.Project("flights", values="flights.toml")
    """

    def __init__(self, name: str, *, values: str | None = None) -> None:
        self.name = name
        self.values = values or f"{name}.toml"
        self.models: list[Model[Any, Any]] = []
        self.functions: list[Callable[..., Any]] = []
        self.offered: list[type[FeatureView[Any]]] = []
        self.graphs: list[Graph] = []

    def views(self, *views: type[FeatureView[Any]]) -> None:
        """Views that belong to the project although no model reads them yet; those that one reads need no mention."""
        self.offered += views

    def feature(self, function: F) -> F:
        """Mark a plain function as a feature; its parameters are columns of the request."""
        self.functions.append(function)
        return function

    def label(self, name: str, answer: object, *, of: type[Source], matures_after: Duration) -> Label:
        """What is to be predicted about rows of `of`.

        `answer` is a column (regression) or a comparison (classification) of the source whose row with the
        same key tells the truth, once it comes; without one after `matures_after`, there is no label.
        """
        return Label(name, answer, of, matures_after)

    def model(
        self, *, features: Sequence[object], label: Label, hindsight: bool = False
    ) -> Callable[[Callable[P, R]], Model[P, R]]:
        """Mark a training function: called with `X`, `y` and its keyword-only values, it returns a fitted model.

        `features` are views, `@project.feature` functions and columns of the request, in the order in which
        they become columns of `X`. The annotation of the first parameter picks the kind of frame.
        With `hindsight` training rows have features of all that is known now, not of what was known when each
        was asked: a served model never sees as much. It is written down with whatever was trained so.
        """

        def mark(function: Callable[P, R]) -> Model[P, R]:
            model = Model(function, features, label, hindsight=hindsight)
            self.models.append(model)
            return model

        return mark

    def sequence(
        self,
        name: str,
        *steps: object,
        before: Callable[..., Any] | None = None,
        after: Callable[..., Any] | None = None,
    ) -> Graph:
        """A served name whose answer is its last member's, when each has been asked after the other.

        A step is a model, another graph, or the name of one. Its answer is the column of its name in the rows that
        later steps are asked about; `(model, "column")` gives it another name. `before(row)` makes the row that is
        asked about, `after(answer, row)` the answer that is given.
        """
        return self._graph(Graph(name, "sequence", steps, before=before, after=after))

    def ensemble(
        self,
        name: str,
        *members: object,
        combine: str = "mean",
        weights: Sequence[float] | None = None,
        threshold: float = 0.5,
        before: Callable[..., Any] | None = None,
        after: Callable[..., Any] | None = None,
    ) -> Graph:
        """A served name whose answer is made of its members', which are asked about the same row at the same time.

        `combine` is "mean", "weighted" (by `weights`), "max", "min" or "vote": 1 when more than half of the members (by
        `weights`, where there are some) answer `threshold` or above, else 0. `before` and `after` are as in `sequence`.
        """
        return self._graph(Graph(name, "ensemble", members, combine, weights, threshold, before, after))

    def _graph(self, graph: Graph) -> Graph:
        self.graphs.append(graph)
        return graph
