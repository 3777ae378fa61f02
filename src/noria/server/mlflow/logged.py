"""What runs log: metrics, params, tags, inputs and outputs.

The small writes here share transactions with others that wait (see `lanes`), and each may be sent again by a client
that did not hear the answer: the same point, param or tag a second time changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import sqlalchemy as sa

from noria.server.mlflow.answers import DONE, Answer
from noria.server.mlflow.faults import Refused, invalid, invalid_value, missing
from noria.server.mlflow.routes import Route, joins, writes
from noria.server.mlflow.validation import check_batch, check_run_id
from noria.server.mlflow.wire import Int64, Message, Names, OfRun, Pair
from noria.server.mlflow.wording import in_lists, params_changed
from noria.tracking import history, inputs, tags
from noria.tracking.located import Located, locate
from noria.tracking.model import Dataset, DatasetInput, ModelLink, Point
from noria.tracking.model_metrics import ModelPoints, record_model_metrics
from noria.tracking.names import BadName, check_key, check_keys
from noria.tracking.params import ParamChanged, log_params
from noria.tracking.tables import run_tags
from noria.workspace.workspace import Workspace

_INPUT_BYTES = 64 << 20
"""A dataset's profile alone may have 16 MB."""
_LOGGED_MODELS = "mlflow.log-model.history"
_MODEL_FIELDS = frozenset({"artifact_path", "flavors", "utc_time_created", "run_id"})


class Metric(msgspec.Struct, gc=False):
    """One point of a batch; with a model's id it is a point of that model, too."""

    key: str = ""
    value: float | None = None
    timestamp: Int64 | None = None
    step: Int64 = 0
    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""


class LogMetric(OfRun):
    """One point of a run's metric; with a model's id a point of that model, too."""

    key: str = ""
    value: float | None = None
    timestamp: Int64 | None = None
    step: Int64 = 0
    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""
    required: ClassVar[Names] = ("run_id", "key", "value", "timestamp")


class LogParam(OfRun):
    """A param or a tag of a run."""

    key: str = ""
    value: str = ""
    required: ClassVar[Names] = ("run_id", "key")


class DeleteTag(Message):
    """A tag's name."""

    run_id: str = ""
    key: str = ""
    required: ClassVar[Names] = ("run_id", "key")


class LogBatch(Message):
    """Points, params and tags of a run."""

    run_id: str = ""
    metrics: list[Metric] = msgspec.field(default_factory=list)
    params: list[Pair] = msgspec.field(default_factory=list)
    tags: list[Pair] = msgspec.field(default_factory=list)
    required: ClassVar[Names] = ("run_id",)


class UsedData(msgspec.Struct):
    """A dataset as a client tells of it."""

    name: str | None = None
    digest: str | None = None
    source_type: str | None = None
    source: str | None = None
    schema: str | None = None
    profile: str | None = None


class UsedDataset(msgspec.Struct):
    """A dataset's use, with the tags of it."""

    tags: list[Pair] = msgspec.field(default_factory=list)
    dataset: UsedData | None = None


class Link(msgspec.Struct):
    """A model that went into a run or came out of it."""

    model_id: str = ""
    step: Int64 = 0


class LogInputs(Message):
    """Datasets and models that a run used."""

    run_id: str = ""
    datasets: list[UsedDataset] = msgspec.field(default_factory=list)
    models: list[Link] = msgspec.field(default_factory=list)
    required: ClassVar[Names] = ("run_id",)


class LogOutputs(Message):
    """Models that came out of a run."""

    run_id: str = ""
    models: list[Link] | None = None
    required: ClassVar[Names] = ("run_id", "models")


class LogModel(Message):
    """A model as clients of version 2 tell of it, as JSON in a text."""

    run_id: str = ""
    model_json: str = ""
    required: ClassVar[Names] = ("run_id", "model_json")


def log_metric(ws: Workspace, connection: sa.Connection, asked: LogMetric) -> Answer:
    """Write one point."""
    assert asked.value is not None and asked.timestamp is not None
    check_key("metric", asked.key)
    if asked.timestamp < 0:
        raise _before_time("", asked.key, asked.value, asked.timestamp)
    run = locate(connection, asked.run_id)
    columns = [asked.key], [asked.value], [asked.timestamp], [asked.step]
    history.append_raw(ws, connection, run.key, run.experiment, *columns)
    if asked.model_id:
        point = Point(asked.key, asked.value, asked.timestamp, asked.step)
        named = asked.dataset_name or None, asked.dataset_digest or None
        record_model_metrics(connection, run, ModelPoints(asked.model_id, [point], *named))
    return DONE


def log_param(_ws: Workspace, connection: sa.Connection, asked: LogParam) -> Answer:
    """Write a param once: the same value again changes nothing, another one is refused."""
    log_params(connection, locate(connection, asked.run_id), {asked.key: asked.value})
    return DONE


def set_tag(_ws: Workspace, connection: sa.Connection, asked: LogParam) -> Answer:
    """Tag a run; again changes nothing."""
    tags.set_tags(connection, locate(connection, asked.run_id), {asked.key: asked.value})
    return DONE


def delete_tag(_ws: Workspace, connection: sa.Connection, asked: DeleteTag) -> Answer:
    """Take a tag away; one that is not there is an error."""
    tags.delete_tag(connection, locate(connection, asked.run_id), asked.key)
    return DONE


def log_batch(ws: Workspace, connection: sa.Connection, asked: LogBatch) -> Answer:
    """All of a batch or nothing of it."""
    check_run_id(asked.run_id)
    metrics = asked.metrics
    check_batch(len(metrics), len(asked.params), len(asked.tags))
    keys = [one.key for one in metrics]
    values = [one.value for one in metrics]
    ats = [one.timestamp for one in metrics]
    if metrics:
        _check_metrics(keys, values, ats)
    for what, pairs in (("params", asked.params), ("tags", asked.tags)):
        for place, pair in enumerate(pairs):
            if not pair.key:
                raise missing(f"{what}[{place}].key")
    try:
        check_keys("metric", keys)
        run = locate(connection, asked.run_id)
        log_params(connection, run, [(one.key, one.value) for one in asked.params])
        steps = [one.step for one in metrics]
        history.append_raw(ws, connection, run.key, run.experiment, keys, values, ats, steps)  # type: ignore[arg-type]
        if any(one.model_id for one in metrics):
            _log_of_models(connection, run, metrics)
        tags.set_tags(connection, run, [(one.key, one.value) for one in asked.tags])
    except BadName as error:
        raise in_lists(error) from error
    except ParamChanged as error:
        raise params_changed(error) from error
    return DONE


def log_inputs(ws: Workspace, asked: LogInputs) -> Answer:
    """Say which data and models a run used; again changes nothing."""
    check_run_id(asked.run_id)
    used = [_dataset_input(one) for one in asked.datasets]
    inputs.log_inputs(ws, asked.run_id, used, [ModelLink(one.model_id) for one in asked.models])
    return DONE


def log_outputs(ws: Workspace, asked: LogOutputs) -> Answer:
    """Say which models came out of a run; again changes nothing."""
    inputs.log_outputs(ws, asked.run_id, [ModelLink(one.model_id, one.step) for one in asked.models or ()])
    return DONE


def log_model(_ws: Workspace, connection: sa.Connection, asked: LogModel) -> Answer:
    """What clients of version 2 tell of a model they logged: it is kept as a tag of its run."""
    try:
        model = json.loads(asked.model_json)
    except (ValueError, RecursionError):
        raise invalid(f"Malformed model info. \n {asked.model_json} \n is not a valid JSON.") from None
    if not isinstance(model, dict) or (absent := _MODEL_FIELDS - model.keys()):
        fields = ", ".join(map(repr, sorted(absent if isinstance(model, dict) else _MODEL_FIELDS)))
        raise invalid(f"Model json is missing mandatory fields: {{{fields}}}")
    run = locate(connection, asked.run_id)
    chosen = (run_tags.c.run == run.key, run_tags.c.name == _LOGGED_MODELS)
    before = connection.execute(sa.select(run_tags.c.value).where(*chosen)).scalar()
    told = {name: value for name, value in model.items() if name not in ("signature", "saved_input_example_info")}
    tags.set_tags(connection, run, {_LOGGED_MODELS: json.dumps([*_listed(before), told])})
    return DONE


def _listed(before: str | None) -> list[Any]:
    """The models a tag tells of; a tag that was cut short tells of none."""
    try:
        found = json.loads(before or "[]")
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def _check_metrics(keys: Sequence[str], values: Sequence[float | None], ats: Sequence[int | None]) -> None:
    if "" in keys or None in values or None in ats:
        for place, (key, value, at) in enumerate(zip(keys, values, ats, strict=True)):
            for name, told in (("key", key or None), ("value", value), ("timestamp", at)):
                if told is None:
                    raise missing(f"metrics[{place}].{name}")
    if min(ats) < 0:  # type: ignore[type-var, operator]
        for place, (key, value, at) in enumerate(zip(keys, values, ats, strict=True)):
            if at is not None and at < 0:
                raise _before_time(f"metrics[{place}].", key, value, at)


def _before_time(path: str, key: str, value: float | None, at: int) -> Refused:
    why = f"metric '{key}' (value={value}). Timestamp must be a nonnegative long (64-bit integer) "
    return invalid(invalid_value(f"{path}timestamp", at, why))


def _log_of_models(connection: sa.Connection, run: Located, metrics: Sequence[Metric]) -> None:
    """Points of models, each model and dataset at once."""
    measured: dict[tuple[str, str, str], list[Point]] = {}
    for one in metrics:
        if one.model_id:
            named = (one.model_id, one.dataset_name, one.dataset_digest)
            point = Point(one.key, one.value or 0.0, one.timestamp or 0, one.step)
            measured.setdefault(named, []).append(point)
    for (model, name, digest), points in sorted(measured.items()):
        record_model_metrics(connection, run, ModelPoints(model, points, name or None, digest or None))


def _dataset_input(used: UsedDataset) -> DatasetInput:
    data = used.dataset
    if data is None:
        raise missing("dataset")
    for name in ("name", "digest", "source_type", "source"):
        if getattr(data, name) is None:
            raise missing(name)
    dataset: dict[str, Any] = msgspec.structs.asdict(data)
    return DatasetInput(Dataset(**dataset), {tag.key: tag.value for tag in used.tags})


ROUTES: list[Route] = [
    joins("/mlflow/runs/log-metric", LogMetric, log_metric),
    joins("/mlflow/runs/log-parameter", LogParam, log_param),
    joins("/mlflow/runs/log-batch", LogBatch, log_batch),
    joins("/mlflow/runs/set-tag", LogParam, set_tag),
    joins("/mlflow/runs/delete-tag", DeleteTag, delete_tag),
    joins("/mlflow/runs/log-model", LogModel, log_model),
    writes("POST", "/mlflow/runs/log-inputs", LogInputs, log_inputs, most_bytes=_INPUT_BYTES),
    writes("POST", "/mlflow/runs/outputs", LogOutputs, log_outputs),
]
