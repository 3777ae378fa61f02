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
        """The step's value: kept, or computed now and kept. What `compute` raises passes through; nothing is kept.

        A value may name blobs under the key `blobs`; when one of them is gone, the value is computed again.
        Two who compute the same at once both succeed, and the later one's value is kept.
        """
        stored = canonical(inputs)
        key = digest({"step": step, "inputs": json.loads(stored)})
        kept = self._kept(step, key)
        if kept is not None and self._whole(value := json.loads(kept)):
            return StepResult(value, True, "inputs unchanged", 0.0)
        why = "its result blob is gone" if kept is not None else self._why(step, json.loads(stored))
        began = monotonic()
        result = canonical(compute())
        row = {"step": step, "key": key, "inputs": stored, "value": result, "created": self._ws.clock.now()}
        with self._ws.database.transaction() as connection:
            self._ws.database.upsert(connection, step_results, [row], ["step", "key"])
        return StepResult(json.loads(result), False, why, monotonic() - began)

    def _kept(self, step: str, key: str) -> str | None:
        query = sa.select(step_results.c.value).where(step_results.c.step == step, step_results.c.key == key)
        with self._ws.database.reading() as connection:
            found = connection.execute(query).scalar_one_or_none()
        return None if found is None else str(found)

    def _whole(self, value: Any) -> bool:
        blobs = value.get("blobs", []) if isinstance(value, dict) else []
        return all(self._ws.blobs.exists(blob) for blob in blobs)

    def _why(self, step: str, inputs: Any) -> str:
        newest = sa.select(sa.func.max(step_results.c.created)).where(step_results.c.step == step).scalar_subquery()
        last = sa.select(step_results.c.inputs).where(step_results.c.step == step, step_results.c.created == newest)
        with self._ws.database.reading() as connection:
            found = [json.loads(text) for text in connection.execute(last).scalars()]
        if not found:
            return "it has never run"
        # a clock driven by data can stand still over several results: the nearest one says most
        changes = min((list(differences(one, inputs)) for one in found), key=len)
        more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
        return "; ".join(changes[:_SHOWN]) + more


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """What changed between two JSON values, as sentences.

    A path of two or more names reads "values.depth"; digests and long texts only say "changed". A list of
    named lists (`[["2013-01.parquet", digest], ...]`) is compared by those names, a list of objects one by one.

    >>> list(differences({"values": {"depth": 3}}, {"values": {"depth": 4}}))
    ['values.depth 3 → 4']
    >>> list(differences({"code": {"flights.helper": "0" * 64}}, {"code": {"flights.helper": "1" * 64}}))
    ['code: flights.helper changed']
    """
    if _named(before) and _named(after):
        if before != after and sorted(before, key=canonical) == sorted(after, key=canonical):
            yield f"{path} in another order"
            return
        before, after = _by_name(before), _by_name(after)
    if _objects(before) and _objects(after) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            called = one.get("name") if one.get("name") == other.get("name") else None
            yield from differences(one, other, f"{path}[{number if called is None else called}]")
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            inside = _inside(path, str(key))
            if key not in after:
                yield f"{inside} is gone"
            elif key not in before:
                yield f"{inside} is new"
            else:
                yield from differences(before[key], after[key], inside)
    elif canonical(before) != canonical(after):  # as the key sees them: 1, 1.0 and true differ
        yield f"{path} {_short(before)} → {_short(after)}" if _plain(before, after) else f"{path} changed"


def _inside(path: str, key: str) -> str:
    if not path:
        return key
    return f"{path}: {key}" if "." in key and ": " not in path else f"{path}.{key}"


def _named(value: Any) -> bool:
    """Whether a value is a list of lists which begin with names of their own."""
    if not isinstance(value, list) or not all(isinstance(one, list) and len(one) > 1 for one in value):
        return False
    return all(isinstance(one[0], str) for one in value) and len({one[0] for one in value}) == len(value)


def _objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _by_name(value: list[list[Any]]) -> dict[str, Any]:
    return {one[0]: one[1] if len(one) == 2 else one[1:] for one in value}


def _plain(*values: Any) -> bool:
    return all(not isinstance(one, list | dict) and len(str(one)) < 40 for one in values)


def _short(value: Any) -> str:
    return "nothing" if value is None else str(value)
