"""Runs written as TensorBoard event files: a folder a run, scalars, parameters, and text from what was put aside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from noria.core.errors import BadInput
from noria.integrations.folders import safe_path
from noria.integrations.tensorboard import events as tb
from noria.integrations.tensorboard.hparams import start_values
from noria.integrations.tensorboard.tfrecord import put_record
from noria.tracking.transfer import Exporter, ForeignFile, ForeignRun, Given

_OURS = "noria"
_IMAGE = re.compile(r"(?:imported/media|tensorboard/images)/(.+)/(-?\d{1,18})(?:-\d+)?\.(?:png|jpg|gif)")


def write(runs: Iterable[ForeignRun], target: str) -> Iterator[Given]:
    """One event file a run, in `<target>/<experiment>/<name>-<end of its id>`; written again it replaces itself."""
    root = Path(target)
    if root.exists() and not root.is_dir():
        raise BadInput(f"{root} is a file; event files go into a folder")
    for run in runs:
        yield _write_run(run, root)


def _write_run(run: ForeignRun, root: Path) -> Given:
    folder = (
        root
        / safe_path(run.experiment)
        / f"{safe_path(run.name).replace('/', '_')}-{safe_path(run.id or run.origin)[-8:]}"
    )
    folder.mkdir(parents=True, exist_ok=True)
    start = (run.started or 0) / 1e6
    path = folder / f"events.out.tfevents.{int(start):010d}.{_OURS}"
    unfinished = path.with_name(f".{path.name}.part")
    names: dict[str, None] = {}
    points = 0
    with unfinished.open("wb") as file:
        put_record(file, tb.file_version(start))
        for series in run.series:
            names.setdefault(series.name)
            points += len(series)
            for step, at, value in zip(series.steps, series.times, series.values, strict=True):
                put_record(file, tb.event(at / 1000, step, [tb.scalar_value(series.name, value)]))
        end = (run.ended or run.started or 0) / 1e6
        put_record(file, tb.event(start, 0, start_values(run.params, list(names), run.state, start, end)))
        left = [one.path for one in run.artifacts if not (_put_text(file, one) or _put_image(file, one, end))]
    unfinished.replace(path)
    notes = [*run.notes, "values are in 32 bits, as TensorBoard has them"]
    if run.tags or run.datasets or run.models_out:
        notes.append("tags, datasets and logged models stay behind, an event file has no place for them")
    if left:
        notes.append(f"{len(left)} files stay behind, an event file has no place for them: {', '.join(left[:5])}")
    return Given(run.origin, str(path), points, 0, notes=notes)


def _put_image(file: BinaryIO, kept: ForeignFile, at: float) -> bool:
    """A picture that an importer or `SummaryWriter` kept; gives whether this file was one."""
    named = _IMAGE.fullmatch(kept.path)
    if named is None:
        return False
    data = kept.source if isinstance(kept.source, bytes) else kept.source.read_bytes()
    put_record(file, tb.event(at, int(named[2]), [tb.image_value(named[1], data)]))
    return True


def _put_text(file: BinaryIO, kept: ForeignFile) -> bool:
    """Text that an importer put aside becomes text again; gives whether this file was that."""
    if kept.path != "imported/tensorboard-text.jsonl":
        return False
    data = kept.source if isinstance(kept.source, bytes) else kept.source.read_bytes()
    for line in data.splitlines():
        one = json.loads(line)
        said = one["text"] if isinstance(one["text"], str) else "\n\n".join(one["text"])
        put_record(file, tb.event(one["at"] / 1000, one["step"], [tb.text_value(one["tag"], said)]))
    return True


EXPORTER = Exporter("tensorboard", "TensorBoard event files", write)
