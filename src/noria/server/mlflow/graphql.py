"""The few GraphQL queries of MLflow's web page, answered from what the REST requests answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from noria.core.errors import NoriaError
from noria.server.mlflow import artifact_lists, experiments, metrics, model_versions, runs
from noria.server.mlflow.answers import Answer, encode
from noria.server.mlflow.faults import invalid, reply_to
from noria.server.mlflow.graphql_text import Field, read_query
from noria.server.mlflow.wire import Message, from_fields
from noria.server.mlflow.wording import reworded
from noria.workspace.workspace import Workspace

_MOST_ROOTS = 10
_TYPES: Mapping[str, Mapping[str, str]] = {
    "MlflowGetRunResponse": {"run": "MlflowRunExtension"},
    "MlflowSearchRunsResponse": {"runs": "[MlflowRunExtension"},
    "MlflowRunExtension": {
        "info": "MlflowRunInfo", "data": "MlflowRunData", "inputs": "MlflowRunInputs", "outputs": "MlflowRunOutputs",
        "experiment": "MlflowExperiment", "modelVersions": "[MlflowModelVersion",
    },
    "MlflowRunData": {"metrics": "[MlflowMetricExtension", "params": "[MlflowParam", "tags": "[MlflowRunTag"},
    "MlflowRunInputs": {"datasetInputs": "[MlflowDatasetInput", "modelInputs": "[MlflowModelInput"},
    "MlflowRunOutputs": {"modelOutputs": "[MlflowModelOutput"},
    "MlflowDatasetInput": {"tags": "[MlflowInputTag", "dataset": "MlflowDataset"},
    "MlflowGetExperimentResponse": {"experiment": "MlflowExperiment"},
    "MlflowExperiment": {"tags": "[MlflowExperimentTag"},
    "MlflowSearchModelVersionsResponse": {"modelVersions": "[MlflowModelVersion"},
    "MlflowModelVersion": {"tags": "[MlflowModelVersionTag", "aliases": "["},
    "MlflowListArtifactsResponse": {"files": "[MlflowFileInfo"},
    "MlflowGetMetricHistoryBulkIntervalResponse": {"metrics": "[MlflowMetricWithRunId"},
}  # fmt: skip
"""The fields of each type that are objects, or lists of something (`[`)."""
_LONGS = frozenset({
    "startTime", "endTime", "timestamp", "step", "lastUpdateTime", "creationTime", "creationTimestamp",
    "lastUpdatedTimestamp", "fileSize",
})  # fmt: skip
_NULLS = frozenset({"value", "isDir", "apiError"})

Root = tuple[type[Message], Callable[[Workspace, Any], Answer], str]
_ROOTS: Mapping[str, Root] = {
    "mlflowGetRun": (runs.One, runs.get, "MlflowGetRunResponse"),
    "mlflowSearchRuns": (runs.Search, runs.search, "MlflowSearchRunsResponse"),
    "mlflowGetExperiment": (experiments.One, experiments.get, "MlflowGetExperimentResponse"),
    "mlflowListArtifacts": (artifact_lists.OfOneRun, artifact_lists.list_of_run, "MlflowListArtifactsResponse"),
    "mlflowSearchModelVersions": (model_versions.Search, model_versions.search, "MlflowSearchModelVersionsResponse"),
    "mlflowGetMetricHistoryBulkInterval": (
        metrics.Interval, metrics.get_interval, "MlflowGetMetricHistoryBulkIntervalResponse",
    ),
}  # fmt: skip


class Query(Message):
    """A GraphQL request."""

    query: str = ""
    variables: dict[str, Any] | None = None
    operation: str = msgspec.field(default="", name="operationName")


def answer(ws: Workspace, asked: Query) -> Answer:
    """Answer a query. What one field cannot be answered with is told in `errors`. Raises Refused for no query."""
    fields = read_query(asked.query, asked.operation or None, asked.variables or {})
    if len(fields) > _MOST_ROOTS:
        raise invalid(f"A GraphQL query may ask for {_MOST_ROOTS} things at once, not {len(fields)}.")
    data: dict[str, Any] = {}
    errors: list[str] = []
    for one in fields:
        try:
            data[one.key] = _root(ws, one)
        except NoriaError as error:
            data[one.key] = None
            errors.append(reply_to(reworded(error))[1]["message"])
    return {"data": data, "errors": errors or None}


def _root(ws: Workspace, asked: Field) -> Any:
    if asked.name == "__typename":
        return "Query"
    if asked.name not in _ROOTS:
        raise invalid(f"Cannot query field '{asked.name}' on type 'Query'.")
    kind, find, name = _ROOTS[asked.name]
    given = asked.arguments.get("input") or {}
    if not isinstance(given, dict):
        raise invalid("The argument 'input' is an object.")
    message = from_fields(kind, {_snake(key): value for key, value in given.items()})
    found: Any = message_answer(find(ws, message))
    for run, wanted in (
        (found.get("run"), asked.child("run")),
        *((one, asked.child("runs")) for one in found.get("runs", ())),
    ):
        if run and wanted:
            _extend(ws, run, wanted)
    return _shaped(found, asked, name)


def message_answer(answer: Answer) -> Any:
    """An answer as plain values, also where it holds JSON that is made already."""
    return msgspec.json.decode(encode(answer))


def _extend(ws: Workspace, run: dict[str, Any], wanted: Field) -> None:
    """What a run has besides itself: its experiment and the versions registered from it, if they are asked for."""
    if wanted.child("experiment"):
        asked = from_fields(experiments.One, {"experiment_id": run["info"]["experiment_id"]})
        run["experiment"] = experiments.get(ws, asked)["experiment"]
    if wanted.child("modelVersions"):
        of_run = from_fields(model_versions.Search, {"filter": f"run_id='{run['info']['run_id']}'"})
        run["model_versions"] = model_versions.search(ws, of_run).get("model_versions", [])


def _shaped(value: Any, asked: Field, kind: str) -> Any:
    """An object with just the fields that are asked for."""
    types = _TYPES.get(kind, {})
    shaped: dict[str, Any] = {}
    for one in asked.fields:
        if one.name == "__typename":
            shaped[one.key] = kind
            continue
        found, type_ = value.get(_snake(one.name)), types.get(one.name)
        if type_ is None:
            shaped[one.key] = _scalar(one.name, found, number=kind.startswith("MlflowMetric"))
        elif type_.startswith("["):
            items = found or []
            shaped[one.key] = [_shaped(item, one, type_[1:]) for item in items] if type_[1:] else items
        else:
            shaped[one.key] = _shaped(found or {}, one, type_)
    return shaped


def _scalar(name: str, value: Any, *, number: bool) -> Any:
    """A plain value as protobuf's defaults and GraphQL's types have it: 64-bit integers are texts.

    `number` says that a `value` is one, so that a text there is NaN or an infinity, which GraphQL does not have.
    """
    if name in _LONGS:
        return str(value or 0)
    if value is None:
        return None if name in _NULLS else ""
    return None if number and name == "value" and isinstance(value, str) else value


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
