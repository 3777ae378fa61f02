"""A step's result is kept by what it depends on: the same inputs, the same result, nothing done.

Inputs are JSON and name everything: the code's fingerprint, values, digests of data, package versions, the
seed. A miss says which of them differ from the step's last result, so nobody has to guess why it ran.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from noria.core.clock import monotonic
from noria.core.digest import canonical, digest
from noria.training.tables import step_results
from noria.workspace.workspace import Workspace

_SHOWN = 3


@dataclass(frozen=True)
class StepResult:
    """A step's value, whether it was reused, why, and the seconds it took."""

    value: Any
    reused: bool
    why: str
    seconds: float


class StepCache:
    """Results of steps in the workspace's database."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws

    def run(self, step: str, inputs: Mapping[str, Any], compute: Callable[[], Any]) -> StepResult:
        """The step's value: kept, or computed now and kept.

        A value may name blobs under the key `blobs`; when one of them is gone, the value is computed again.
        """
        stored = canonical(inputs)
        key = digest({"step": step, "inputs": json.loads(stored)})
        kept = self._kept(step, key)
        if kept is not None and self._whole(kept):
            return StepResult(kept, True, "inputs unchanged", 0.0)
        why = "its result's blob is gone" if kept is not None else self._why(step, json.loads(stored))
        began = monotonic()
        value = compute()
        row = {
            "step": step, "key": key, "inputs": stored, "value": (kept_value := canonical(value)),
            "created": self._ws.clock.now(),
        }  # fmt: skip
        with self._ws.database.transaction() as connection:
            self._ws.database.upsert(connection, step_results, [row], ["step", "key"])
        return StepResult(json.loads(kept_value), False, why, monotonic() - began)

    def _kept(self, step: str, key: str) -> Any:
        query = sa.select(step_results.c.value).where(step_results.c.step == step, step_results.c.key == key)
        with self._ws.database.reading() as connection:
            found = connection.execute(query).scalar_one_or_none()
        return None if found is None else json.loads(str(found))

    def _whole(self, value: Any) -> bool:
        blobs = value.get("blobs", []) if isinstance(value, dict) else []
        return all(self._ws.blobs.exists(blob) for blob in blobs)

    def _why(self, step: str, inputs: Any) -> str:
        newest = sa.select(step_results.c.inputs).where(step_results.c.step == step)
        newest = newest.order_by(step_results.c.created.desc()).limit(1)
        with self._ws.database.reading() as connection:
            last = connection.execute(newest).scalar_one_or_none()
        if last is None:
            return "it has never run"
        changes = list(differences(json.loads(last), inputs))
        more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
        return "; ".join(changes[:_SHOWN]) + more


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """What changed between two JSON values, as sentences.

    >>> list(differences({"values": {"depth": 3}}, {"values": {"depth": 4}}))
    ['values.depth 3 → 4']
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            inside = f"{path}.{key}" if path else str(key)
            yield from differences(before.get(key), after.get(key), inside)
    elif before != after:
        yield f"{path} {_short(before)} → {_short(after)}" if _plain(before, after) else f"{path} changed"


def _plain(*values: Any) -> bool:
    return all(not isinstance(one, list | dict) and len(str(one)) < 40 for one in values)


def _short(value: Any) -> str:
    return "nothing" if value is None else str(value)
