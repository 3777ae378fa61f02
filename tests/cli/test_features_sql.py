"""`noria features sql`: a view of a project as SQL."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from noria.cli import features_sql
from noria.core.errors import NotFound


def run(flights, *arguments: str) -> str:
    app = typer.Typer()
    app.command("sql")(features_sql.command)
    done = CliRunner().invoke(app, [*arguments, "-C", str(flights.root)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_a_view_for_each_engine(flights) -> None:
    assert run(flights, "Airport").startswith("WITH spine AS (")
    assert '"requests" requests' in run(flights, "Airport", "--dialect", "postgres")
    assert "FROM `asks` requests" in run(flights, "Airport", "--dialect", "spark", "--requests", "asks")
    assert run(flights, "Airport", "--dialect", "bigquery").startswith("-- Untested: written from bigquery's manual")
    told = json.loads(run(flights, "Airport", "--dialect", "snowflake", "--json"))
    assert (told["view"], told["dialect"], told["tested"]) == ("Airport", "snowflake", False)


def test_names_that_there_are_not(flights) -> None:
    with pytest.raises(NotFound, match="Airport"):
        run(flights, "Airprt")
    with pytest.raises(NotFound, match="duckdb, postgresql, snowflake, spark"):
        run(flights, "Airport", "--dialect", "oracle")
