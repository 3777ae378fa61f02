from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from noria.stores.pages import BadToken
from noria.testing.workspace import make_workspace
from noria.tracking import tables as t
from noria.tracking.search.experiments import search_experiments

TIMES = {1: 3_000, 2: 9_000, 3: 3_500, 4: 1_000}


@pytest.fixture
def ws(tmp_path: Path, database: str | None) -> Any:
    workspace = make_workspace(tmp_path, database=database)
    with workspace.database.transaction() as connection:
        connection.execute(sa.delete(t.experiments))
        for key, created in TIMES.items():
            stage = "deleted" if key == 4 else "active"
            row = {"name": f"Model {key}", "artifact_root": "", "stage": stage, "created": created, "updated": 0}
            connection.execute(sa.insert(t.experiments).values(key=key, **row))
        connection.execute(sa.insert(t.experiment_tags).values(experiment=1, name="team", value="Red"))
        connection.execute(sa.insert(t.experiment_tags).values(experiment=2, name="team", value="blue"))
    yield workspace
    workspace.close()


def found(ws: Any, text: str = "", order: Sequence[str] = (), **asked: Any) -> list[int]:
    return list(search_experiments(ws, text, order, **asked).keys)


def test_newest_first_or_as_asked(ws: Any) -> None:
    assert found(ws) == [2, 3, 1]
    assert found(ws, "", ["name"]) == [1, 2, 3]
    assert found(ws, "", ["last_update_time"]) == [3, 2, 1]
    assert found(ws, "", ["experiment_id DESC", "experiment_id"]) == [3, 2, 1]
    assert found(ws, stage="deleted") == [4]
    assert found(ws, "", ["creation_time"], stage="all") == [4, 1, 3, 2]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("name LIKE 'Model%'", [2, 3, 1]),
        ("name LIKE 'model%'", []),
        ("name ILIKE 'model 1'", [1]),
        ("experiment_id IN ('1', '3')", [3, 1]),
        ("experiment_id NOT IN ('1', '3')", [2]),
        ("experiment_id != '2'", [3, 1]),
        ("creation_time = 3", [3, 1]),
        ("tags.team = 'Red'", [1]),
        ("tags.team != 'Red'", [2]),
        ("tags.team IS NULL", [3]),
        ("tags.team IS NOT NULL", [2, 1]),
        ("NOT tags.team = 'Red'", [2, 3]),
        ("tags.team = 'Red' OR tags.team IS NULL", [3, 1]),
    ],
)
def test_filters(ws: Any, text: str, keys: list[int]) -> None:
    assert found(ws, text) == keys


def test_pages(ws: Any) -> None:
    first = search_experiments(ws, "", ["last_update_time"], limit=2)
    assert list(first.keys) == [3, 2]
    assert found(ws, "", ["last_update_time"], limit=2, token=first.next_token) == [1]
    with pytest.raises(BadToken):
        found(ws, token=first.next_token)
