"""Suites as other tools write them: Great Expectations, Pandera, dbt."""
