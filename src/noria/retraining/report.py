"""The report of a replay: one self-contained HTML file that says in a picture what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from noria.core.clock import to_datetime
from noria.features.model import input_columns
from noria.monitoring.model import Measurement
from noria.retraining import figures
from noria.retraining.model import ModelPlan
from noria.retraining.result import Result, Retraining
from noria.retraining.scoring import Answer, frozen_answers
from noria.rollout.model import Rollout
from noria.workspace.workspace import Workspace


def write_report(
    path: Path,
    plan: ModelPlan,
    result: Result,
    answers: Sequence[Answer],
    labels: Mapping[str, float],
    measurements: Sequence[Measurement],
    taken_over: Sequence[Rollout],
    ws: Workspace,
) -> None:
    """Write the report of `result` to `path`; no script, no font and no picture comes from elsewhere."""
    labelled = [one for one in answers if one.prediction_id in labels]
    truth = np.array([labels[one.prediction_id] for one in labelled])
    at = np.array([one.at for one in labelled], dtype=np.int64)
    living = log_losses(truth, np.array([one.output for one in labelled]))
    frozen = log_losses(truth, frozen_answers(ws, plan, labelled))
    pictures = {
        "losses": figures.losses(at, living, frozen, result.retrainings),
        "drift": figures.drift(measurements, [one.name for one in input_columns(plan.training.inputs)]),
        "rollouts": figures.rollouts(taken_over),
        "latency": figures.latency(
            np.array([one.at for one in answers], dtype=np.int64), np.array([one.latency for one in answers])
        ),
    }
    page = (
        _environment()
        .get_template("report.html")
        .render(plan=plan, result=result, pictures=pictures, headline=headline(result), colours=figures.COLOURS)
    )
    temporary = path.with_suffix(".tmp")
    temporary.write_text(page, encoding="utf-8")
    temporary.replace(path)


def log_losses(truth: np.ndarray[Any, Any], chance: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The log loss of each row; chances are kept 1e-7 from certainty."""
    safe = np.clip(chance, 1e-7, 1 - 1e-7)
    losses: np.ndarray[Any, Any] = -(truth * np.log(safe) + (1 - truth) * np.log(1 - safe))
    return losses


def headline(result: Result) -> str:
    """The whole story in a sentence."""
    gain = result.score.gain
    compared = f"{abs(gain):.1%} less" if gain >= 0 else f"{abs(gain):.1%} more"
    kept_out = sum(one.outcome in _KEPT_OUT for one in result.retrainings)
    return (
        f"Left alone, the model got worse. Kept by Noria it lost {compared}: retrained "
        f"{_times(len(result.retrainings))} by itself, {result.promotions} new versions took over and {kept_out} "
        "that were not proven better were kept out."
        if gain >= 0
        else f"Kept by Noria the model lost {compared} than the first version left alone, over "
        f"{len(result.retrainings)} retrainings."
    )


_KEPT_OUT = ("refused", "rolled back", "inconclusive")


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("noria.retraining"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["day"] = lambda micros: to_datetime(micros).strftime("%-d %b %Y")
    environment.filters["number"] = lambda value: "–" if value is None or value != value else f"{value:.4f}"
    environment.filters["outcome"] = lambda turn: _outcome(turn)
    return environment


def _outcome(turn: Retraining) -> str:
    return f"{turn.outcome}" + (f" on {to_datetime(turn.ended):%-d %b}" if turn.ended else "")
