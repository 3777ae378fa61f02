"""dbt's tests, as its `schema.yml` files say them, as suites: one for each model, seed, snapshot or source table.

dbt's own four are read (unique, not_null, accepted_values, relationships), the common ones of dbt_utils, and
those of dbt_expectations, which are called as in Great Expectations. Any other is kept and not run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from noria.data.suites.model import BadSuite, Expectation, Severity, Suite

_Kwargs = dict[str, Any]
_NAMED = re.compile(r"""(?:ref|source)\(\s*(?:["'][^"']*["']\s*,\s*)?["']([^"']+)["']\s*\)""")


def suites_of_yaml(content: str, name: str = "schema.yml") -> dict[str, Suite]:
    """The suite of each table that the file tests, by the table's name. Raises BadSuite."""
    import yaml

    try:
        document = yaml.safe_load(content)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadSuite(f"{name} is not YAML: {error}") from error
    if not isinstance(document, Mapping):
        raise BadSuite(f"{name} is no schema file of dbt", hint="it has `models:` with `columns:` and `data_tests:`")
    found = {str(table["name"]): _suite(table) for table in _tables(document) if "name" in table}
    if not found:
        raise BadSuite(f"{name} describes no model, seed, snapshot or source", hint="is it a schema file of dbt?")
    return found


def _tables(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in ("models", "seeds", "snapshots"):
        yield from _mappings(document.get(key))
    for source in _mappings(document.get("sources")):
        yield from _mappings(source.get("tables"))


def _mappings(found: Any) -> list[Mapping[str, Any]]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _suite(table: Mapping[str, Any]) -> Suite:
    found = [_expectation(test, None) for test in _tests(table)]
    for column in _mappings(table.get("columns")):
        found += [_expectation(test, str(column.get("name"))) for test in _tests(column)]
    return Suite(str(table["name"]), tuple(found), meta={"noria": {"read_from": "dbt"}})


def _tests(holder: Mapping[str, Any]) -> list[Any]:
    listed = [holder.get("data_tests"), holder.get("tests")]
    return [test for one in listed if isinstance(one, list) for test in one]


def _expectation(test: Any, column: str | None) -> Expectation:
    name, given = _named(test)
    config = given.pop("config", {})
    config = {**(config if isinstance(config, Mapping) else {}),
              **{key: given.pop(key) for key in ("severity", "where") if key in given}}  # fmt: skip
    for key in ("name", "description", "tags", "meta"):
        given.pop(key, None)
    arguments = given.pop("arguments", None)
    given |= arguments if isinstance(arguments, Mapping) else {}
    kind, kwargs = _translated(name, given, column)
    if config.get("where"):
        kwargs |= {"row_condition": str(config["where"]), "condition_parser": "duckdb"}
    severity = Severity.WARNING if str(config.get("severity", "error")).lower() == "warn" else Severity.CRITICAL
    return Expectation(kind, kwargs, severity, {"noria": {"dbt_test": name}})


def _named(test: Any) -> tuple[str, _Kwargs]:
    if isinstance(test, str):
        return test, {}
    if isinstance(test, Mapping) and "test_name" in test:
        return str(test["test_name"]), {key: value for key, value in test.items() if key != "test_name"}
    if isinstance(test, Mapping) and test:
        name, given = next(iter(test.items()))
        rest = dict(list(test.items())[1:])
        return str(name), {**(given if isinstance(given, Mapping) else {}), **rest}
    return f"{test!r:.40}", {}


def _translated(name: str, given: _Kwargs, column: str | None) -> tuple[str, _Kwargs]:
    about: _Kwargs = {} if column is None else {"column": column}
    package, _, plain = name.rpartition(".")
    if package == "dbt_expectations":
        renamed = {_DBT_EXPECTATIONS.get(key, key): value for key, value in given.items()}
        return plain, {**about, **renamed}
    translate = _TESTS.get(plain) if package in ("", "dbt", "dbt_utils") else None
    return (f"dbt_{name}", {**about, **given}) if translate is None else translate(about, given)


_DBT_EXPECTATIONS = {"type": "type_", "strictly_min": "strict_min", "column_type": "type_"}


def _other(given: Any) -> str:
    found = _NAMED.search(str(given))
    return found[1] if found else str(given)


def _accepted(about: _Kwargs, given: _Kwargs) -> tuple[str, _Kwargs]:
    return "expect_column_values_to_be_in_set", {**about, "value_set": list(given.get("values") or [])}


def _relationships(about: _Kwargs, given: _Kwargs) -> tuple[str, _Kwargs]:
    kwargs = {**about, "other_table_name": _other(given.get("to")), "other_column": str(given.get("field"))}
    return "expect_column_values_to_exist_in_other_table", kwargs


def _range(about: _Kwargs, given: _Kwargs) -> tuple[str, _Kwargs]:
    strict = given.get("inclusive", True) is False
    bounds = {key: given[key] for key in ("min_value", "max_value") if given.get(key) is not None}
    return "expect_column_values_to_be_between", {**about, **bounds, "strict_min": strict, "strict_max": strict}


def _expression(about: _Kwargs, given: _Kwargs) -> tuple[str, _Kwargs]:
    expression = str(given.get("expression")).replace("{", "{{").replace("}", "}}")
    if "column" in about:
        expression = '"' + about["column"].replace('"', '""') + '" ' + expression
    query = f"SELECT * FROM {{batch}} WHERE NOT ({expression})"
    return "unexpected_rows_expectation", {"unexpected_rows_query": query}


def _proportion(about: _Kwargs, given: _Kwargs) -> tuple[str, _Kwargs]:
    kwargs = {**about, "min_value": given.get("at_least"), "max_value": given.get("at_most", 1.0)}
    return "expect_column_proportion_of_non_null_values_to_be_between", kwargs


def _combination(_: _Kwargs, given: _Kwargs) -> tuple[str, _Kwargs]:
    columns = list(given.get("combination_of_columns") or [])
    return "expect_compound_columns_to_be_unique", {"column_list": columns, "ignore_row_if": "never"}


def _same_rows(_: _Kwargs, given: _Kwargs) -> tuple[str, _Kwargs]:
    return "expect_table_row_count_to_equal_other_table", {"other_table_name": _other(given.get("compare_model"))}


_TESTS: dict[str, Callable[[_Kwargs, _Kwargs], tuple[str, _Kwargs]]] = {
    "unique": lambda about, _: ("expect_column_values_to_be_unique", about),
    "not_null": lambda about, _: ("expect_column_values_to_not_be_null", about),
    "accepted_values": _accepted,
    "relationships": _relationships,
    "accepted_range": _range,
    "expression_is_true": _expression,
    "not_null_proportion": _proportion,
    "unique_combination_of_columns": _combination,
    "equal_rowcount": _same_rows,
    "not_accepted_values": lambda about, given: (
        "expect_column_values_to_not_be_in_set", {**about, "value_set": list(given.get("values") or [])}),
    "not_empty_string": lambda about, _: (
        "expect_column_value_lengths_to_be_between", {**about, "min_value": 1}),
    "at_least_one": lambda about, _: (
        "expect_column_unique_value_count_to_be_between", {**about, "min_value": 1}),
    "not_constant": lambda about, _: (
        "expect_column_unique_value_count_to_be_between", {**about, "min_value": 2}),
}  # fmt: skip
