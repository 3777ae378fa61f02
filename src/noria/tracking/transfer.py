"""The neutral currency between trackers: what any importer reads and any exporter writes.

An importer is `read(source)`, which yields one `ForeignRun` at a time (or a `LeftOut`, for what cannot be one);
an exporter is `write(runs, target)`. Neither knows the store, so any importer's runs can go to any exporter.
Series and files are lazy: they are read when they are walked, and a long series comes in several pieces.
"""

from __future__ import annotations

import json
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noria.core.clock import Micros
from noria.core.errors import BadInput
from noria.tracking.model import DatasetInput, Millis, ModelLink, RunState

ASIDE = "imported"
"""The artifact folder for what a tracker kept and Noria has no plain place for: text, histograms, exact steps."""
_PIECE = 50_000
_BUFFER = 4 << 20
_INT64 = 1 << 63


class Unreadable(BadInput):
    """A file that is not what its kind says, and where it stops being so."""

    code = "N2280"

    def __init__(self, file: Path | str, offset: int | None, why: str, *, hint: str = "") -> None:
        where = f"{file}" if offset is None else f"{file}, byte {offset}"
        super().__init__(f"{where}: {why}", hint=hint or "what was read before it can be kept; is the copy complete?")
        self.file = str(file)
        self.offset = offset


@dataclass(frozen=True)
class Series:
    """Values of one metric, or a piece of them. The three columns are equally long; order does not matter."""

    name: str
    steps: Sequence[int]
    times: Sequence[Millis]
    values: Sequence[float]

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True)
class ForeignFile:
    """A file that a run kept: its path below the run's artifacts, and its bytes or where they are."""

    path: str
    source: Path | bytes


@dataclass(frozen=True)
class ForeignLoggedModel:
    """A model that a run wrote, with its own folder of files. `id` is the one it has where it comes from."""

    id: str
    name: str
    kind: str = ""
    state: str = "READY"
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    files: Iterable[ForeignFile] = ()


@dataclass(frozen=True)
class ForeignRun:
    """One run of another tracker.

    `origin` names it for ever (`wandb:team/project/3kx9`): importing it again finds it by that. `id` is the id
    it would like to keep, or empty. `notes` says what was not kept as it was; it is complete when `series`,
    `artifacts` and `models` have been walked, in this order and before the next run is asked for. `parent` is the
    origin of the run this one belongs to.
    """

    origin: str
    experiment: str
    name: str = ""
    state: RunState = "finished"
    started: Micros | None = None
    ended: Micros | None = None
    user: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    series: Iterable[Series] = ()
    artifacts: Iterable[ForeignFile] = ()
    parent: str | None = None
    id: str = ""
    datasets: Sequence[DatasetInput] = ()
    models: Iterable[ForeignLoggedModel] = ()
    models_in: Sequence[ModelLink] = ()
    models_out: Sequence[ModelLink] = ()
    experiment_tags: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class LeftOut:
    """Something found where runs were looked for that cannot be one, and why."""

    place: str
    why: str


@dataclass(frozen=True)
class ForeignVersion:
    """One version of a registered model. `run` is the origin of the run that made it; `source` as it was said."""

    number: int
    source: str
    run: str | None = None
    stage: str = ""
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    created: Micros | None = None
    user: str = ""


@dataclass(frozen=True)
class ForeignModel:
    """A registered model of another tracker. `aliases` point at version numbers."""

    origin: str
    name: str
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    versions: Sequence[ForeignVersion] = ()


@dataclass(frozen=True)
class Importer:
    """How one kind of tracker's files are known and read. `recognises` looks, cheaply, and never raises."""

    kind: str
    title: str
    recognises: Callable[[str], bool]
    read: Callable[[str], Iterator[ForeignRun | LeftOut]]
    models: Callable[[str], Iterator[ForeignModel]] | None = None


@dataclass(frozen=True)
class Given:
    """What an exporter wrote of one run: how much, whether it was there already, what it could not carry."""

    run: str
    place: str
    points: int
    files: int
    new: bool = True
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Exporter:
    """How runs are written for one kind of tracker. `target` is a folder or an address."""

    kind: str
    title: str
    write: Callable[[Iterable[ForeignRun], str], Iterator[Given]]


class Gathered:
    """Points as they come, by metric, given out as pieces of series so that no file has to fit in memory."""

    def __init__(self, piece: int = _PIECE) -> None:
        self._piece = piece
        self._columns: dict[str, tuple[array[int], array[int], array[float]]] = {}
        self._held = 0

    def add(self, name: str, step: int, at: Millis, value: float) -> None:
        """One point. Raises ValueError for a step or moment that no 64-bit integer holds."""
        if not (-_INT64 <= step < _INT64 and -_INT64 <= at < _INT64):
            raise ValueError(f"step {step} or moment {at} is beyond 64 bits")
        columns = self._columns.get(name)
        if columns is None:
            columns = self._columns[name] = (array("q"), array("q"), array("d"))
        columns[0].append(step)
        columns[1].append(at)
        columns[2].append(value)
        self._held += 1

    def full(self) -> Iterator[Series]:
        """Everything held, when it is enough to be worth passing on; otherwise nothing yet."""
        if self._held >= self._piece:
            yield from self.rest()

    def rest(self) -> Iterator[Series]:
        """Everything held."""
        taken, self._columns, self._held = self._columns, {}, 0
        for name, (steps, times, values) in taken.items():
            yield Series(name, steps, times, values)


class Aside:
    """JSON lines by name, for what is no plain metric; kept in a temporary folder while a run is read.

    Its `files` can be walked while the `with` lasts.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="noria-aside-")
        self._paths: dict[str, Path] = {}
        self._lines: dict[str, list[str]] = {}
        self._whole: dict[str, Path] = {}
        self._held = 0

    def __enter__(self) -> Aside:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def add(self, name: str, record: Mapping[str, Any]) -> None:
        """One line of the file of that name; NaN and infinities are written as Python's `json` does."""
        line = json.dumps(record, ensure_ascii=False, default=str)
        self._lines.setdefault(name, []).append(line)
        self._held += len(line)
        if self._held >= _BUFFER:
            self._flush()

    def keep(self, path: str, data: bytes) -> None:
        """A whole file, to be given out under that path; the newest of the same path stays."""
        place = self._whole.setdefault(path, Path(self._folder.name) / f"{len(self._whole)}.bytes")
        place.write_bytes(data)

    def files(self) -> Iterator[ForeignFile]:
        """A file for each name, as `imported/<name>.jsonl`, and the whole ones."""
        self._flush()
        for whole, path in self._whole.items():
            yield ForeignFile(whole, path)
        for name, path in self._paths.items():
            yield ForeignFile(f"{ASIDE}/{name}.jsonl", path)

    def _flush(self) -> None:
        for name, lines in self._lines.items():
            path = self._paths.setdefault(name, Path(self._folder.name) / f"{len(self._paths)}.jsonl")
            with path.open("a", encoding="utf-8", errors="surrogatepass") as file:
                file.writelines(f"{line}\n" for line in lines)
        self._lines, self._held = {}, 0
