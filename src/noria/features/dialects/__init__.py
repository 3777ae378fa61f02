"""The SQL of one engine each: DuckDB, PostgreSQL and Spark, which are tested; BigQuery and Snowflake, which are not."""

from __future__ import annotations

from noria.core.errors import NotFound
from noria.features.dialects.base import Dialect
from noria.features.dialects.bigquery import BigQuery
from noria.features.dialects.duckdb import DuckDb
from noria.features.dialects.postgres import Postgres
from noria.features.dialects.snowflake import Snowflake
from noria.features.dialects.spark import Spark

DIALECTS: dict[str, Dialect] = {
    one.name: one for one in (DuckDb(), Postgres(), Spark(), BigQuery(), Snowflake())
}  # fmt: skip
_ALSO = {"postgres": "postgresql"}


def dialect_of(name: str) -> Dialect:
    """The dialect of that name. Raises NotFound, which lists those there are.

    >>> dialect_of("postgres").name
    'postgresql'
    """
    found = DIALECTS.get(_ALSO.get(name, name))
    if found is None:
        raise NotFound("SQL dialect", name, DIALECTS)
    return found
