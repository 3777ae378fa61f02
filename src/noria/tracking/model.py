"""What tracking speaks of: experiments, runs, the points and inputs they logged, logged models, artifacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from noria.core.clock import Micros

RunState = Literal["running", "scheduled", "finished", "failed", "killed"]
Stage = Literal["active", "deleted"]
"""A deleted experiment, run or logged model can be restored until it is collected."""
Millis = int
"""A logged moment as the client said it: milliseconds since the epoch in every tracking protocol."""
DEFAULT_EXPERIMENT = 0
"""The experiment that is always there, named `Default`."""


@dataclass(frozen=True)
class Experiment:
    """A named set of runs."""

    key: int
    name: str
    artifact_root: str
    stage: Stage
    created: Micros
    updated: Micros
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Point:
    """One value of one metric. `value` may be NaN; infinities are kept as the largest finite doubles."""

    metric: str
    value: float
    at: Millis
    step: int = 0


@dataclass(frozen=True)
class Dataset:
    """A version of data, as a run names it; `source`, `schema` and `profile` are what the client said."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None


@dataclass(frozen=True)
class DatasetInput:
    """A dataset that a run used, with the tags of that use."""

    dataset: Dataset
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelLink:
    """A logged model that went into a run, or came out of it at a step."""

    model: str
    step: int = 0


@dataclass(frozen=True)
class Run:
    """One thing that was run: what it was given, and what it measured.

    `key` is the row's number, `id` the name people and programs use. `model` and `kind` are set for runs of
    Noria's own turns and empty otherwise; `inputs` is what a turn started from. `metrics` are the newest points.
    """

    key: int
    id: str
    experiment: int
    name: str
    actor: str
    state: RunState
    stage: Stage
    started: Micros | None
    ended: Micros | None
    artifact_root: str
    model: str = ""
    kind: str = ""
    note: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Point] = field(default_factory=dict)
    datasets: Sequence[DatasetInput] = ()
    models_in: Sequence[ModelLink] = ()
    models_out: Sequence[ModelLink] = ()


@dataclass(frozen=True)
class ModelMetric:
    """A value of a logged model, measured by a run, perhaps on a dataset."""

    point: Point
    run: str
    dataset_name: str | None = None
    dataset_digest: str | None = None


@dataclass(frozen=True)
class LoggedModel:
    """A model that a run wrote, before or without being registered."""

    key: int
    id: str
    experiment: int
    name: str
    kind: str | None
    state: str
    state_message: str | None
    source_run: str | None
    artifact_root: str
    stage: Stage
    created: Micros
    updated: Micros
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[ModelMetric] = ()


@dataclass(frozen=True)
class Artifact:
    """A file or folder that a run kept. `path` is relative to the root asked for; a folder has no digest."""

    path: str
    digest: str | None
    size: int
