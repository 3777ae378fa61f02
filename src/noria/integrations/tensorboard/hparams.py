"""TensorBoard's hyper-parameter plugin: the parameters of a run travel in the metadata of three odd tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from noria.core.clock import Micros
from noria.integrations.flat import as_text
from noria.integrations.tensorboard.events import metadata
from noria.integrations.wire import double, fields, put, raw, text, whole
from noria.tracking.model import RunState

PLUGIN = "hparams"
_STATES: dict[int, RunState] = {0: "finished", 1: "finished", 2: "failed", 3: "running"}
_BACK: dict[str, int] = {"finished": 1, "failed": 2, "killed": 2, "running": 3, "scheduled": 3}


@dataclass
class Session:
    """What the plugin knows of one run."""

    params: dict[str, str] = field(default_factory=dict)
    group: str = ""
    state: RunState | None = None
    started: Micros | None = None
    ended: Micros | None = None


def learn(session: Session, content: bytes) -> None:
    """Let one plugin message add to what is known. Raises Torn."""
    for number, value in fields(content):
        if number == 3:
            _learn_start(session, raw(value))
        elif number == 4:
            for inner, one in fields(raw(value)):
                if inner == 1:
                    session.state = _STATES.get(whole(one))
                elif inner == 2 and double(one) > 0:
                    session.ended = _micros(double(one))
            session.state = session.state or "finished"


def _learn_start(session: Session, message: bytes) -> None:
    for number, value in fields(message):
        if number == 1:
            entry = dict(fields(raw(value)))
            session.params[text(entry.get(1, b""))] = as_text(_plain(raw(entry.get(2, b""))))
        elif number == 4:
            session.group = text(value)
        elif number == 5 and double(value) > 0:
            session.started = _micros(double(value))


def _plain(message: bytes, depth: int = 0) -> Any:
    """A google.protobuf.Value."""
    for number, value in fields(message):
        if number == 2:
            found = double(value)
            return int(found) if found.is_integer() and abs(found) < 1e15 else found
        if number == 3:
            return text(value)
        if number == 4:
            return bool(value)
        if number == 6 and depth < 32:
            return [_plain(raw(one), depth + 1) for n, one in fields(raw(value)) if n == 1]
    return None


def _micros(seconds: float) -> Micros | None:
    return int(seconds * 1_000_000) if abs(seconds) < 1e15 else None


def start_values(
    params: Mapping[str, str], metrics: Sequence[str], state: str, start: float, end: float
) -> list[bytes]:
    """The three values that tell TensorBoard's page the parameters and metrics of a run."""
    infos = b"".join(put(4, put(1, name) + put(4, 1)) for name in params)
    infos += b"".join(put(5, put(1, put(2, name))) for name in metrics)
    entries = b"".join(put(1, put(1, name) + put(2, put(3, value))) for name, value in params.items())
    messages = {
        "_hparams_/experiment": put(2, infos),
        "_hparams_/session_start_info": put(3, entries + put(5, start)),
        "_hparams_/session_end_info": put(4, put(1, _BACK.get(state, 0)) + put(2, end)),
    }
    return [put(1, tag) + metadata(PLUGIN, message) for tag, message in messages.items()]
