"""Runs written in neptune-exporter's parquet schema, which it and the tools it feeds can read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from noria.core.clock import to_datetime
from noria.core.errors import BadInput
from noria.integrations.folders import safe_path
from noria.integrations.neptune import schema as nept
from noria.tracking.transfer import ASIDE, Exporter, ForeignFile, ForeignRun, Given

_PART = 50 << 20
_ROWS = 20_000
_MOST_STEP = 10**12


def write(runs: Iterable[ForeignRun], target: str) -> Iterator[Given]:
    """Each run below `target`, in `data/` and `files/`; a run that is there already is written anew."""
    root = Path(target)
    if root.exists() and not root.is_dir():
        raise BadInput(f"{root} is a file; the export goes into a folder")
    for run in runs:
        yield Outgoing(root, run).write()


class Outgoing:
    """One run on its way out: rows gathered by column, a part begun anew every 50 MB."""

    def __init__(self, root: Path, run: ForeignRun) -> None:
        self._run, self._root = run, root
        known = f"neptune:{run.experiment}/"
        self._run_id = run.origin.removeprefix(known) if run.origin.startswith(known) else run.id or run.origin
        self._folder = root / "data" / nept.safe_part(run.experiment)
        self._stem = f"{nept.safe_part(self._run_id)}_part_"
        self._rows: list[dict[str, Any]] = []
        self._parts: list[Path] = []
        self._writer: Any = None
        self._exact = set(_listed(run.tags.get(nept.EXACT_STEPS, "")))
        self._points = self._files = 0

    def write(self) -> Given:
        """Everything, then the parts get their names, part 0 last: a run is whole once that is there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in self._folder.iterdir():
            if old.name.startswith(self._stem):
                old.unlink()
        self._write_attributes()
        self._write_series()
        for file in self._run.artifacts:
            self._write_file(file)
        self._write_rest()
        self._flush()
        if self._writer is not None:
            self._writer.close()
        for part in reversed(self._parts):
            part.rename(part.with_suffix(""))
        return Given(
            self._run.origin, str(self._parts[0].with_suffix("")), self._points, self._files, notes=[*self._run.notes]
        )

    def _write_series(self) -> None:
        for series in self._run.series:
            if series.name in self._exact:
                continue  # their exact steps are in a file, and come with it
            for step, at, value in zip(series.steps, series.times, series.values, strict=True):
                self._point(series.name, step, at, value)

    def _write_rest(self) -> None:
        """What the schema has no place of its own for."""
        for model in self._run.models:
            self._run.notes.append(f"logged model {model.name} is files below models/{model.name} there")
            for file in model.files:
                self._write_file(ForeignFile(f"models/{model.name}/{file.path}", file.source))
        if self._run.datasets:
            self._run.notes.append(f"{len(self._run.datasets)} datasets stay behind, the schema has no place for them")

    def _write_attributes(self) -> None:
        run = self._run
        texts = {
            "sys/id": self._run_id, "sys/custom_run_id": self._run_id, "sys/name": run.name, "sys/owner": run.user,
            "sys/state": "running" if run.state in ("running", "scheduled") else "inactive", nept.ORIGIN: run.origin,
            nept.PARENT: run.parent or "", "sys/description": run.tags.get("mlflow.note.content", ""),
        }  # fmt: skip
        if nept.FORK_STEP in run.tags and run.parent:
            texts["sys/forking/parent"] = run.parent.removeprefix(f"neptune:{run.experiment}/")
            self._add("sys/forking/step", "float", float_value=float(run.tags[nept.FORK_STEP]))
        for name, value in {**texts, **run.params}.items():
            if value or name in run.params:
                self._add(name, "string", string_value=value)
        for name, value in run.tags.items():
            self._add(f"{nept.TAGS}{name}", "string", string_value=value)
        self._add("sys/failed", "bool", bool_value=run.state in ("failed", "killed"))
        if run.started is not None:
            self._add("sys/creation_time", "datetime", datetime_value=to_datetime(run.started))
        if run.started is not None and run.ended is not None:
            self._add("sys/modification_time", "datetime", datetime_value=to_datetime(run.ended))
            self._add("sys/running_time", "float", float_value=(run.ended - run.started) / 1e6)

    def _point(self, name: str, step: int | Decimal, at: int, value: float) -> None:
        if not -_MOST_STEP < step < _MOST_STEP:
            self._run.notes.append(f"{name}: step {step} does not fit the schema's decimal(18, 6); left out")
            return
        self._add(name, "float_series", step=Decimal(step), timestamp=at, float_value=value)
        self._points += 1

    def _write_file(self, file: ForeignFile) -> None:
        lines = {f"{ASIDE}/{name}.jsonl": name for name in (nept.EXACT, nept.TEXT, nept.HISTOGRAMS)}
        if file.path in lines:
            self._write_lines(lines[file.path], file)
            return
        relative = Path(nept.safe_part(self._run_id)) / safe_path(file.path)
        place = self._root / "files" / nept.safe_part(self._run.experiment) / relative
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(file.source, bytes):
            place.write_bytes(file.source)
        else:
            shutil.copyfile(file.source, place)
        self._add(file.path, "file", file_value={"path": relative.as_posix()})
        self._files += 1

    def _write_lines(self, kind: str, file: ForeignFile) -> None:
        """Series that an import put aside become series again, with the steps they had."""
        data = file.source if isinstance(file.source, bytes) else file.source.read_bytes()
        for line in data.splitlines():
            try:
                one = json.loads(line)
                step, at = Decimal(one["step"]), one["at"]
                if kind == nept.EXACT:
                    self._point(one["name"], step, at, float(one["value"]))
                elif kind == nept.TEXT:
                    self._add(one["name"], "string_series", step=step, timestamp=at, string_value=one["text"])
                else:
                    self._add(
                        one["name"], "histogram_series", step=step, timestamp=at, histogram_value=one["histogram"]
                    )
            except (ValueError, KeyError, TypeError, InvalidOperation) as error:
                self._run.notes.append(f"{file.path}: a line was left out: {error!r}")

    def _add(self, path: str, kind: str, **values: Any) -> None:
        row = {
            "project_id": self._run.experiment,
            "run_id": self._run_id,
            "attribute_path": path,
            "attribute_type": kind,
        }
        self._rows.append(row | values)
        if len(self._rows) >= _ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self._rows:
            return
        if self._writer is None or self._parts[-1].stat().st_size > _PART:
            if self._writer is not None:
                self._writer.close()
            self._parts.append(self._folder / f"{self._stem}{len(self._parts)}.parquet.tmp")
            self._writer = pq.ParquetWriter(self._parts[-1], nept.schema(), compression="snappy")
        self._writer.write_table(pa.Table.from_pylist(self._rows, schema=nept.schema()))
        self._rows = []


def _listed(text: str) -> list[str]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


EXPORTER = Exporter("neptune-parquet", "Neptune's parquet schema", write)
