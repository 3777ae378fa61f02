"""Everything one call logs, in one transaction: params, points, what a model measured, tags.

This is the path that a training loop waits for, so it makes few statements: it finds the run, and then writes each
kind of thing at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from noria.tracking import history
from noria.tracking.located import locate
from noria.tracking.model import Point
from noria.tracking.model_metrics import ModelPoints, record_model_metrics
from noria.tracking.names import Pairs, check_keys
from noria.tracking.params import log_params
from noria.tracking.series.points import BadPoint
from noria.tracking.tags import set_tags
from noria.workspace.workspace import Workspace


class BeforeTime(BadPoint):
    """A point from before 1970; `number` says which."""

    code = "N2215"

    def __init__(self, number: int, metric: str, at: int) -> None:
        super().__init__(f"the moment of point {number}, {at} of {metric!r}, is before 1970")
        self.number, self.metric, self.at = number, metric, at


def log_batch(
    ws: Workspace,
    id: str,
    points: Sequence[Point] = (),
    params: Pairs = (),
    tags: Pairs = (),
    of_models: Sequence[ModelPoints] = (),
) -> None:
    """Write points, params and tags of a run, all or nothing; sending the same again changes nothing.

    Raises RunMissing, NotActive, ParamChanged, NamedTwice, BadName, BadValue, BadPoint, LoggedModelMissing.
    """
    names, values = [one.metric for one in points], [one.value for one in points]
    log_columns(ws, id, names, values, [p.at for p in points], [p.step for p in points], params, tags, of_models)


def log_columns(
    ws: Workspace,
    id: str,
    names: Sequence[str] = (),
    values: Sequence[float] = (),
    ats: Sequence[int] = (),
    steps: Sequence[int] = (),
    params: Pairs = (),
    tags: Pairs = (),
    of_models: Sequence[ModelPoints] = (),
) -> None:
    """`log_batch` with points as parallel lists: each one's metric, value, moment in milliseconds, and step."""
    check_keys("metric", names)
    with ws.database.transaction() as connection:
        run = locate(connection, id)
        log_params(connection, run, params)
        history.append_raw(ws, connection, run.key, run.experiment, names, values, ats, steps)
        if ats and min(ats) < 0:
            raise next(BeforeTime(n, name, at) for n, (name, at) in enumerate(zip(names, ats, strict=True)) if at < 0)
        for each in sorted(of_models, key=lambda one: one.model):
            record_model_metrics(connection, run, each)
        set_tags(connection, run, tags)
