"""What W&B's records say: run, config, summary, history, machine statistics, artifacts, the end.

Field numbers from wandb/proto/wandb_internal.proto (MIT). Only what is read here is named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from noria.core.clock import Micros
from noria.integrations.wire import Torn, Value, double, fields, raw, signed, text, zigzag

HISTORY, SUMMARY, CONFIG, STATS, ARTIFACT, METRIC, OUTPUT, RUN, EXIT, ENVIRONMENT = 2, 3, 5, 7, 8, 12, 13, 17, 18, 26
OF_A_RUN = {
    1: "run_id",
    2: "entity",
    3: "project",
    6: "group",
    7: "job_type",
    8: "name",
    9: "notes",
    12: "sweep",
    13: "host",
}


@dataclass
class Head:
    """What a run is, as its records say one after the other."""

    said: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    git: dict[str, str] = field(default_factory=dict)
    started: Micros | None = None
    exit_code: int | None = None
    seconds: int | None = None


def payload(record: bytes) -> tuple[int, bytes]:
    """Which kind of record, and its message; (0, b"") for none. Raises Torn."""
    for number, value in fields(record):
        if number not in (1, 16, 19, 200) and isinstance(value, bytes):
            return number, value
    return 0, b""


def items(message: bytes, update: int = 1) -> dict[str, Any]:
    """The key-value items of a history, summary, config or statistics message as a nested dictionary. Raises Torn."""
    found: dict[str, Any] = {}
    for number, value in fields(message):
        if number == update:
            path, leaf = _item(raw(value))
            put_at(found, path, leaf)
    return found


def removed(message: bytes) -> Iterator[list[str]]:
    """The paths that a summary or config message takes away."""
    for number, value in fields(message):
        if number == 2:
            yield _item(raw(value))[0]


def _item(message: bytes) -> tuple[list[str], Any]:
    """One item: its path and value, from JSON or from one of the typed fields of a history item."""
    path: list[str] = []
    leaf: Any = None
    for number, value in fields(message):
        if number == 1:
            path = [text(value), *path]
        elif number == 2:
            path.append(text(value))
        else:
            leaf = _leaf(number, value)
    return [name for name in path if name], leaf


def _leaf(number: int, value: Value) -> Any:
    if number in (8, 16):
        try:
            return json.loads(raw(value))
        except (ValueError, RecursionError) as error:
            raise Torn(f"a value that is no JSON: {error}") from error
    kinds: dict[int, Callable[[Value], Any]] = {4: bool, 5: zigzag, 6: double, 7: text}
    return kinds[number](value) if number in kinds else None


def put_at(target: dict[str, Any], path: list[str], leaf: Any) -> None:
    """Set a value by its path; what is in the way is replaced."""
    for name in path[:-1]:
        inner = target.get(name)
        if not isinstance(inner, dict):
            inner = target[name] = {}
        target = inner
    if path:
        target[path[-1]] = leaf


def take_away(target: dict[str, Any], path: list[str]) -> None:
    """Remove a value by its path, if it is there."""
    inner: Any = target
    for name in path[:-1]:
        inner = inner.get(name) if isinstance(inner, dict) else None
    if path and isinstance(inner, dict):
        inner.pop(path[-1], None)


def moment(message: bytes) -> Micros:
    """A protocol-buffer timestamp in microseconds."""
    said = {number: signed(value) for number, value in fields(message)}
    return said.get(1, 0) * 1_000_000 + said.get(2, 0) // 1000


def learn(head: Head, kind: int, message: bytes) -> None:
    """Let a record that is no history add to what is known of the run. Raises Torn."""
    if kind == RUN:
        _learn_run(head, message)
    elif kind == CONFIG:
        head.config.update(items(message))
        for path in removed(message):
            take_away(head.config, path)
    elif kind == SUMMARY:
        _merge(head.summary, items(message))
        for path in removed(message):
            take_away(head.summary, path)
    elif kind == EXIT:
        said = {number: signed(value) for number, value in fields(message) if isinstance(value, int)}
        head.exit_code, head.seconds = said.get(1, 0), said.get(2, head.seconds)
    elif kind == ENVIRONMENT:
        names = {1: "os", 2: "python", 6: "program", 12: "host", 13: "username", 18: "gpu_type", 25: "cuda"}
        head.environment.update({names[n]: text(v) for n, v in fields(message) if n in names and isinstance(v, bytes)})


def _learn_run(head: Head, message: bytes) -> None:
    tags = []
    for number, value in fields(message):
        if number in OF_A_RUN:
            head.said[OF_A_RUN[number]] = text(value)
        elif number == 4:
            head.config.update(items(raw(value)))
        elif number == 5:
            _merge(head.summary, items(raw(value)))
        elif number == 10:
            tags.append(text(value))
        elif number == 17:
            head.started = moment(raw(value))
        elif number == 21:
            head.git.update(
                {name: text(one) for n, one in fields(raw(value)) if (name := {1: "remote", 2: "commit"}.get(n))}
            )
    head.tags = tags or head.tags


def _merge(target: dict[str, Any], new: dict[str, Any]) -> None:
    for name, value in new.items():
        inner = target.get(name)
        if isinstance(value, dict) and isinstance(inner, dict) and "_type" not in value:
            _merge(inner, value)
        else:
            target[name] = value
