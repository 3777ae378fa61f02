"""A worker: claims runs that are ready and carries each as far as it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

from noria.core.errors import Lost, NoriaError
from noria.core.units import Duration, seconds
from noria.runtime import operations
from noria.runtime.context import Context
from noria.runtime.heartbeat import Heartbeat
from noria.runtime.model import NeedsDecision, Suspended, WorkRun
from noria.workspace.workspace import Workspace

Workflow = Callable[[Context, dict[str, Any]], Any]
"""A workflow: given its context and arguments, it does its steps and gives a result (JSON)."""

LEASE = seconds(30)
"""How long a worker may be silent before its run is another's."""


class RunFailed(NoriaError):
    """A run has ended without a result."""

    code = "N2105"


class Worker:
    """Works on the runs of `workflows`.

    `codes` names, for a workflow, the code it is run with now; a run that was begun with other code is not
    gone on with but left for a person to decide. A lease of 30 seconds is kept alive by a process beside.
    """

    def __init__(
        self,
        ws: Workspace,
        workflows: Mapping[str, Workflow],
        *,
        lease: Duration = LEASE,
        heartbeat: bool = True,
        codes: Mapping[str, str] | None = None,
    ) -> None:
        self._ws, self._workflows, self._lease = ws, workflows, lease
        self._heartbeat, self._codes = heartbeat, dict(codes or {})
        self._stopped = Event()

    def run(self, run: str) -> Any:
        """Carry this one run, here and now; gives its result.

        Raises what a step raised, after recording that the run failed; Held when a live worker has it,
        NeedsDecision, Lost, RunFailed when it had ended without a result before.
        """
        claimed = operations.claim(self._ws, self._workflows, self._lease, run=run)
        if claimed is None:
            found = operations.status(self._ws, run)
            if found.state == "finished":
                return found.result
            raise RunFailed(f"{run} is {found.state}" + (f": {found.error}" if found.error else ""))
        return self._carry(claimed)

    def run_until_idle(self) -> int:
        """Carry every run that is ready; gives how many were carried. Failures are recorded, not raised."""
        carried = 0
        while not self._stopped.is_set():
            claimed = operations.claim(self._ws, self._workflows, self._lease)
            if claimed is None:
                break
            carried += 1
            try:
                self._carry(claimed)
            except Exception:  # recorded with the run; the worker's business is the next one
                continue
        return carried

    def stop(self) -> None:
        """Take no further run."""
        self._stopped.set()

    def _carry(self, run: WorkRun) -> Any:
        code = self._codes.get(run.workflow, run.code)
        if code != run.code:
            said = f"{run.id} was begun with other code ({run.code[:12]}) than there is now ({code[:12]})"
            operations.release(self._ws, run, "needs decision", error=said)
            raise NeedsDecision(said, hint="let it go on with the new code, or cancel it")
        try:
            result = self._execute(run)
        except Suspended as wait:
            operations.release(self._ws, run, wait.state, wake_at=wait.wake_at, waiting_for=wait.signal)
            return None
        except NeedsDecision as error:
            operations.release(self._ws, run, "needs decision", error=str(error))
            raise
        except Lost:
            raise
        except Exception as error:
            operations.release(self._ws, run, "failed", error=f"{type(error).__name__}: {error}")
            raise
        operations.release(self._ws, run, "finished", result=result)
        return result

    def _execute(self, run: WorkRun) -> Any:
        workflow = self._workflows[run.workflow]
        context = Context(self._ws, run)
        if not self._heartbeat:
            return workflow(context, run.args)
        url = self._ws.database.url.render_as_string(hide_password=False)
        with Heartbeat(url, run, self._lease):
            return workflow(context, run.args)
