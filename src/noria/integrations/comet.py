"""Comet: experiments written offline (`OfflineExperiment`), as the zip file they leave, become runs here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from noria.integrations.archives import Archive, each_run, holds
from noria.integrations.flat import as_text, number
from noria.integrations.folders import safe_path
from noria.tracking.transfer import (
    ASIDE,
    Aside,
    ForeignFile,
    ForeignRun,
    Gathered,
    Importer,
    LeftOut,
    Series,
    Unreadable,
)

_ENVIRONMENT = (
    "system_details",
    "installed_packages",
    "os_packages",
    "git_metadata",
    "gpu_static_info",
    "cloud_details",
)
_COUNTERS = ("curr_step", "curr_epoch")


def recognises(source: str) -> bool:
    """A zip file with `experiment.json` and `messages.json` in it, or a folder of such."""
    return next(_found(Path(source)), None) is not None


def read(source: str | Path) -> Iterator[ForeignRun | LeftOut]:
    """Each experiment of `source`: one archive, or every one in a folder."""
    path = Path(source)
    paths = [path] if path.is_file() else list(_found(path))
    if not paths:
        raise Unreadable(path, None, "no offline experiment of Comet is here", hint="give the zip file, or its folder")
    yield from each_run(paths, _run)


def _found(path: Path) -> Iterator[Path]:
    several = path.is_dir() and not (path / "experiment.json").exists()
    for one in sorted(path.glob("*.zip")) if several else [path]:
        if holds(one, ["experiment.json", "messages.json"]):
            yield one


def _run(archive: Archive) -> ForeignRun:
    about = archive.document("experiment.json")
    notes: list[str] = []
    kept = Kept(archive, notes)
    kept.look()
    key = str(about.get("offline_id") or archive.path.stem)
    project, workspace = str(about.get("project_name") or "general"), str(about.get("workspace") or "-")
    started, ended = (_moment(about.get(name)) for name in ("start_time", "stop_time"))
    if ended is None:
        notes.append(f"{archive.path}: the experiment never said that it ended; its state is killed")
    tags = dict(kept.others)
    if about.get("tags"):
        tags["comet.tags"] = json.dumps(about["tags"], ensure_ascii=False, default=str)
    return ForeignRun(
        origin=f"comet:{workspace}/{project}/{key}",
        experiment=project,
        name=tags.pop("Name", key),
        state="killed" if ended is None else "finished",
        started=started,
        ended=ended,
        user=kept.user,
        params=kept.params,
        tags=tags,
        series=kept.series(),
        artifacts=kept.files(),
        notes=notes,
    )


def _moment(value: Any) -> int | None:
    return value * 1000 if isinstance(value, int) and abs(value) < 1 << 53 else None


class Kept:
    """The messages of one experiment, walked once for what it is and once for what it measured."""

    def __init__(self, archive: Archive, notes: list[str]) -> None:
        self._archive, self._notes = archive, notes
        self.params: dict[str, str] = {}
        self.others: dict[str, str] = {}
        self.user = ""
        self._uploads: list[dict[str, Any]] = []
        self._aside = Aside()
        self._newest: dict[str, int] = {}
        self._walked = False

    def look(self) -> None:
        """Take in parameters, tags and the list of files."""
        for kind, payload in self._messages([]):
            if kind == "parameter_msg":
                param = payload.get("param")
                if isinstance(param, dict) and param.get("paramName") not in _COUNTERS:
                    self.params[str(param.get("paramName"))] = as_text(param.get("paramValue"))
            elif kind == "log_other":
                self.others[str(payload.get("key"))] = as_text(payload.get("value"))
            elif kind == "system_details":
                self.user = str(payload.get("user") or "")
            elif kind == "file_upload":
                self._uploads.append(payload)
            elif kind == "file_name":
                self.others["mlflow.source.name"] = str(payload.get("file_name") or "")

    def series(self) -> Iterator[Series]:
        """Pieces of every metric. One without a step counts its own; `epoch` is a series beside them."""
        self._walked = True
        gathered = Gathered()
        epoch = None
        for kind, payload in self._messages(self._notes):
            if kind == "metric_msg" and isinstance(payload.get("metric"), dict):
                metric, at = payload["metric"], payload.get("local_timestamp")
                context = str(payload.get("context") or metric.get("context") or "")
                step = self._take_metric(gathered, metric, context, at if isinstance(at, int) else 0)
                if isinstance(metric.get("epoch"), int) and (step, metric["epoch"]) != epoch:
                    epoch = (step, metric["epoch"])
                    gathered.add("epoch", step, at if isinstance(at, int) else 0, metric["epoch"])
            elif kind == "standard_output":
                self._aside.add("comet-console", payload)
            elif kind in _ENVIRONMENT:
                self._aside.add("comet-environment", {"type": kind, **payload})
            elif kind not in ("metric_msg", "parameter_msg", "log_other", "file_upload", "file_name"):
                self._aside.add("comet-other", {"type": kind, **payload})
            yield from gathered.full()
        yield from gathered.rest()

    def _take_metric(self, gathered: Gathered, metric: dict[str, Any], context: str, at: int) -> int:
        name = f"{context}_{metric.get('metricName', '')}" if context else str(metric.get("metricName", ""))
        step, value = metric.get("step"), number(metric.get("metricValue"))
        if not isinstance(step, int):
            step = self._newest.get(name, -1) + 1
        self._newest[name] = step
        if value is None:
            self._aside.add("comet-values", {"name": name, "step": step, "at": at, "value": metric.get("metricValue")})
            self._notes.append(f"{name} at step {step} is no number; kept in {ASIDE}/comet-values.jsonl")
            return step
        try:
            gathered.add(name, step, at, value)
        except ValueError as error:
            self._notes.append(f"{name}: {error}")
        return step

    def files(self) -> Iterator[ForeignFile]:
        """Uploaded assets under their own names, by type, and what was put aside."""
        if not self._walked:
            for _ in self.series():
                pass
        yield from self._archive.files(self._wanted(), self._notes)
        with self._aside:
            yield from self._aside.files()

    def _wanted(self) -> Iterator[tuple[str, str]]:
        names, taken = set(self._archive.names), set[str]()
        for upload in self._uploads:
            member = str(upload.get("file_path") or "")
            more = upload.get("additional_params")
            more = more if isinstance(more, dict) else {}
            if member not in names:
                self._notes.append(f"{more.get('fileName') or member}: the file is not in the archive")
                continue
            path = _path(upload, more)
            if path in taken:
                path = safe_path(f"{path}.{more.get('assetId') or len(taken)}")
            taken.add(path)
            yield member, path

    def _messages(self, notes: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        for message in self._archive.lines("messages.json", notes):
            if isinstance(message, dict) and isinstance(message.get("payload"), dict):
                yield str(message.get("type")), message["payload"]


def _path(upload: dict[str, Any], more: dict[str, Any]) -> str:
    """Where a file goes: `<type>/<its name>`; of an absolute name only the last part says something here."""
    name = str(more.get("fileName") or upload.get("file_path"))
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute():
        name = PureWindowsPath(name).name if "\\" in name else PurePosixPath(name).name
    kind = str(upload.get("upload_type") or "asset")
    step = f"{more['step']}-" if kind not in ("asset", "source_code") and isinstance(more.get("step"), int) else ""
    folder, _, last = name.rpartition("/")
    return safe_path(f"{kind}/{folder}/{step}{last}")


IMPORTER = Importer("comet", "Comet, offline experiments", recognises, read)
