"""What several requests check alike: experiment ids, page sizes, which stages are meant, how large a batch may be."""

from __future__ import annotations

import re
from collections.abc import Iterable

from noria.server.mlflow.faults import invalid, invalid_value
from noria.tracking.search.runs import Stages

MOST_METRICS = 1000
MOST_PARAMS = 100
MOST_TAGS = 100
MOST_ENTITIES = 1000

View = str | int | None
"""Which stages are meant, as the name or the number of a `ViewType`."""

_RUN_ID = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}")
_STAGES: dict[str | int, Stages] = {
    "ACTIVE_ONLY": "active", "DELETED_ONLY": "deleted", "ALL": "all", 1: "active", 2: "deleted", 3: "all",
}  # fmt: skip


def experiment_key(told: str) -> int:
    """The number of an experiment. Raises Refused for what is none."""
    try:
        return int(told)
    except ValueError:
        raise invalid(f"Invalid experiment ID '{told}'. Experiment ID must be a valid integer.") from None


def experiment_keys(told: Iterable[str]) -> list[int]:
    """The numbers of experiments. Raises Refused."""
    return [experiment_key(one) for one in told]


def stage_of(view: View) -> Stages:
    """Which stages a view shows: active ones unless it says otherwise. Raises Refused."""
    if view is None:
        return "active"
    known = int(view) if isinstance(view, str) and view.isdecimal() else view
    if known not in _STAGES:
        raise invalid(invalid_value("view_type", view, "It is one of ACTIVE_ONLY, DELETED_ONLY, ALL"))
    return _STAGES[known]


def page_size(told: int, most: int) -> int:
    """How many results a page has. Raises Refused."""
    if told < 1:
        raise invalid(invalid_value("max_results", told) + " It must be a positive integer")
    if told > most:
        raise invalid(invalid_value("max_results", told) + f" It must be at most {most}")
    return told


def check_run_id(run: str) -> None:
    """Raises Refused for what cannot be a run's id."""
    if _RUN_ID.fullmatch(run) is None:
        raise invalid(invalid_value("run_id", run))


def check_batch(metrics: int, params: int, tags: int) -> None:
    """How much one batch may hold. Raises Refused."""
    _at_most(MOST_METRICS, metrics, "metrics")
    _at_most(MOST_PARAMS, params, "params")
    _at_most(MOST_TAGS, tags, "tags")
    _at_most(MOST_ENTITIES, metrics + params + tags, "metrics, params, and tags")


def _at_most(limit: int, count: int, what: str) -> None:
    if count > limit:
        raise invalid(
            f"A batch logging request can contain at most {limit} {what}. Got {count} {what}. Please split up {what}"
            " across multiple requests and try again."
        )
