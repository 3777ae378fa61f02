"""What differs between runs, and nothing else: parameters, metrics, data, code, and the rest of the tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from noria.core.clock import show_moment
from noria.core.errors import BadInput
from noria.tracking.model import Run

Section = Literal["run", "parameter", "metric", "data", "code", "tag"]
_CODE = ("mlflow.source.", "noria.code.", "noria.environment.")
"""Tags that tell which code ran, and in what."""
_TWINS = ("mlflow.runName", "mlflow.user", "noria.session")
"""Tags that repeat what the run itself says, or only say who is logging to it."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same in every run; `values` in the order of the runs, None where it is missing."""

    section: Section
    name: str
    values: Sequence[str | float | None]


def differences(runs: Sequence[Run]) -> list[Difference]:
    """What differs between two or more runs, in the order in which people ask. Raises BadInput for fewer than two."""
    if len(runs) < 2:
        raise BadInput(f"{len(runs)} run cannot be compared", hint="name two runs or more; `noria runs` lists them")
    return [
        Difference(section, name, values)
        for section, columns in _sections(runs)
        for name, values in _rows(columns)
        if any(value != values[0] for value in values)
    ]


def _sections(runs: Sequence[Run]) -> Iterator[tuple[Section, Sequence[Mapping[str, str | float]]]]:
    yield "run", [_about(run) for run in runs]
    yield "parameter", [run.params for run in runs]
    yield "metric", [{name: point.value for name, point in run.metrics.items()} for run in runs]
    yield "data", [{one.dataset.name: one.dataset.digest for one in run.datasets} for run in runs]
    yield "code", [{name: value for name, value in run.tags.items() if name.startswith(_CODE)} for run in runs]
    yield (
        "tag",
        [
            {name: value for name, value in run.tags.items() if not name.startswith(_CODE) and name not in _TWINS}
            for run in runs
        ],
    )


def _about(run: Run) -> dict[str, str | float]:
    said: dict[str, str | float] = {"name": run.name, "state": run.state, "actor": run.actor}
    if run.started is not None:
        said["started"] = show_moment(run.started)
        if run.ended is not None:
            said["seconds"] = round((run.ended - run.started) / 1e6, 3)
    return said


def _rows(columns: Sequence[Mapping[str, str | float]]) -> Iterator[tuple[str, list[str | float | None]]]:
    for name in sorted({name for column in columns for name in column}):
        yield name, [column.get(name) for column in columns]
