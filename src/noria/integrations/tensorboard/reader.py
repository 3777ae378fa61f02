"""TensorBoard folders as foreign runs: each folder with event files is a run, as TensorBoard's own page has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from noria.integrations.folders import safe_path
from noria.integrations.tensorboard import events as tb
from noria.integrations.tensorboard.hparams import PLUGIN, Session, learn
from noria.integrations.tensorboard.tfrecord import records
from noria.integrations.wire import Torn
from noria.tracking.transfer import Aside, ForeignFile, ForeignRun, Gathered, Importer, LeftOut, Series, Unreadable

_NAMED = "*tfevents*"
_ENDINGS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif", b"RIFF": "wav"}


def recognises(source: str) -> bool:
    """An event file, or a folder with some, however deep."""
    path = Path(source)
    return "tfevents" in path.name if path.is_file() else next(path.rglob(_NAMED), None) is not None


def read(source: str | Path) -> Iterator[ForeignRun | LeftOut]:
    """Each run below `source`. A run in a folder below another's is its child: `add_scalars` makes such."""
    root = Path(source)
    files = [root] if root.is_file() else sorted(path for path in root.rglob(_NAMED) if path.is_file())
    if not files:
        raise Unreadable(root, None, "no TensorBoard event file is here")
    top = root.parent if root.is_file() else root
    seen: dict[Path, str] = {}
    for folder, group in groupby(
        sorted(files, key=lambda path: (path.parent, path.name)), key=lambda path: path.parent
    ):
        try:
            run = _run(top, folder, list(group), seen)
        except (Unreadable, OSError) as error:
            yield LeftOut(str(folder), str(getattr(error, "message", error)))
            continue
        seen[folder] = run.origin
        yield run


@dataclass
class _Scan:
    """What a first reading of a run's files finds."""

    first: float | None = None
    earliest: float = float("inf")
    latest: float = float("-inf")
    events: int = 0
    session: Session = field(default_factory=Session)


def _run(top: Path, folder: Path, files: list[Path], seen: dict[Path, str]) -> ForeignRun:
    notes: list[str] = []
    scan = _scan(files)
    if not scan.events:
        raise Unreadable(files[0], 0, "does not begin as an event file does")
    relative = folder.relative_to(top).as_posix()
    name = top.resolve().name if relative == "." else relative
    session = scan.session
    later = Kept(files, notes)
    parent = next((seen[above] for above in folder.parents if above in seen), None)
    return ForeignRun(
        origin=f"tensorboard:{folder.resolve().name}:{files[0].name}:{_micros(scan.first)}",
        experiment=top.resolve().name,
        name=name,
        state=session.state or "finished",
        started=session.started or _micros(scan.earliest),
        ended=session.ended or _micros(scan.latest),
        params=session.params,
        tags={"tensorboard.group": session.group} if session.group else {},
        series=later.series(),
        artifacts=later.files(),
        parent=parent,
        notes=notes,
    )


def _scan(files: list[Path]) -> _Scan:
    scan = _Scan()
    for path in files:
        for _, data in records(path, []):
            try:
                event = tb.parse_event(data)
                scan.events += 1
                scan.first = event.wall_time if scan.first is None else scan.first
                scan.earliest = min(scan.earliest, event.wall_time)
                scan.latest = max(scan.latest, event.wall_time)
                for value in event.values:
                    if PLUGIN.encode() in value:
                        logged = tb.parse_value(value)
                        if logged.plugin == PLUGIN:
                            learn(scan.session, logged.content)
            except Torn:
                continue  # the second reading says so
    return scan


class Kept:
    """The values of one run: scalars as series, text and histograms as JSON lines, images and sounds as files."""

    def __init__(self, files: list[Path], notes: list[str]) -> None:
        self._files, self._notes = files, notes
        self._aside = Aside()
        self._plugins: dict[str, str] = {}
        self._names: dict[str, set[str]] = {}
        self._walked = False

    def series(self) -> Iterator[Series]:
        """Pieces of every scalar tag, in the order of the files."""
        self._walked = True
        gathered = Gathered()
        for path in self._files:
            for at, data in records(path, self._notes):
                try:
                    event = tb.parse_event(data)
                    for value in event.values:
                        self._take(gathered, event, tb.parse_value(value))
                except (Torn, ValueError, OverflowError) as error:
                    self._notes.append(f"{path}, byte {at}: a record was left out: {error}")
                yield from gathered.full()
        yield from gathered.rest()
        for kind, names in self._names.items():
            self._notes.append(f"{kind} kept as files in imported/: {', '.join(sorted(names)[:10])}")

    def files(self) -> Iterator[ForeignFile]:
        """What was no scalar."""
        if not self._walked:
            for _ in self.series():
                pass
        with self._aside:
            yield from self._aside.files()

    def _take(self, gathered: Gathered, event: tb.Event, logged: tb.Logged) -> None:
        plugin = self._plugins.setdefault(logged.tag, logged.plugin)
        at = round(event.wall_time * 1000)
        tensor = logged.tensor
        if logged.scalar is not None:
            gathered.add(logged.tag, event.step, at, logged.scalar)
        elif plugin == PLUGIN:
            return
        elif tensor is not None and not tensor.strings and len(tensor.numbers) == 1 and plugin in ("scalars", ""):
            gathered.add(logged.tag, event.step, at, float(tensor.numbers[0]))
        else:
            self._take_other(event, at, plugin, logged)

    def _take_other(self, event: tb.Event, at: int, plugin: str, logged: tb.Logged) -> None:
        tensor = logged.tensor
        line: dict[str, Any] = {"tag": logged.tag, "step": event.step, "at": at}
        if logged.image is not None or logged.audio is not None:
            self._media(logged.tag, event.step, [logged.image or logged.audio or b""])
        elif tensor is not None and plugin in ("images", "audio"):
            media = tensor.strings[2:] if plugin == "images" else tensor.strings
            self._media(logged.tag, event.step, list(media))
        elif logged.histogram is not None:
            self._put("histograms", line | tb.histogram(logged.histogram))
        elif tensor is not None and plugin == "histograms":
            rows = tensor.numbers[: len(tensor.numbers) // 3 * 3].reshape(-1, 3).tolist()
            edges = [row[0] for row in rows] + [row[1] for row in rows[-1:]]
            self._put("histograms", line | {"edges": edges, "bucket": [row[2] for row in rows]})
        elif tensor is not None and tensor.strings:
            said = [one.decode(errors="replace") for one in tensor.strings]
            self._put("text", line | {"text": said[0] if len(said) == 1 else said})
        elif tensor is not None:
            self._put("tensors", line | {"plugin": plugin, "shape": tensor.shape, "values": tensor.numbers.tolist()})

    def _put(self, kind: str, line: dict[str, Any]) -> None:
        self._names.setdefault(kind, set()).add(line["tag"])
        self._aside.add(f"tensorboard-{kind}", line)

    def _media(self, tag: str, step: int, found: list[bytes]) -> None:
        for number, data in enumerate(found):
            ending = next((end for mark, end in _ENDINGS.items() if data.startswith(mark)), "bin")
            several = f"-{number}" if len(found) > 1 else ""
            self._names.setdefault("media", set()).add(tag)
            self._aside.keep(f"imported/media/{safe_path(tag)}/{step}{several}.{ending}", data)


def _micros(seconds: float | None) -> int | None:
    return int(seconds * 1_000_000) if seconds is not None and abs(seconds) < 1e11 else None


IMPORTER = Importer("tensorboard", "TensorBoard event files", recognises, read)
