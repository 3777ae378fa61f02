"""Reading any MLflow server over REST: runs, whole metric histories, files, logged and registered models."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from noria.core.errors import BadInput, NoriaError, NotFound
from noria.integrations.folders import safe_path
from noria.integrations.mlflow import shared
from noria.integrations.mlflow.rest import Server, proxied
from noria.tracking.model import Dataset, DatasetInput, ModelLink
from noria.tracking.transfer import (
    ForeignFile,
    ForeignLoggedModel,
    ForeignModel,
    ForeignRun,
    ForeignVersion,
    Gathered,
    Importer,
    LeftOut,
    Series,
)

_PAGE = 25_000


def recognises(source: str) -> bool:
    """Any http address."""
    return source.startswith(("http://", "https://"))


def read(source: str) -> Iterator[ForeignRun | LeftOut]:
    """Each active run of each active experiment, in the order they began."""
    with Server(source) as server:
        asked = {"max_results": 1000, "view_type": "ACTIVE_ONLY"}
        for experiment in server.pages("experiments/search", "experiments", asked):
            models = _models_by_run(server, experiment["experiment_id"])
            runs = {
                "experiment_ids": [experiment["experiment_id"]], "max_results": 500, "run_view_type": "ACTIVE_ONLY",
                "order_by": ["attributes.start_time ASC"],
            }  # fmt: skip
            for run in server.pages("runs/search", "runs", runs):
                yield _run(server, run, experiment, models)


def read_models(source: str) -> Iterator[ForeignModel]:
    """Each registered model."""
    with Server(source) as server:
        for one in server.pages("registered-models/search", "registered_models", {"max_results": 100}, method="GET"):
            name = str(one["name"])
            quoted = f'"{name}"' if "'" in name else f"'{name}'"
            asked = {"filter": f"name={quoted}", "max_results": 1000}
            found = server.pages("model-versions/search", "model_versions", asked, method="GET")
            yield ForeignModel(
                origin=f"mlflow-model:{name}",
                name=name,
                description=str(one.get("description") or ""),
                tags=_pairs(one.get("tags")),
                aliases={str(each["alias"]): int(each["version"]) for each in one.get("aliases") or ()},
                versions=sorted((_version(each) for each in found), key=lambda version: version.number),
            )


def history(server: Server, run_id: str, names: Iterable[str], notes: list[str]) -> Iterator[Series]:
    """The whole history of each of these metrics, a page at a time."""
    gathered = Gathered()
    for name in names:
        asked = {"run_id": run_id, "metric_key": name, "max_results": _PAGE}
        for point in server.pages("metrics/get-history", "metrics", asked, method="GET"):
            try:
                gathered.add(name, int(point.get("step") or 0), int(point["timestamp"]), float(point["value"]))
            except (ValueError, KeyError, TypeError) as error:
                notes.append(f"{name}: a point was left out: {error}")
            yield from gathered.full()
    yield from gathered.rest()


def _pairs(entries: Any) -> dict[str, str]:
    return {str(one["key"]): str(one.get("value", "")) for one in entries or ()}


def _run(
    server: Server, run: dict[str, Any], experiment: dict[str, Any], models: dict[str, list[dict[str, Any]]]
) -> ForeignRun:
    info, data = run["info"], run.get("data") or {}
    run_id = str(info.get("run_id") or info.get("run_uuid"))
    tags = _pairs(data.get("tags"))
    parent = tags.get(shared.PARENT)
    notes: list[str] = []
    given, made = run.get("inputs") or {}, run.get("outputs") or {}
    return ForeignRun(
        origin=shared.origin(run_id),
        experiment=str(experiment["name"]),
        name=str(info.get("run_name") or tags.get("mlflow.runName") or ""),
        state=shared.state(info.get("status")),
        started=_moment(info.get("start_time")),
        ended=_moment(info.get("end_time")),
        user=str(info.get("user_id") or tags.get("mlflow.user") or ""),
        params=_pairs(data.get("params")),
        tags=tags,
        series=history(server, run_id, [str(one["key"]) for one in data.get("metrics") or ()], notes),
        artifacts=_artifacts(server, run_id, str(info.get("artifact_uri") or ""), notes),
        parent=shared.origin(parent) if parent else None,
        id=shared.own_id(run_id),
        datasets=[_dataset(one) for one in given.get("dataset_inputs") or ()],
        models=(_logged_model(server, one, notes) for one in models.get(run_id, ())),
        models_in=[_link(one) for one in given.get("model_inputs") or ()],
        models_out=[_link(one) for one in made.get("model_outputs") or ()],
        experiment_tags=_pairs(experiment.get("tags")),
        notes=notes,
    )


def _moment(millis: Any) -> int | None:
    return shared.micros(int(millis)) if millis else None


def _link(entry: dict[str, Any]) -> ModelLink:
    return ModelLink(str(entry["model_id"]), int(entry.get("step") or 0))


def _dataset(entry: dict[str, Any]) -> DatasetInput:
    about = entry.get("dataset") or {}
    fields = {name: str(about.get(name) or "") for name in ("name", "digest", "source_type", "source")}
    return DatasetInput(
        Dataset(**fields, schema=about.get("schema"), profile=about.get("profile")), _pairs(entry.get("tags"))
    )


def _artifacts(server: Server, run_id: str, root: str, notes: list[str]) -> Iterator[ForeignFile]:
    def fetch(path: str, into: Path) -> None:
        server.download(root, path, into, run_id)

    yield from _fetched(lambda: server.run_listing(run_id), fetch, notes)


def _fetched(
    listing: Callable[[], Iterator[tuple[str, int]]], fetch: Callable[[str, Path], None], notes: list[str]
) -> Iterator[ForeignFile]:
    """Files one after the other, each on disk only while it is looked at."""
    with tempfile.TemporaryDirectory(prefix="noria-mlflow-") as folder:
        try:
            found = list(listing())
        except NoriaError as error:
            notes.append(f"files could not be listed: {error.message}")
            return
        for number, (path, _) in enumerate(found):
            place = Path(folder) / str(number)
            try:
                fetch(path, place)
            except NoriaError as error:
                notes.append(f"{path} could not be fetched: {error.message}")
                continue
            yield ForeignFile(safe_path(path), place)
            place.unlink(missing_ok=True)


def _models_by_run(server: Server, experiment: str) -> dict[str, list[dict[str, Any]]]:
    """Logged models by the run that made them; none on a server older than they are."""
    found: dict[str, list[dict[str, Any]]] = {}
    try:
        for one in server.pages("logged-models/search", "models", {"experiment_ids": [experiment], "max_results": 50}):
            found.setdefault(str(one["info"].get("source_run_id") or ""), []).append(one)
    except (NotFound, BadInput):
        return {}
    return found


def _logged_model(server: Server, model: dict[str, Any], notes: list[str]) -> ForeignLoggedModel:
    info, data = model["info"], model.get("data") or {}
    root, key = str(info.get("artifact_uri") or ""), str(info["model_id"])

    def fetch(path: str, into: Path) -> None:
        server.download(root, path, into)

    files: Iterator[ForeignFile]
    if proxied(root) is not None:
        files = _fetched(lambda: server.listing(root), fetch, notes)
    else:
        files = shared.local_files(root, key, notes)
    return ForeignLoggedModel(
        id=key,
        name=str(info.get("name") or key),
        kind=str(info.get("model_type") or ""),
        state=str(info.get("status") or "READY").removeprefix("LOGGED_MODEL_").removeprefix("UPLOAD_"),
        params=_pairs(data.get("params")),
        tags=_pairs(info.get("tags")),
        files=files,
    )


def _version(one: dict[str, Any]) -> ForeignVersion:
    run, stage = str(one.get("run_id") or ""), str(one.get("current_stage") or "")
    return ForeignVersion(
        number=int(one["version"]),
        source=str(one.get("source") or ""),
        run=shared.origin(run) if run else None,
        stage="" if stage == "None" else stage,
        description=str(one.get("description") or ""),
        tags=_pairs(one.get("tags")),
        created=_moment(one.get("creation_timestamp")),
        user=str(one.get("user_id") or ""),
    )


IMPORTER = Importer("mlflow-server", "MLflow server", recognises, read, read_models)
