"""The answers of a job put together: one file, a folder of files, or a Delta table, there as a whole or not at all."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from noria.core.errors import BadInput, Corrupt
from noria.serving.batch.job import Job, room
from noria.serving.batch.model import BadOutput, OutputThere
from noria.stores.disk import sync_folder

_DELTA = "delta:"


class Output:
    """Where answers go, by its name: `.parquet`, `.csv`, `.csv.gz`, `delta:FOLDER`, or a folder of Parquet files."""

    def __init__(self, target: str) -> None:
        self.delta = target.startswith(_DELTA)
        self.path = Path(target.removeprefix(_DELTA)).absolute()
        name = self.path.name.lower()
        self.kind = "delta" if self.delta else next(
            (kind for kind in ("parquet", "csv", "csv.gz") if name.endswith(f".{kind}")), "folder"
        )  # fmt: skip
        if self.kind == "folder" and self.path.suffix and not self.path.is_dir():
            hint = "name it .parquet, .csv, .csv.gz, delta:FOLDER, or a folder without a suffix"
            raise BadOutput(f"{self.path} names no format that can be written", hint=hint)
        if not self.path.parent.is_dir():
            raise BadOutput(f"there is no folder {self.path.parent}", hint="make it first")
        if self.path.is_symlink() and not self.path.exists():
            raise BadOutput(f"{self.path} is a link to nothing", hint="remove it, or make what it leads to")

    @property
    def job(self) -> Path:
        """The folder where a job keeps what is not finished: on the same disk."""
        return self.path.with_name(f".{self.path.name}.unfinished")

    def refuse_to_replace(self) -> None:
        """Raise OutputThere when there is something already."""
        if self.path.exists():
            raise OutputThere(f"{self.path} is there already", hint="name another place, or say --replace")

    def published(self, job: Job) -> bool:
        """Whether a job's folder of parts has become the output, and only its remains are left."""
        return self.kind == "folder" and job.begun and self.path.is_dir() and not job.parts.exists()

    def parts(self) -> list[Path]:
        """The files of a folder that is the output."""
        return sorted(self.path.glob("part-*.parquet"))

    def publish(self, job: Job, chunks: int) -> None:
        """Put the parts in place, in one step. Doing it twice changes nothing. Raises StorageFull."""
        with room(self.path.parent):
            if self.kind == "delta":
                self._to_delta(job, chunks)
            elif self.kind == "folder":
                self._to_folder(job)
            else:
                self._to_file(job, chunks)

    def _to_file(self, job: Job, chunks: int) -> None:
        whole = job.folder / f"whole.{self.kind}"
        schema = pq.read_schema(job.part(0))
        if self.kind == "parquet":
            with pq.ParquetWriter(whole, schema, compression="zstd") as writer:
                for table in _parts(job, chunks):
                    writer.write_table(table)
        else:
            compression = "gzip" if self.kind == "csv.gz" else None
            with pa.output_stream(str(whole), compression) as stream, pa.csv.CSVWriter(stream, schema) as writer:
                for table in _parts(job, chunks):
                    writer.write_table(table)
        with whole.open("rb") as file:
            os.fsync(file.fileno())
        whole.replace(self.path)
        sync_folder(self.path.parent)

    def _to_folder(self, job: Job) -> None:
        old = job.folder / "replaced"
        if self.path.exists() and job.parts.exists():
            self.path.rename(old)
        if job.parts.exists():
            job.parts.rename(self.path)
        sync_folder(self.path.parent)
        shutil.rmtree(old, ignore_errors=True)

    def _to_delta(self, job: Job, chunks: int) -> None:
        """The table's own log tells whether this job's commit is in it already."""
        try:
            delta = importlib.import_module("deltalake")
        except ImportError as error:
            raise BadInput("a Delta table needs deltalake", hint="pip install 'noria[lake]'") from error
        name = f"noria-predict/{(job.folder / 'job.json').stat().st_mtime_ns}"
        if (self.path / "_delta_log").is_dir() and delta.DeltaTable(str(self.path)).transaction_version(name):
            return
        rows = pa.RecordBatchReader.from_batches(pq.read_schema(job.part(0)), _batches(job, chunks))
        commit = delta.CommitProperties(app_transactions=[delta.Transaction(name, 1)])
        delta.write_deltalake(str(self.path), rows, mode="overwrite", commit_properties=commit)


def _batches(job: Job, chunks: int) -> Iterator[pa.RecordBatch]:
    for table in _parts(job, chunks):
        yield from table.to_batches()


def _parts(job: Job, chunks: int) -> Iterator[pa.Table]:
    for number in range(chunks):
        try:
            yield pq.read_table(job.part(number))
        except (pa.ArrowException, OSError) as error:
            raise Corrupt(f"{job.part(number)} is damaged: {error}", hint="remove it and run again") from error
