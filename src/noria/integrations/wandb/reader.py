"""W&B offline runs as foreign runs: read twice, first for what the run is, then for its history."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from noria.core.clock import Micros
from noria.integrations.flat import as_text, flat, leaves, number
from noria.integrations.folders import beneath
from noria.integrations.wandb import records as wb
from noria.integrations.wandb.artifacts import logged_artifact
from noria.integrations.wandb.log import records
from noria.integrations.wire import Torn, fields, raw
from noria.tracking.model import RunState
from noria.tracking.transfer import Aside, ForeignFile, ForeignRun, Gathered, Importer, LeftOut, Series, Unreadable

_OWN = ("_step", "_timestamp", "_wandb")
_SYSTEM = "system/"


def recognises(source: str) -> bool:
    """A `.wandb` file, or a folder that has some within three levels (`wandb/offline-run-*/run-*.wandb`)."""
    path = Path(source)
    return path.suffix == ".wandb" if path.is_file() else next(_found(path), None) is not None


def read(source: str | Path) -> Iterator[ForeignRun | LeftOut]:
    """Each run below `source`, in the order of their folders' names, which is that of their beginning."""
    path = Path(source)
    paths = [path] if path.is_file() else sorted(_found(path))
    if not paths:
        raise Unreadable(path, None, "no run-*.wandb file is here", hint="give the `wandb` folder of an offline run")
    for one in paths:
        try:
            yield _run(one)
        except Unreadable as error:
            yield LeftOut(str(one), error.message)


def _found(folder: Path) -> Iterator[Path]:
    for pattern in ("*.wandb", "*run-*/*.wandb", "wandb/*run-*/*.wandb"):
        for path in folder.glob(pattern):
            if not path.parent.is_symlink():  # latest-run is another name of one of them
                yield path


def _run(path: Path) -> ForeignRun:
    notes: list[str] = []
    head = _head(path, notes)
    said = head.said
    project, run_id = said.get("project") or "uncategorized", said.get("run_id") or path.stem.removeprefix("run-")
    state: RunState = "killed" if head.exit_code is None else "finished" if head.exit_code == 0 else "failed"
    if head.exit_code is None:
        notes.append(f"{path}: the run never said that it ended; its state is killed")
    later = Kept(path, head, notes)
    return ForeignRun(
        origin=f"wandb:{said.get('entity') or '-'}/{project}/{run_id}",
        experiment=project,
        name=said.get("name") or run_id,
        state=state,
        started=head.started,
        ended=_ended(head),
        user=head.environment.get("username", ""),
        params=flat({name: value for name, value in head.config.items() if name != "_wandb"}),
        tags=_tags(head),
        series=later.series(),
        artifacts=later.files(),
        notes=notes,
    )


def _ended(head: wb.Head) -> Micros | None:
    """The later of what the run says it took, in whole seconds, and its last logged moment."""
    told = number(head.summary.get("_timestamp"))
    moments = [int(told * 1_000_000)] if told is not None and abs(told) < 1e11 else []
    if head.started is not None and head.seconds is not None:
        moments.append(head.started + head.seconds * 1_000_000)
    return max(moments, default=None)


def _head(path: Path, notes: list[str]) -> wb.Head:
    """Everything the records say but the history. Its damage is noted by the second reading, not twice."""
    head = wb.Head()
    for at, record in records(path, []):
        try:
            kind, message = wb.payload(record)
            if kind != wb.HISTORY:
                wb.learn(head, kind, message)
        except Torn as error:
            notes.append(f"{path}, byte {at}: a record was left out: {error}")
    if not head.said:
        raise Unreadable(path, path.stat().st_size, "ends before it says which run it is")
    return head


def _tags(head: wb.Head) -> dict[str, str]:
    tags = {f"wandb.{name}": head.said.get(name, "") for name in ("group", "job_type", "sweep", "host")}
    tags |= {f"wandb.{name}": head.environment.get(name, "") for name in ("os", "python", "gpu_type")}
    tags["wandb.tags"] = json.dumps(head.tags, ensure_ascii=False) if head.tags else ""
    tags["mlflow.note.content"] = head.said.get("notes", "")
    tags["mlflow.source.name"] = head.environment.get("program", "")
    tags["mlflow.source.git.commit"] = head.git.get("commit", "")
    tags["mlflow.source.git.repoURL"] = head.git.get("remote", "")
    return {name: value for name, value in tags.items() if value}


class Kept:
    """The history of one run: metrics as series, the rest as JSON lines, then the files beside it."""

    def __init__(self, path: Path, head: wb.Head, notes: list[str]) -> None:
        self._path, self._head, self._notes = path, head, notes
        self._aside = Aside()
        self._artifacts: list[bytes] = []
        self._newest: dict[str, float] = {}
        self._last: tuple[int, int] = (0, (head.started or 0) // 1000)
        self._measured = 0
        self._aside_names: set[str] = set()
        self._walked = False

    def series(self) -> Iterator[Series]:
        """Pieces of every metric of the history, the machine's, and of the summary where it says something else."""
        self._walked = True
        gathered = Gathered()
        for at, record in records(self._path, self._notes):
            try:
                kind, message = wb.payload(record)
                self._take(gathered, kind, message)
            except (Torn, ValueError) as error:
                self._notes.append(f"{self._path}, byte {at}: a record was left out: {error}")
            yield from gathered.full()
        self._take_summary(gathered)
        yield from gathered.rest()
        if self._aside_names:
            names = ", ".join(sorted(self._aside_names)[:10])
            self._notes.append(f"not plain metrics, kept as JSON lines in imported/: {names}")

    def files(self) -> Iterator[ForeignFile]:
        """The run's files, those of its logged artifacts that are on this machine, and what was put aside."""
        if not self._walked:
            for _ in self.series():
                pass
        yield from beneath(self._path.parent / "files", self._notes)
        for message in self._artifacts:
            yield from logged_artifact(message, self._notes)
        summary = {name: value for name, value in self._head.summary.items() if name != "_wandb"}
        if summary:
            yield ForeignFile("imported/wandb-summary.json", as_text(summary).encode(errors="surrogatepass"))
        with self._aside:
            yield from self._aside.files()

    def _take(self, gathered: Gathered, kind: int, message: bytes) -> None:
        if kind == wb.HISTORY:
            self._take_row(gathered, wb.items(message))
        elif kind == wb.STATS:
            self._take_statistics(gathered, message)
        elif kind == wb.ARTIFACT:
            self._artifacts.append(message)
        elif kind == wb.METRIC:
            self._take_definition(message)
        elif kind == wb.OUTPUT and not (self._path.parent / "files" / "output.log").exists():
            said = b"".join(value for n, value in fields(message) if n == 3 and isinstance(value, bytes))
            self._aside.add("wandb-console", {"text": said.decode(errors="replace")})

    def _take_row(self, gathered: Gathered, row: dict[str, Any]) -> None:
        step = int(number(row.get("_step")) or 0)
        at = self._moment(row.get("_timestamp"))
        self._last = (step, at)
        for name, value in _values({name: value for name, value in row.items() if name not in _OWN}):
            found = number(value)
            if found is None:
                self._aside_names.add(name)
                self._aside.add("wandb-history", {"name": name, "step": step, "at": at, "value": value})
            else:
                self._newest[name] = found
                gathered.add(name, step, at, found)

    def _take_statistics(self, gathered: Gathered, message: bytes) -> None:
        at = next((wb.moment(raw(value)) // 1000 for n, value in fields(message) if n == 2), self._last[1])
        for name, value in wb.items(message, update=3).items():
            found = number(value)
            if found is not None:
                gathered.add(_SYSTEM + name, self._measured, at, found)
        self._measured += 1

    def _take_definition(self, message: bytes) -> None:
        said = {
            n: value.decode(errors="replace")
            for n, value in fields(message)
            if isinstance(value, bytes) and n in (1, 2, 4)
        }
        if said.get(4):
            record = {"metric": said.get(1) or said.get(2, ""), "step_metric": said[4]}
            self._aside.add("wandb-defined-metrics", record)

    def _take_summary(self, gathered: Gathered) -> None:
        """A value that the script put into the summary itself, not the last one logged, is a metric of its own."""
        step, at = self._last
        for name, value in _values({n: one for n, one in self._head.summary.items() if n not in (*_OWN, "_runtime")}):
            found = number(value)
            if found is None or (name in self._newest and _same(self._newest[name], found)):
                continue
            gathered.add(name if name not in self._newest else f"summary/{name}", step, at, found)

    def _moment(self, seconds: Any) -> Micros:
        found = number(seconds)
        return round(found * 1000) if found is not None and abs(found) < 1e15 else self._last[1]


def _values(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Leaves by name; what carries a `_type` (a histogram, an image, a table) stays one value."""
    plain = {name: value for name, value in row.items() if not (isinstance(value, dict) and "_type" in value)}
    typed = ((name, value) for name, value in row.items() if name not in plain)
    return chain(leaves(plain), typed)


def _same(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)


IMPORTER = Importer("wandb", "Weights & Biases, offline runs", recognises, read)
