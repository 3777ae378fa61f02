"""`noria features sql`: a view as one SQL statement, for an engine of yours."""

from __future__ import annotations

from typing import Annotated

import typer

from noria.cli.opening import HERE, Folder, Json
from noria.cli.output import say_json


def command(
    view: Annotated[str, typer.Argument(help="The feature view.")],
    dialect: Annotated[
        str, typer.Option(help="duckdb, postgresql (or postgres), spark; bigquery and snowflake are untested.")
    ] = "postgresql",
    requests: Annotated[str, typer.Option(help="The table of requests, with the entity's columns.")] = "requests",
    asked_at: Annotated[str, typer.Option(help="Its column with the moment asked about.")] = "asked_at",
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Print the SQL that joins a table of requests with a view, point-in-time and as known."""
    from noria.core.errors import NotFound
    from noria.features.dialects import dialect_of
    from noria.features.engines.model import Lookup
    from noria.features.engines.operations import features_sql
    from noria.project.load import load

    speaks = dialect_of(dialect)
    views = {one.name: one for model in load(project).plan.models for one in model.training.inputs.views}
    if view not in views:
        raise NotFound("feature view", view, views)
    text = features_sql(Lookup(views[view], views[view].entities), speaks.name, spine=requests, asked_at=asked_at)
    if json:
        say_json({"view": view, "dialect": speaks.name, "tested": speaks.checked, "sql": text})
        return
    if not speaks.checked:
        print(f"-- Untested: written from {speaks.name}'s manual and never run there.")
    print(text, end="")
