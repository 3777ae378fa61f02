"""ClearML: tasks written offline (`Task.set_offline`), as the zip file or folder they leave, become runs here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
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

_SINGLE = -(1 << 31)
"""The iteration under which ClearML keeps a value that has none."""


def recognises(source: str) -> bool:
    """A zip file, or a folder, with a `task.json` in it; or a folder of such."""
    return next(_found(Path(source)), None) is not None


def read(source: str | Path) -> Iterator[ForeignRun | LeftOut]:
    """Each task of `source`: one archive, or every one in a folder."""
    path = Path(source)
    paths = [path] if path.is_file() else list(_found(path))
    if not paths:
        raise Unreadable(path, None, "no offline task of ClearML is here", hint="give the zip file, or its folder")
    yield from each_run(paths, _run)


def _found(path: Path) -> Iterator[Path]:
    if path.is_dir() and not (path / "task.json").exists():
        for one in sorted(path.iterdir()):
            if not (one.is_dir() and one.with_name(f"{one.name}.zip").exists()):  # the folder is beside its own zip
                yield from _found_one(one)
    else:
        yield from _found_one(path)


def _found_one(path: Path) -> Iterator[Path]:
    if (path.is_dir() or path.suffix == ".zip") and holds(path, ["task.json"]):
        yield path


def _run(archive: Archive) -> ForeignRun:
    task = archive.document("task.json")
    notes: list[str] = []
    key = str(task.get("id") or archive.path.stem)
    moments = [at for one in _events(archive, []) if (at := one.get("timestamp")) and isinstance(at, int)]
    kept = Kept(archive, task, notes)
    return ForeignRun(
        origin=f"clearml:{key}",
        experiment=str(task.get("project_name") or "ClearML"),
        name=str(task.get("name") or key),
        started=min(moments) * 1000 if moments else None,
        ended=max(moments) * 1000 if moments else None,
        params=_params(task),
        tags=_tags(task),
        series=kept.series(),
        artifacts=kept.files(),
        notes=notes,
    )


def _params(task: dict[str, Any]) -> dict[str, str]:
    """Hyper-parameters as `section/name`, the way ClearML shows them."""
    params = {}
    for section, entries in _mapping(task.get("hyperparams")).items():
        for name, entry in _mapping(entries).items():
            params[f"{section}/{name}"] = as_text(_mapping(entry).get("value", ""))
    return params


def _tags(task: dict[str, Any]) -> dict[str, str]:
    script = _mapping(task.get("script"))
    tags = {
        "clearml.tags": json.dumps(task["tags"], ensure_ascii=False, default=str) if task.get("tags") else "",
        "clearml.type": str(task.get("type") or ""),
        "mlflow.note.content": str(task.get("comment") or ""),
        "mlflow.source.name": str(script.get("entry_point") or ""),
        "mlflow.source.git.commit": str(script.get("version_num") or ""),
        "mlflow.source.git.repoURL": str(script.get("repository") or ""),
        "mlflow.source.git.branch": str(script.get("branch") or ""),
    }
    return {name: value for name, value in tags.items() if value}


def _events(archive: Archive, notes: list[str]) -> Iterator[dict[str, Any]]:
    """Every event; a line is a batch of them."""
    for name in ("metrics.jsonl", "log.jsonl"):
        for batch in archive.lines(name, notes):
            for one in batch if isinstance(batch, list) else [batch]:
                if isinstance(one, dict):
                    yield one


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


class Kept:
    """The events of one task: scalars as series, plots and console as JSON lines, and its files."""

    def __init__(self, archive: Archive, task: dict[str, Any], notes: list[str]) -> None:
        self._archive, self._task, self._notes = archive, task, notes
        self._aside = Aside()
        self._plots = 0
        self._walked = False

    def series(self) -> Iterator[Series]:
        """Pieces of every scalar, named `metric/variant`; a value without an iteration is at step 0."""
        self._walked = True
        gathered = Gathered()
        for one in _events(self._archive, self._notes):
            kind, at = one.get("type"), one.get("timestamp")
            if kind == "training_stats_scalar" and isinstance(at, int):
                self._take_scalar(gathered, one, at)
            elif kind == "log":
                self._aside.add("clearml-console", {name: one.get(name) for name in ("timestamp", "level", "msg")})
            elif kind not in ("training_debug_image",):  # those are files, and come as such
                self._plots += 1
                self._aside.add("clearml-plots", one)
            yield from gathered.full()
        yield from gathered.rest()
        if self._plots:
            self._notes.append(f"{self._plots} plots are kept as JSON lines in {ASIDE}/clearml-plots.jsonl")

    def _take_scalar(self, gathered: Gathered, one: dict[str, Any], at: int) -> None:
        value, step = number(one.get("value")), one.get("iter", 0)
        metric, variant = str(one.get("metric", "")), str(one.get("variant", ""))
        if value is None or not isinstance(step, int):
            self._notes.append(f"{metric}/{variant}: a value that is no number was left out")
            return
        single = step == _SINGLE
        name = variant if single and metric == "Summary" else f"{metric}/{variant}" if variant else metric
        try:
            gathered.add(name, 0 if single else step, at, value)
        except ValueError as error:
            self._notes.append(f"{name}: {error}")

    def files(self) -> Iterator[ForeignFile]:
        """What the task uploaded, its configuration and code, and what was put aside."""
        if not self._walked:
            for _ in self.series():
                pass
        members = [(name, _below(name)) for name in self._archive.names if name.startswith("data/")]
        yield from self._archive.files(members, self._notes)
        for name, entry in _mapping(self._task.get("configuration")).items():
            text = as_text(_mapping(entry).get("value", ""))
            yield ForeignFile(f"{ASIDE}/configuration/{safe_path(name)}", text.encode(errors="replace"))
        script = _mapping(self._task.get("script"))
        if script.get("diff"):
            yield ForeignFile(f"{ASIDE}/code.diff", str(script["diff"]).encode(errors="replace"))
        requirements = _mapping(script.get("requirements")).get("pip")
        if requirements:
            yield ForeignFile(f"{ASIDE}/requirements.txt", as_text(requirements).encode(errors="replace"))
        yield ForeignFile(f"{ASIDE}/clearml-task.json", as_text(self._task).encode(errors="replace"))
        with self._aside:
            yield from self._aside.files()


def _below(member: str) -> str:
    """`data/<project>/<task>.<id>/artifacts/x/y` is `artifacts/x/y` here."""
    parts = member.split("/")
    for place, part in enumerate(parts[:-1]):
        if part in ("artifacts", "metrics", "models") and place >= 2:
            return safe_path("/".join(parts[place:]))
    return safe_path("/".join(parts[1:]))


IMPORTER = Importer("clearml", "ClearML, offline tasks", recognises, read)
