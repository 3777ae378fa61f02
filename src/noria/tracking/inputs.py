"""What went into a run and what came out of it: datasets, and logged models.

A dataset is known by (experiment, name, digest): naming it again finds the same one, with the source and schema that
it had first. So is its use by a run, with the tags that it had first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa

from noria.core.errors import BadInput
from noria.tracking.located import Located, locate
from noria.tracking.model import Dataset, DatasetInput, ModelLink
from noria.tracking.names import storable
from noria.tracking.tables import datasets, run_datasets, run_models
from noria.tracking.writing import insert_missing
from noria.workspace.workspace import Workspace

CONTEXT = "mlflow.data.context"
"""The tag that says what a dataset was used for."""
_LONGEST = {"name": 500, "digest": 36, "source_type": 36, "source": 65_535, "schema": 1_048_575, "profile": 16_777_215}
_NEEDED = ("name", "digest", "source_type", "source")
_LONGEST_TAG_NAME = 255
_LONGEST_TAG_VALUE = 500
_LONGEST_MODEL = 64


class BadDataset(BadInput):
    """A dataset, or a tag of its use, that cannot be kept.

    `part` is `name`, `digest`, `source_type`, `source`, `schema`, `profile`, `key` or `value`; `rule` is `missing`,
    `length` or `text`, `limit` the most characters.
    """

    code = "N2217"

    def __init__(self, part: str, rule: str, limit: int = 0) -> None:
        why = {"missing": "missing", "length": f"longer than {limit} characters", "text": "no text that can be stored"}
        super().__init__(f"the {part} of a dataset is {why[rule]}")
        self.part, self.rule, self.limit = part, rule, limit


def log_inputs(ws: Workspace, run: str, used: Sequence[DatasetInput], models: Sequence[ModelLink] = ()) -> None:
    """Say which data and models a run used; saying so again changes nothing.

    Raises RunMissing, NotActive, BadDataset, BadInput.
    """
    for one in used:
        _check_dataset(one)
    with ws.database.transaction() as connection:
        located = locate(connection, run)
        add_datasets(connection, located, used)
        add_models(connection, located, "input", models)


def log_outputs(ws: Workspace, run: str, models: Sequence[ModelLink]) -> None:
    """Say which models came out of a run. Saying so again changes nothing. Raises RunMissing, NotActive, BadInput."""
    with ws.database.transaction() as connection:
        add_models(connection, locate(connection, run), "output", models)


def dataset_summaries(ws: Workspace, of: Sequence[int], limit: int = 1000) -> list[tuple[int, str, str, str | None]]:
    """The datasets that runs of some experiments used: experiment, name, digest and what for, each once."""
    columns = (datasets.c.experiment, datasets.c.name, datasets.c.digest, run_datasets.c.context)
    query = sa.select(*columns).join(run_datasets, run_datasets.c.dataset == datasets.c.key).distinct()
    query = query.where(datasets.c.experiment.in_(of)).order_by(*columns).limit(limit)
    with ws.database.reading() as connection:
        return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def add_datasets(connection: sa.Connection, run: Located, used: Sequence[DatasetInput]) -> None:
    """Write datasets and their use by a run, inside the caller's transaction; of one named twice the first counts."""
    first: dict[tuple[str, str], DatasetInput] = {}
    for one in used:
        first.setdefault((one.dataset.name, one.dataset.digest), one)
    if not first:
        return
    sorted_first = sorted(first.items())
    insert_missing(connection, datasets, [_dataset_row(run, one.dataset) for _, one in sorted_first])
    keys = _keys(connection, run, [identity for identity, _ in sorted_first])
    uses = sorted(((keys[identity], one) for identity, one in sorted_first), key=lambda use: use[0])
    rows = [
        {"run": run.key, "dataset": key, "tags": json.dumps(dict(one.tags)), "context": one.tags.get(CONTEXT)}
        for key, one in uses
    ]
    insert_missing(connection, run_datasets, rows)


def add_models(connection: sa.Connection, run: Located, role: str, models: Sequence[ModelLink]) -> None:
    """Write which models went into a run or came out of it. Raises BadInput for what is no model's id."""
    for link in models:
        if not 0 < len(link.model) <= _LONGEST_MODEL or not storable(link.model):
            raise BadInput(f"a model's id has 1 to {_LONGEST_MODEL} characters, not {link.model[:80]!r}")
    links = sorted({(link.model, link.step) for link in models})
    rows = [{"run": run.key, "role": role, "model": model, "step": step} for model, step in links]
    insert_missing(connection, run_models, rows)


def _check_dataset(used: DatasetInput) -> None:
    for part, limit in _LONGEST.items():
        _check(part, getattr(used.dataset, part), limit, needed=part in _NEEDED)
    for name, value in used.tags.items():
        _check("key", name, _LONGEST_TAG_NAME)
        _check("value", value, _LONGEST_TAG_VALUE)


def _check(part: str, text: str | None, limit: int, *, needed: bool = True) -> None:
    if text is None:
        if needed:
            raise BadDataset(part, "missing")
    elif not isinstance(text, str) or not storable(text):
        raise BadDataset(part, "text")
    elif len(text) > limit:
        raise BadDataset(part, "length", limit)


def _dataset_row(run: Located, dataset: Dataset) -> dict[str, object]:
    return {"experiment": run.experiment, **{part: getattr(dataset, part) for part in _LONGEST}}


def _keys(connection: sa.Connection, run: Located, identities: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for start in range(0, len(identities), 300):
        names = [name for name, _ in identities[start : start + 300]]
        query = sa.select(datasets.c.name, datasets.c.digest, datasets.c.key)
        here = query.where(datasets.c.experiment == run.experiment, datasets.c.name.in_(names))
        found.update(((name, digest), key) for name, digest, key in connection.execute(here))
    return found
