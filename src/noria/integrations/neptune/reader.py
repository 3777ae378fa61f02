"""Neptune exports as foreign runs, a batch of rows at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from noria.integrations.folders import beneath, safe_path
from noria.integrations.neptune import schema as nept
from noria.tracking.model import RunState
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

_PART_0 = "*_part_0.parquet"
_NEEDED = ("project_id", "run_id", "attribute_path", "attribute_type")
_VALUES = {
    "float": "float_value", "int": "int_value", "string": "string_value", "bool": "bool_value",
    "datetime": "datetime_value", "string_set": "string_set_value",
}  # fmt: skip


def recognises(source: str) -> bool:
    """A folder with `*_part_0.parquet` in it, however deep."""
    path = Path(source)
    return path.is_dir() and next(path.rglob(_PART_0), None) is not None


def read(source: str | Path) -> Iterator[ForeignRun | LeftOut]:
    """Each whole run below `source`: the export's root, its `data` folder, or one project's."""
    root = Path(source)
    first = sorted(root.rglob(_PART_0)) if root.is_dir() else []
    if not first:
        raise Unreadable(root, None, "no *_part_0.parquet of a Neptune export is here", hint="give the exports folder")
    for path in first:
        try:
            yield _run(path)
        except Unreadable as error:
            yield LeftOut(str(path), error.message)
    whole = {path.name.removesuffix("_part_0.parquet") for path in first}
    for path in sorted(root.rglob("*_part_*.parquet")):
        stem = path.stem.rpartition("_part_")[0]
        if stem not in whole:
            yield LeftOut(str(path), "its run has no part 0: the export was interrupted")


def _parts(first: Path) -> list[Path]:
    stem = first.name.removesuffix("0.parquet")
    numbers = {path: path.stem.rpartition("_")[2] for path in first.parent.iterdir() if path.name.startswith(stem)}
    return sorted((path for path, number in numbers.items() if number.isdigit()), key=lambda path: int(numbers[path]))


def _batches(parts: Sequence[Path], types: Sequence[str], columns: Sequence[str] | None = None) -> Iterator[Any]:
    """Record batches of rows whose type is one of `types`. Raises Unreadable."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    wanted = pa.array(list(types))
    for path in parts:
        try:
            with pq.ParquetFile(path) as file:
                there = set(file.schema_arrow.names)
                missing = [name for name in _NEEDED if name not in there]
                if missing:
                    raise Unreadable(path, None, f"has not the columns {', '.join(missing)} of a Neptune export")
                chosen = [name for name in columns or nept.schema().names if name in there]
                for batch in file.iter_batches(batch_size=20_000, columns=chosen):
                    found = batch.filter(pc.is_in(batch["attribute_type"], value_set=wanted))
                    if len(found):
                        yield found
        except (pa.ArrowException, OSError) as error:
            raise Unreadable(path, None, f"is no parquet file that can be read: {str(error)[:200]}") from error


class About:
    """The plain attributes of a run."""

    def __init__(self, first: Path) -> None:
        self.project = self.run_id = ""
        self.values: dict[str, Any] = {}
        self.fractional: set[str] = set()
        for batch in _batches(_parts(first), [*nept.SCALARS, "float_series"]):
            if not self.run_id:
                self.project, self.run_id = str(batch["project_id"][0]), str(batch["run_id"][0])
            self._take(batch)
        if not self.run_id:  # a run with only files, or nothing
            batch = next(_batches(_parts(first), [*nept.FILES, "string_series", "histogram_series"]), None)
            if batch is None:
                raise Unreadable(first, None, "has no row of a run")
            self.project, self.run_id = str(batch["project_id"][0]), str(batch["run_id"][0])

    def _take(self, batch: Any) -> None:
        import pyarrow.compute as pc

        series = batch.filter(pc.equal(batch["attribute_type"], "float_series"))
        odd = series.filter(pc.fill_null(pc.not_equal(series["step"], pc.floor(series["step"])), False))
        self.fractional.update(pc.unique(odd["attribute_path"]).to_pylist())
        plain = batch.filter(pc.not_equal(batch["attribute_type"], "float_series"))
        for row in plain.to_pylist():
            value = row.get(_VALUES[row["attribute_type"]])
            if value is not None:
                self.values[row["attribute_path"]] = value

    def text(self, name: str) -> str:
        """An attribute as text, or empty."""
        return _text(self.values.get(name, ""))

    def moment(self, name: str) -> int | None:
        """A datetime attribute in microseconds."""
        from datetime import datetime

        from noria.core.clock import to_micros

        value = self.values.get(name)
        return to_micros(value) if isinstance(value, datetime) else None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | bool | int | float) else str(value)


def _run(first: Path) -> ForeignRun:
    about = About(first)
    notes: list[str] = []
    kept = Kept(first, about, notes)
    fork = about.text("sys/forking/parent")
    parent = about.text(nept.PARENT) or (f"neptune:{about.project}/{fork}" if fork else "")
    started = about.moment("sys/creation_time")
    kind = first.parent.name if first.parent.name in ("models", "model_versions") else ""
    return ForeignRun(
        origin=about.text(nept.ORIGIN) or f"neptune:{about.project}/{kind}{'/' * bool(kind)}{about.run_id}",
        experiment=f"{about.project}/{kind}" if kind else about.project,
        name=about.text("sys/name") or about.text("sys/custom_run_id") or about.run_id,
        state=_state(about),
        started=started,
        ended=_ended(about, started),
        user=about.text("sys/owner"),
        params={name: _text(value) for name, value in about.values.items() if not name.startswith(("sys/", "noria/"))},
        tags=_tags(about),
        series=kept.series(),
        artifacts=kept.files(),
        parent=parent or None,
        notes=notes,
    )


def _state(about: About) -> RunState:
    states: dict[str, RunState] = {"running": "running", "scheduled": "scheduled", "killed": "killed"}
    return (
        "failed" if about.values.get("sys/failed") is True else states.get(about.text("sys/state").lower(), "finished")
    )


def _ended(about: About, started: int | None) -> int | None:
    seconds = about.values.get("sys/running_time")
    if started is not None and isinstance(seconds, int | float) and seconds < 1e10:
        return started + int(seconds * 1_000_000)
    return about.moment("sys/modification_time")


def _tags(about: About) -> dict[str, str]:
    shown = ("sys/name", "sys/creation_time", "sys/running_time", "sys/owner", "sys/description")
    tags = {
        f"neptune.{name}": _text(value)
        for name, value in about.values.items()
        if name.startswith("sys/") and name not in shown
    }
    tags |= {
        name.removeprefix(nept.TAGS): _text(value) for name, value in about.values.items() if name.startswith(nept.TAGS)
    }
    tags["mlflow.note.content"] = tags.get("mlflow.note.content") or about.text("sys/description")
    tags[nept.FORK_STEP] = about.text("sys/forking/step")
    tags[nept.EXACT_STEPS] = json.dumps(sorted(about.fractional)) if about.fractional else ""
    return {name: value for name, value in tags.items() if value}


class Kept:
    """The series and files of one run."""

    def __init__(self, first: Path, about: About, notes: list[str]) -> None:
        self._first, self._about, self._notes = first, about, notes
        self._parts = _parts(first)
        self._aside = Aside()
        self._walked = False

    def series(self) -> Iterator[Series]:
        """Float series as metrics; where steps are no whole numbers, by their floor, the exact ones aside."""
        self._walked = True
        gathered = Gathered()
        columns = ("project_id", "run_id", "attribute_path", "attribute_type", "step", "timestamp", "float_value")
        for batch in _batches(self._parts, ["float_series"], columns):
            self._take_points(gathered, batch)
            yield from gathered.full()
        yield from gathered.rest()
        if self._about.fractional:
            names = ", ".join(sorted(self._about.fractional)[:5])
            self._notes.append(
                f"steps of {names} are no whole numbers: rounded down, exact ones in {ASIDE}/{nept.EXACT}.jsonl"
            )

    def _take_points(self, gathered: Gathered, batch: Any) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        floors = pc.cast(pc.fill_null(pc.floor(batch["step"]), 0), pa.int64(), safe=False).to_pylist()
        started = (self._about.moment("sys/creation_time") or 0) // 1000
        moments = pc.fill_null(pc.cast(batch["timestamp"], pa.int64()), started).to_pylist()
        names, values = batch["attribute_path"].to_pylist(), batch["float_value"].to_pylist()
        exact = batch["step"].to_pylist() if self._about.fractional else floors
        for name, step, said, at, value in zip(names, floors, exact, moments, values, strict=True):
            if value is None:
                continue
            gathered.add(name, step, at, value)
            if name in self._about.fractional:
                self._aside.add(nept.EXACT, {"name": name, "step": str(said), "at": at, "value": value})

    def files(self) -> Iterator[ForeignFile]:
        """Files by their attribute's path; text and histogram series as JSON lines."""
        if not self._walked:
            for _ in self.series():
                pass
        for batch in _batches(self._parts, ["string_series", "histogram_series"]):
            for row in batch.to_pylist():
                self._take_other(row)
        for batch in _batches(self._parts, nept.FILES):
            for row in batch.to_pylist():
                yield from self._file(row)
        with self._aside:
            yield from self._aside.files()

    def _take_other(self, row: dict[str, Any]) -> None:
        at = row["timestamp"].timestamp() * 1000 if row.get("timestamp") else None
        line = {"name": row["attribute_path"], "step": str(row.get("step") or 0), "at": at if at is None else round(at)}
        if row["attribute_type"] == "string_series":
            self._aside.add(nept.TEXT, line | {"text": row.get("string_value")})
        else:
            self._aside.add(nept.HISTOGRAMS, line | {"histogram": row.get("histogram_value")})

    def _file(self, row: dict[str, Any]) -> Iterator[ForeignFile]:
        said = (row.get("file_value") or {}).get("path")
        name = row["attribute_path"]
        if not said:
            return
        roots = self._roots()
        place = next((root / said for root in roots if (root / said).exists()), None)
        if place is None:
            self._notes.append(f"{name}: the file {said} is not in the export")
        elif not any(place.resolve().is_relative_to(root.resolve()) for root in roots):
            self._notes.append(f"{name}: the file {said} is outside the export; left out")
        elif place.is_dir():
            yield from beneath(place, self._notes, f"{safe_path(name)}/")
        else:
            step = f"/{row['step'].normalize():f}" if row.get("step") is not None else ""
            ending = "" if name.endswith(place.suffix) and not step else place.suffix
            yield ForeignFile(safe_path(f"{name}{step}{ending}"), place)

    def _roots(self) -> list[Path]:
        """Where files of this project may lie: `<root>/files/<project>` for `<root>/data/<project>`."""
        project = self._first.parent
        kind = project.name if project.name in ("models", "model_versions") else ""
        project = project.parent if kind else project
        beside = [project.parent.parent / name / project.name for name in ("files", "model_files")]
        return [one / kind if kind else one for one in beside if one.is_dir()]


IMPORTER = Importer("neptune", "Neptune export (parquet)", recognises, read)
