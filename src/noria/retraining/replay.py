"""The replay: history sent through the real endpoint in time order, as if it were happening now.

Requests come at the moment they were asked, source events when they could be known, labels when they had
matured, and after each stretch the controller takes a look; the clock of every process follows the data.
Nothing else differs from production: the same server, monitors, triggers, training, gates and rollouts.
A replay that is broken off goes on from its last look: what it sends again is recognised and not doubled.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from noria.core.clock import Micros, monotonic
from noria.core.errors import BadInput
from noria.retraining.line import Line
from noria.retraining.model import ModelPlan
from noria.retraining.stream import History, Moment, Stretch

TIME_HEADER = "Noria-Time"
"""The moment a request is made at; a server takes it only when it was started for a replay."""


class ReplayBroken(BadInput):
    """The server refused something that the replay sent."""

    code = "N6302"


@dataclass
class State:
    """How far a replay has come; written after each look, so that it can go on."""

    stretch: int = 0
    requests: int = 0
    errors: int = 0
    labels: int = 0
    events: int = 0
    seconds: float = 0.0
    first_error: str = ""


@dataclass(frozen=True)
class Target:
    """Where the data plane and the control plane answer."""

    data_plane: str
    control: str


class Replay:
    """Drives one model's history through `target`.

    `state_file` keeps how far it has come. `watch` is called after each stretch with the state and the total.
    """

    def __init__(self, plan: ModelPlan, history: History, target: Target, state_file: Path) -> None:
        self.plan, self.history, self.state_file = plan, history, state_file
        self.data_plane, self.control = Line(target.data_plane), Line(target.control)
        self.state = _read_state(state_file)

    def run(self, watch: Callable[[State, int], None]) -> State:
        """Send everything that is left. Raises Unavailable when a server stays away for a minute."""
        total = self.history.stretches
        while self.state.stretch < total:
            began = monotonic()
            self._send(self.history.stretch(self.state.stretch))
            self.state.stretch += 1
            self.state.seconds += monotonic() - began
            _write_state(self.state_file, self.state)
            watch(self.state, total)
        return self.state

    def _send(self, stretch: Stretch) -> None:
        for moment in stretch.moments:
            self._send_moment(moment)
        if stretch.labels:
            rows = [{"prediction_id": self.prediction_id(one.key), "label": one.label} for one in stretch.labels]
            answer = self._post(self.data_plane, "/feedback", rows, stretch.until)
            self.state.labels += int(answer.get("accepted", 0))
        self._post(self.control, "/api/tick", {"at": stretch.until}, stretch.until)

    def _send_moment(self, moment: Moment) -> None:
        if moment.events:
            batches = [
                {"source": one.source, "stream": f"replay/{one.source}", "position": one.position, "rows": one.rows}
                for one in moment.events
            ]
            self._post(self.data_plane, "/events", batches, moment.at)
            self.state.events += sum(len(one.rows) for one in moment.events)
        if moment.request is not None:
            key = str(moment.request[self.plan.training.inputs.key])
            body = {**moment.request, "prediction_id": self.prediction_id(key)}
            self._post(self.data_plane, "/predict", body, moment.at)
            self.state.requests += 1

    def prediction_id(self, key: str) -> str:
        """The id under which a request is asked: the same in every attempt, so that it is answered once."""
        return f"{self.plan.name}/{key}"

    def _post(self, line: Line, path: str, body: Any, at: Micros) -> dict[str, Any]:
        status, answer = line.post(path, msgspec.json.encode(body), {TIME_HEADER: str(at)})
        if status == 200:
            return answer if isinstance(answer, dict) else {}
        self.state.errors += 1
        said = f"{path} answered {status}: {answer}"
        self.state.first_error = self.state.first_error or said
        if path != "/predict":
            raise ReplayBroken(said, hint="the replay stopped here and can be gone on with by running it again")
        return {}


def _read_state(path: Path) -> State:
    return State(**json.loads(path.read_text())) if path.exists() else State()


def _write_state(path: Path, state: State) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(state)))
    temporary.replace(path)
