from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from noria.core.errors import BadInput
from noria.tracking import tables as t
from noria.tracking.search.logged_models import search_logged_models


@pytest.fixture
def models(lab: Any) -> Any:
    """Models 1 to 4; a value is (metric, value or None for NaN, at, dataset, digest)."""
    lab.run("r")
    values: dict[int, list[tuple[str, float | None, int, str | None, str | None]]] = {
        1: [("auc", 0.9, 1, "train", "x"), ("auc", 0.4, 2, "test", "y")],
        2: [("auc", 0.6, 1, "test", "z")],
        3: [("auc", None, 1, None, None)],
        4: [],
    }
    with lab.ws.database.transaction() as connection:
        for key, metrics in values.items():
            row = {"id": f"m-{key}", "experiment": 1, "name": f"net{key}", "state": "ready" if key != 2 else "pending",
                   "artifact_root": "", "stage": "active", "created": key * 1000, "updated": 0}  # fmt: skip
            connection.execute(sa.insert(t.logged_models).values(key=key, kind="Agent" if key == 1 else None, **row))
            connection.execute(sa.insert(t.logged_model_params).values(model=key, name="lr", value=f"0.{key}"))
            for name, value, at, dataset, digest in metrics:
                connection.execute(sa.insert(t.logged_model_metrics).values(
                    model=key, name=name, at=at, step=0, run=1, value=value or 0.0, is_nan=int(value is None),
                    dataset_name=dataset, dataset_digest=digest,
                ))  # fmt: skip
    return lab.ws


def found(ws: Any, text: str = "", order: Sequence[Any] = (), datasets: Sequence[Any] = (), **asked: Any) -> list[int]:
    return list(search_logged_models(ws, asked.pop("experiments", [1]), text, order, datasets, **asked).keys)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", [4, 3, 2, 1]),
        ("metrics.auc > 0.8", [1]),
        ("metrics.auc < 0.5", [1]),
        ("metrics.auc != 0.6", [3, 1]),
        ("metrics.auc <= inf", [2, 1]),
        ("metrics.auc != nan", []),
        ("params.lr = 0.2", [2]),
        ("params.lr IN ('0.2', '0.3')", [3, 2]),
        ("status = 'READY'", [4, 3, 1]),
        ("status = '1'", [2]),
        ("status != 'READY'", [2]),
        ("creation_time >= 3", [4, 3]),
        ("creation_time = 1.5", []),
        ("model_type != 'x'", [1]),
        ("model_type IS NULL", [4, 3, 2]),
        ("NOT metrics.auc > 0.8", [4, 3, 2]),
    ],
)
def test_filters(models: Any, text: str, keys: list[int]) -> None:
    assert found(models, text) == keys


def test_a_metric_orders_by_its_newest_value(models: Any) -> None:
    auc = {"field_name": "metrics.auc", "ascending": False}
    assert found(models, "", [auc]) == [2, 1, 3, 4]
    assert found(models, "", [{**auc, "dataset_name": "train"}]) == [1, 4, 3, 2]
    assert found(models, "", [{**auc, "dataset_name": "test", "dataset_digest": "y"}]) == [1, 4, 3, 2]
    assert found(models, "", [{"field_name": "model_type"}]) == [1, 4, 3, 2]
    assert found(models, "", [{"field_name": "creation_timestamp"}]) == [1, 2, 3, 4]


def test_datasets_narrow_the_values(models: Any) -> None:
    train, test = {"dataset_name": "train"}, {"dataset_name": "test"}
    assert found(models, "metrics.auc > 0.5", datasets=[test]) == [2]
    assert found(models, "metrics.auc > 0.5", datasets=[train, test]) == [2, 1]
    assert found(models, "", datasets=[{**test, "dataset_digest": "y"}]) == [1]
    assert found(models, "", datasets=[{**test, "dataset_digest": None}]) == [2, 1]
    for wrong in ({}, {"dataset_name": ""}, {"dataset_name": 5}, {"dataset_name": "a", "dataset_digest": 5}):
        with pytest.raises(BadInput):
            found(models, datasets=[wrong])


def test_pages_are_the_whole(models: Any) -> None:
    order = [{"field_name": "metrics.auc", "ascending": True}]
    token, keys = None, []
    for _ in range(4):
        page = search_logged_models(models, [1, 2], "", order, limit=1, token=token)
        keys, token = [*keys, *page.keys], page.next_token
    assert keys == [1, 2, 3, 4]
    assert token is None
