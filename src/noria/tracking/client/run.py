"""A run that is being logged: what `noria.run` gives. No method of it raises, and none waits for a network.

A call gives back when its record is in the spool: it then survives the death of this process. The exceptions are
`flush` and `end`, which wait for the records to be acknowledged, for a few seconds at most.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal

from noria.core.clock import monotonic
from noria.tracking.client.captures import Captures
from noria.tracking.client.files import pieces
from noria.tracking.client.recorder import Recorder, warn
from noria.tracking.client.shipper import Shipper
from noria.tracking.client.values import BadValue, named, number, shown, text, whole
from noria.tracking.records import Ended, Kept, Params, Row, Tags

AXES = "noria.axes"
"""The tag that remembers which series is drawn over which axis, as a JSON object of patterns and names."""

CONSOLE = "console.txt"
"""The artifact that holds what the run printed."""

FLUSH_SECONDS = 5.0
_SILENT = 1.0
_MOST = 1_000
_FAR = 1 << 62

EndState = Literal["finished", "failed", "killed"]


class ActiveRun:
    """One run, logged to by this process.

        with noria.run(name="baseline", params={"depth": 6}) as run:
            run.log_metrics({"loss": 0.31, "auc": 0.82}, step=7, epoch=2, samples=12_800)
    """

    def __init__(self, recorder: Recorder, shipper: Shipper, *, experiment: str = "", seconds: float) -> None:
        self.id = recorder.run
        self.experiment = experiment
        self._recorder, self._shipper, self._seconds = recorder, shipper, seconds
        self._captures: Captures | None = None
        self._clock, self._put = recorder.clock, recorder.put
        self._steps: dict[str, int] = {}
        self._axes: dict[str, str] = {}
        self._started = recorder.clock.now()
        self._state: EndState = "finished"
        self.going = True
        self.on_end: Callable[[ActiveRun], None] = _nothing

    def __repr__(self) -> str:
        return f"<noria run {self.id}>"

    def log_metric(self, name: str, value: Any, step: int | None = None) -> None:
        """Log one value of a series. Without a step it is the one after the series' last."""
        try:
            steps = self._steps
            if name not in steps:
                named(name)
            if type(value) is not float:
                value = number(value)
            if step is None:
                step = steps.get(name, -1) + 1
            elif type(step) is not int or not -_FAR < step < _FAR:
                step = whole(step)
            steps[name] = step
            self._put(Row(self.id, self._clock.now() // 1000, step, {name: value}))
        except Exception as error:
            self._recorder.trouble(error)

    def log_metrics(
        self, values: Mapping[str, Any], step: int | None = None, axes: Mapping[str, Any] | None = None, **more: Any
    ) -> None:
        """Log a row: values of several series at one step and moment.

        `axes` (or further keywords: `epoch=2, samples=12_800`) say where on other x-axes than the step the row
        lies. Each of them is a series of its own, so any series can be drawn over any of them. A value that is
        none is left out, and counted; the others are kept.
        """
        try:
            row = self._row({**values, **(axes or {}), **more})
            if not row:
                return
            step = 1 + max(self._steps.get(name, -1) for name in row) if step is None else whole(step)
            self._steps.update(dict.fromkeys(row, step))
            at, names = self._clock.now() // 1000, list(row)
            for first in range(0, len(names), _MOST):
                part = {name: row[name] for name in names[first : first + _MOST]}
                self._put(Row(self.id, at, step, part))
        except Exception as error:
            self._recorder.trouble(error)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log what the run was given. A param keeps its first value."""
        for part in self._texts(params):
            self._put(Params(self.id, part))

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Say things about the run; a tag's newest value counts."""
        for part in self._texts(tags):
            self._put(Tags(self.id, part))

    def log_artifact(self, source: Any, name: str | None = None) -> None:
        """Keep a file or folder (its path), bytes, or a text under `name`, such as `plots/roc.png`.

        A str is a path when something lies there. The bytes are copied now; what happens to the file later does
        not matter.
        """
        try:
            if not self._recorder.open():
                return
            for path, chunks in pieces(source, name):
                assert self._recorder.folder is not None
                digest, size = self._recorder.folder.keep(chunks)
                self._put(Kept(self.id, path, digest, size))
        except Exception as error:
            self._recorder.trouble(error)

    def define_axis(self, series: str, axis: str) -> None:
        """Remember that series of this name (`val_*` for all that begin so) are to be drawn over `axis`."""
        try:
            self._axes[named(series)] = named(axis)
            self.set_tags({AXES: json.dumps(self._axes)})
        except Exception as error:
            self._recorder.trouble(error)

    def flush(self, seconds: float | None = None) -> bool:
        """Wait until everything logged so far is acknowledged, for so long at most; True when it is."""
        with suppress(Exception):
            return self._shipper.flush(self._seconds if seconds is None else seconds)
        return False

    def end(self, state: EndState | None = None, *, seconds: float | None = None) -> None:
        """End the run and send what is left, for so many seconds at most; the rest is for `noria sync`.

        Ending it again does nothing.
        """
        if not self.going:
            return
        self.going = False
        self.on_end(self)
        try:
            if self._recorder.owner:
                self._finish(state or self._state)
            self._leave(self._seconds if seconds is None else seconds)
        except Exception as error:
            self._recorder.trouble(error)

    def trouble(self, error: Exception) -> None:
        """Count and tell something that went wrong."""
        self._recorder.trouble(error)

    def failed(self, error: BaseException) -> None:
        """Note that the program is ending by an exception."""
        self._state = _state_after(error)
        if self._captures is not None and self._state != "finished":
            self._captures.failed(error)

    def capture(self, captures: Captures) -> None:
        """Begin capturing what the run captures by itself."""
        if self._recorder.open() and self._recorder.folder is not None:
            self._captures = captures
            captures.start(self._recorder.folder.path)

    def __enter__(self) -> ActiveRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.failed(error)
        self.end()

    def _row(self, values: Mapping[str, Any]) -> dict[str, float]:
        row: dict[str, float] = {}
        for name, value in values.items():
            try:
                if name not in self._steps:
                    named(name)
                row[name] = value if type(value) is float else number(value)
            except Exception as error:
                self._recorder.trouble(error)
        return row

    def _texts(self, values: Mapping[str, Any]) -> list[dict[str, str]]:
        """Values as texts, a hundred to a record; those that cannot be written are left out, and counted."""
        found: dict[str, str] = {}
        try:
            items = list(values.items())
        except Exception:
            said = f"params and tags are a mapping of names to values, not {shown(values)}"
            self._recorder.trouble(BadValue(said))
            return []
        for name, value in items:
            try:
                found[named(name)] = text(value)
            except Exception as error:
                self._recorder.trouble(error)
        names = list(found)
        return [{name: found[name] for name in names[first : first + 100]} for first in range(0, len(names), 100)]

    def _finish(self, state: EndState) -> None:
        """The last records, in order: what was captured, what went wrong, how it ended."""
        recorder, captures = self._recorder, self._captures
        if captures is not None:
            captures.stop()
        if captures is not None and recorder.folder is not None:
            printed = captures.printed(recorder.folder.path)
            if printed:
                self.log_artifact(printed, CONSOLE)
        recorder.tell_problems()
        ended = max(self._clock.now(), self._started)
        if recorder.put(Ended(self.id, recorder.session, ended, state)) and recorder.folder is not None:
            recorder.folder.mark_ended()

    def _leave(self, seconds: float) -> None:
        """Send what is left, and let go of the spool; its folder goes when all of it is acknowledged."""
        shipper, folder, began = self._shipper, self._recorder.folder, monotonic()
        if folder is None:
            self._recorder.close()
            return
        told: list[int] = []

        def waiting(left: int) -> None:
            if not told and left > 0 and monotonic() - began > _SILENT:
                told.append(left)
                warn(f"sending the last {left:,} records of {self.id} ...")

        self._recorder.finish()
        done = shipper.flush(seconds, waiting)
        shipper.stop(max(seconds - (monotonic() - began), 0.1))
        if done:
            folder.remove()
            shipper.sweep(lambda: monotonic() - began > seconds)
        else:
            left = self._recorder.next_position - shipper.acknowledged()
            warn(f"{left:,} records of {self.id} are kept in {folder.path}; `noria sync` sends them")
        self._recorder.close()
        shipper.close()


def _nothing(run: ActiveRun) -> None:
    pass


def _state_after(error: BaseException) -> EndState:
    """How a run ends whose program ends by this: an exit tells by its code, and 128 and more is a signal's."""
    if isinstance(error, SystemExit):
        if error.code in (None, 0):
            return "finished"
        return "killed" if isinstance(error.code, int) and error.code > 128 else "failed"
    return "failed" if isinstance(error, Exception) else "killed"
