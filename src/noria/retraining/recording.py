"""The tracking run of a turn. It is begun before the training function is called, so that what that logs is its.

A turn that takes its training from the cache calls no training function: nothing is logged a second time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from noria.core.clock import Micros
from noria.core.errors import Lost
from noria.runtime.context import Context
from noria.runtime.unwinding import INTERRUPTIONS
from noria.tracking import operations as tracking
from noria.tracking.client.active import attached
from noria.tracking.located import RunMissing
from noria.workspace.workspace import Workspace


def run_of(context: Context) -> str:
    """The id of a turn's tracking run: the same in every process that goes on with the turn."""
    return f"run_{context.run}"


def begin(ws: Workspace, model: str, kind: str, run: str, at: Micros) -> None:
    """Begin the run of a turn that stands at a moment; doing so again changes nothing."""
    tracking.start_run(ws, model, kind, {"at": at}, run=run)


@contextmanager
def logging(ws: Workspace, model: str, kind: str, run: str, at: Micros) -> Iterator[None]:
    """`noria.log_metric` and its like belong to the turn's run inside."""
    begin(ws, model, kind, run, at)
    with attached(ws, run, model):
        yield


@contextmanager
def told_of_failure(ws: Workspace, run: str) -> Iterator[None]:
    """A turn that fails inside ends its run, if that was begun, as failed; one that is interrupted goes on later."""
    try:
        yield
    except (*INTERRUPTIONS, Lost):
        raise
    except Exception as error:
        with suppress(Exception):
            tracking.finish_run(ws, run, "failed", str(error))
        raise


def end(ws: Workspace, run: str, note: str) -> None:
    """End the run, if it was begun."""
    with suppress(RunMissing):
        tracking.finish_run(ws, run, "finished", note)
