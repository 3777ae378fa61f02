"""MLflow's file store: a folder an experiment, a folder a run, a text file for each parameter, tag and metric."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from noria.integrations.folders import beneath, readable_text
from noria.integrations.mlflow import shared
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
    Unreadable,
)

_META = "meta.yaml"
_MODELS, _TRASH = "models", ".trash"


def recognises(source: str) -> bool:
    """A folder whose folders have a `meta.yaml`, or one that has such a folder as `mlruns`."""
    return _root(Path(source)) is not None


def read(source: str | Path) -> Iterator[ForeignRun | LeftOut]:
    """Each run that was not deleted, experiment by experiment, in the order they began."""
    root = _root(Path(source))
    if root is None:
        raise Unreadable(source, None, "no MLflow file store is here", hint="give the `mlruns` folder")
    for folder in _folders(root):
        if folder.name == _MODELS:
            continue
        try:
            experiment = _meta(folder / _META)
        except Unreadable as error:
            if (folder / _META).exists():
                yield LeftOut(str(folder), error.message)
            continue
        yield from _runs(folder, experiment)
    for folder in _folders(root / _TRASH):
        yield LeftOut(str(folder), "the experiment was deleted there")


def read_models(source: str | Path) -> Iterator[ForeignModel]:
    """Each registered model."""
    root = _root(Path(source))
    for folder in _folders(root / _MODELS) if root is not None else ():
        if not (folder / _META).exists():
            continue
        meta = _meta(folder / _META)
        name = str(meta.get("name", folder.name))
        versions = [_version(one) for one in _folders(folder) if one.name.startswith("version-")]
        aliases = dict(_texts(folder / "aliases"))
        yield ForeignModel(
            origin=f"mlflow-model:{name}",
            name=name,
            description=str(meta.get("description") or ""),
            tags=dict(_texts(folder / "tags")),
            aliases={alias: int(number) for alias, number in aliases.items() if number.strip().isdigit()},
            versions=sorted((one for one in versions if one is not None), key=lambda one: one.number),
        )


def _root(path: Path) -> Path | None:
    for root in (path, path / "mlruns"):
        if root.is_dir() and any((one / _META).exists() for one in root.iterdir() if one.is_dir()):
            return root
    return None


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(one for one in path.iterdir() if one.is_dir())
    except OSError:
        return []


def _meta(path: Path) -> dict[str, Any]:
    """A `meta.yaml`. Raises Unreadable."""
    import yaml

    text = readable_text(path, 1 << 20)
    if text is None:
        raise Unreadable(path, None, "is not there, or is larger than a meta.yaml can be")
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise Unreadable(path, getattr(mark, "index", None), "is no YAML") from error
    if not isinstance(found, dict):
        raise Unreadable(path, 0, "is no YAML object")
    return found


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """(name, content) of each file below a folder; a name with a slash is a file in a folder."""
    notes: list[str] = []
    for file in beneath(folder, notes) if folder.is_dir() else ():
        text = readable_text(folder / file.path)
        if text is not None:
            yield file.path, text


def _runs(folder: Path, experiment: dict[str, Any]) -> Iterator[ForeignRun | LeftOut]:
    tags = dict(_texts(folder / "tags"))
    found: list[tuple[int, Path, dict[str, Any]]] = []
    for one in _folders(folder):
        if one.name in ("tags", "datasets", "models", "traces") or not (one / _META).exists():
            continue
        try:
            meta = _meta(one / _META)
        except Unreadable as error:
            yield LeftOut(str(one), error.message)
            continue
        if "run_id" not in meta and "run_uuid" not in meta:
            yield LeftOut(str(one), "its meta.yaml names no run")
        elif meta.get("lifecycle_stage") == "deleted":
            yield LeftOut(str(one), "the run was deleted there")
        else:
            found.append((meta.get("start_time") or 0, one, meta))
    models = _models_by_run(folder)
    for _, one, meta in sorted(found, key=lambda each: (each[0], each[1].name)):
        yield _run(one, meta, str(experiment.get("name", folder.name)), tags, models)


def _models_by_run(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for one in _folders(folder / "models"):
        try:
            found.setdefault(str(_meta(one / _META).get("source_run_id")), []).append(one)
        except Unreadable:
            continue
    return found


def _run(
    folder: Path, meta: dict[str, Any], experiment: str, experiment_tags: dict[str, str], models: dict[str, list[Path]]
) -> ForeignRun:
    run_id = str(meta.get("run_id") or meta.get("run_uuid"))
    tags = dict(_texts(folder / "tags"))
    notes: list[str] = []
    parent = tags.get(shared.PARENT)
    return ForeignRun(
        origin=shared.origin(run_id),
        experiment=experiment,
        name=str(meta.get("run_name") or tags.get("mlflow.runName") or ""),
        state=shared.state(meta.get("status")),
        started=shared.micros(meta.get("start_time")),
        ended=shared.micros(meta.get("end_time")),
        user=str(meta.get("user_id") or ""),
        params=dict(_texts(folder / "params")),
        tags=tags,
        series=_series(folder / "metrics", notes),
        artifacts=_artifacts(folder, meta, run_id, notes),
        parent=shared.origin(parent) if parent else None,
        id=shared.own_id(run_id),
        datasets=list(_datasets(folder, notes)),
        models=(_logged_model(one, notes) for one in models.get(run_id, ())),
        models_in=_links(folder / "inputs", "MODEL"),
        models_out=_links(folder / "outputs", "RUN_OUTPUT"),
        experiment_tags=experiment_tags,
        notes=notes,
    )


def _artifacts(folder: Path, meta: dict[str, Any], run_id: str, notes: list[str]) -> Iterator[ForeignFile]:
    if (folder / "artifacts").is_dir():
        yield from beneath(folder / "artifacts", notes)
    else:
        yield from shared.local_files(str(meta.get("artifact_uri") or ""), run_id, notes)


def _series(folder: Path, notes: list[str]) -> Iterator[Series]:
    """Every metric; a line is `milliseconds value step`, the last missing in very old stores."""
    for file in beneath(folder, notes) if folder.is_dir() else ():
        gathered, at = Gathered(), 0
        with (folder / file.path).open("rb") as lines:
            for line in lines:
                try:
                    said = line.split()
                    step = int(said[2]) if len(said) > 2 else 0
                    gathered.add(file.path, step, int(float(said[0])), float(said[1]))
                except (ValueError, IndexError, OverflowError):
                    if line.strip():
                        notes.append(f"{folder / file.path}, byte {at}: a line that is no point was left out")
                at += len(line)
                yield from gathered.full()
        yield from gathered.rest()


def _datasets(folder: Path, notes: list[str]) -> Iterator[DatasetInput]:
    for one in _folders(folder / "inputs"):
        try:
            link = _meta(one / _META)
            if link.get("source_type") != "DATASET":
                continue
            key = Path(str(link["source_id"])).name
            about = _meta(folder.parent / "datasets" / key / _META)
            fields = {name: str(about.get(name) or "") for name in ("name", "digest", "source_type", "source")}
            profile = {name: str(about[name]) for name in ("schema", "profile") if about.get(name)}
            tags = {str(name): str(value) for name, value in (link.get("tags") or {}).items()}
            yield DatasetInput(Dataset(**fields, **profile), tags)
        except (Unreadable, KeyError, AttributeError) as error:
            notes.append(f"{one}: a dataset could not be read: {error}")


def _links(folder: Path, kind: str) -> list[ModelLink]:
    found = []
    for one in _folders(folder):
        try:
            link = _meta(one / _META)
        except Unreadable:
            continue
        if str(link.get("source_type", "")).startswith(kind):
            key = "destination_id" if "OUTPUT" in kind else "source_id"
            found.append(ModelLink(str(link.get(key)), _int(link.get("step"))))
    return found


def _logged_model(folder: Path, notes: list[str]) -> ForeignLoggedModel:
    meta = _meta(folder / _META)
    return ForeignLoggedModel(
        id=folder.name,
        name=str(meta.get("name") or folder.name),
        kind=str(meta.get("model_type") or ""),
        state=shared.MODEL_STATES.get(_int(meta.get("status")), "READY"),
        params=dict(_texts(folder / "params")),
        tags=dict(_texts(folder / "tags")),
        files=beneath(folder / "artifacts", notes) if (folder / "artifacts").is_dir() else (),
    )


def _version(folder: Path) -> ForeignVersion | None:
    try:
        meta = _meta(folder / _META)
        number = int(folder.name.removeprefix("version-"))
    except (Unreadable, ValueError):
        return None
    if meta.get("current_stage") == shared.DELETED_VERSION:
        return None
    run = str(meta.get("run_id") or "")
    stage = str(meta.get("current_stage") or "")
    return ForeignVersion(
        number=number,
        source=str(meta.get("source") or ""),
        run=shared.origin(run) if run else None,
        stage="" if stage in ("None", "") else stage,
        description=str(meta.get("description") or ""),
        tags=dict(_texts(folder / "tags")),
        created=shared.micros(meta.get("creation_timestamp")),
        user=str(meta.get("user_id") or ""),
    )


def _int(value: Any) -> int:
    return value if isinstance(value, int) else 0


IMPORTER = Importer("mlflow-files", "MLflow file store (mlruns)", recognises, read, read_models)
