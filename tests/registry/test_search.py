from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from noria.registry.search import search_model_versions, search_registered_models
from noria.registry.tables import registered_model_tags, registered_models, version_tags, versions
from noria.stores.pages import BadToken
from noria.testing.postgres import PostgresServer
from noria.testing.workspace import make_workspace

PROMPT = "tags.`mlflow.prompt.is_prompt`"


@pytest.fixture(params=["sqlite", "postgresql"])
def ws(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Three models with two versions each; `hello` is a prompt, and `flights` has lost its first version."""
    url = None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        admin = sa.create_engine(server.url, isolation_level="AUTOCOMMIT")
        name = f"r{abs(hash(str(tmp_path)))}"
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        admin.dispose()
        url = server.url.replace("/postgres", f"/{name}")
    workspace = make_workspace(tmp_path, database=url)
    with workspace.database.transaction() as connection:
        for place, model in enumerate(("flights", "Weather", "hello")):
            _fill(connection, place, model)
    yield workspace
    workspace.close()


def _fill(connection: sa.Connection, place: int, model: str) -> None:
    connection.execute(sa.insert(registered_models).values(name=model, created=0, updated=place // 2))
    tags = {"team": "Red"} if model == "flights" else {"mlflow.prompt.is_prompt": "true"} if model == "hello" else {}
    for tag, value in tags.items():
        connection.execute(sa.insert(registered_model_tags).values(model=model, name=tag, value=value))
    for number in (1, 2):
        stage = "deleted" if (model, number) == ("flights", 1) else "candidate"
        row = {"created": 0, "updated": place, "stage": stage, "source": f"s3://{model}/{number}", "storage": ""}
        run = f"run{number}" if number == 1 else None
        connection.execute(
            sa.insert(versions).values(model=model, number=number, run=run, actor="", status="READY", **row)
        )
    for tag, value in tags.items():
        connection.execute(sa.insert(version_tags).values(model=model, number=2, name=tag, value=value))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["Weather", "flights"]),
        ("name LIKE '%e%'", ["Weather"]),
        ("name ILIKE 'weather'", ["Weather"]),
        ("name IN ('flights', 'hello')", ["flights"]),
        ("tags.team = 'Red'", ["flights"]),
        ("tags.team != 'Blue'", ["flights"]),
        ("NOT tags.team = 'Red'", ["Weather"]),
        (f"{PROMPT} = 'true'", ["hello"]),
        (f"{PROMPT} != 'false'", ["hello"]),
        (f"{PROMPT} = 'false'", ["Weather", "flights"]),
        (f"{PROMPT} != 'true' AND name LIKE 'f%'", ["flights"]),
        (f"{PROMPT} = 'true' AND tags.team = 'Red'", []),
    ],
)
def test_models(ws: Any, text: str, names: list[str]) -> None:
    assert list(search_registered_models(ws, text).keys) == names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [("Weather", 2), ("Weather", 1), ("flights", 2)]),
        ("version_number > 1", [("Weather", 2), ("flights", 2)]),
        ("version_number = '1'", [("Weather", 1)]),
        ("run_id = 'run1'", [("Weather", 1)]),
        ("run_id != 'x'", [("Weather", 1)]),
        ("source_path LIKE 's3://flights%'", [("flights", 2)]),
        ("tags.team = 'Red' OR run_id IS NOT NULL", [("Weather", 1), ("flights", 2)]),
        (f"{PROMPT} = 'true'", [("hello", 2)]),
        (f"{PROMPT} = 'false' AND version_number < 2", [("Weather", 1)]),
    ],
)
def test_versions(ws: Any, text: str, found: list[tuple[str, int]]) -> None:
    assert list(search_model_versions(ws, text).keys) == found


def test_orders_and_pages(ws: Any) -> None:
    newest = search_registered_models(ws, "", ["timestamp DESC"], limit=1)
    assert list(newest.keys) == ["Weather"]
    last = search_registered_models(ws, "", ["timestamp DESC"], limit=1, token=newest.next_token)
    assert (list(last.keys), last.next_token) == (["flights"], None)
    first = search_model_versions(ws, "", ["version_number"], limit=2)
    assert list(first.keys) == [("Weather", 1), ("Weather", 2)]
    assert search_model_versions(ws, "", ["version_number"], token=first.next_token).keys == [("flights", 2)]
    with pytest.raises(BadToken):
        search_model_versions(ws, token=first.next_token)
