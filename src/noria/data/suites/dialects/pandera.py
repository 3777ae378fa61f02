"""Pandera's schemas and models as suites. Pandera itself is not needed: only what its objects say is read.

A check that is a function of the user's own is kept as one that is not run, under its name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from noria.data.suites.model import BadSuite, Expectation, Severity, Suite

_Found = tuple[str, dict[str, Any]]


def suite_of_schema(schema: Any, name: str = "") -> Suite:
    """The suite that a `DataFrameSchema`, or a `DataFrameModel` class, means.

    Columns that are coerced may be of any type; optional ones are checked where they are. Raises BadSuite.
    """
    convert = getattr(schema, "to_schema", None)
    if isinstance(schema, type) and callable(convert):
        schema = convert()
    columns = getattr(schema, "columns", None)
    if not isinstance(columns, Mapping):
        raise BadSuite(f"{schema!r:.60} is no Pandera schema", hint="give a DataFrameSchema or a DataFrameModel")
    found = [*_whole(schema, columns)]
    for title, column in columns.items():
        found += _column(str(title), column, coerced=bool(getattr(schema, "coerce", False)))
    found += [_own(check, {}) for check in getattr(schema, "checks", None) or ()]
    return Suite(name or str(getattr(schema, "name", None) or "schema"), tuple(found),
                 meta={"noria": {"read_from": "pandera"}})  # fmt: skip


def _whole(schema: Any, columns: Mapping[str, Any]) -> list[Expectation]:
    found = []
    if getattr(schema, "strict", False) is True:
        required = [name for name, column in columns.items() if getattr(column, "required", True)]
        kind, kwargs = "expect_table_columns_to_match_set", {"column_set": list(columns)}
        if len(required) == len(columns):
            found.append(Expectation(kind, kwargs))
    if getattr(schema, "ordered", False):
        found.append(Expectation("expect_table_columns_to_match_ordered_list", {"column_list": list(columns)}))
    together = getattr(schema, "unique", None)
    if together:
        listed = [together] if isinstance(together, str) else list(together)
        together = {"column_list": listed, "ignore_row_if": "never"}
        found.append(Expectation("expect_compound_columns_to_be_unique", together))
    return found


def _column(name: str, column: Any, *, coerced: bool) -> list[Expectation]:
    meta = {} if getattr(column, "required", True) else {"noria": {"optional": True}}
    if getattr(column, "regex", False):
        return [Expectation("pandera_regex_column", {"pattern": name})]
    found: list[Expectation] = [] if meta else [Expectation("expect_column_to_exist", {"column": name})]
    dtype = getattr(column, "dtype", None)
    if dtype is not None and not coerced and not getattr(column, "coerce", False):
        kwargs = {"column": name, "type_": str(dtype)}
        found.append(Expectation("expect_column_values_to_be_of_type", kwargs, meta=meta))
    if not getattr(column, "nullable", False):
        found.append(Expectation("expect_column_values_to_not_be_null", {"column": name}, meta=meta))
    if getattr(column, "unique", False):
        found.append(Expectation("expect_column_values_to_be_unique", {"column": name}, meta=meta))
    return [*found, *(_own(check, {"column": name}, meta) for check in getattr(column, "checks", None) or ())]


def _own(check: Any, about: Mapping[str, Any], meta: Mapping[str, Any] | None = None) -> Expectation:
    severity = Severity.WARNING if getattr(check, "raise_warning", False) else Severity.CRITICAL
    name, told = str(getattr(check, "name", None) or "check"), getattr(check, "statistics", None) or {}
    translate = _CHECKS.get(name)
    if translate is None or not told or not about:
        return Expectation(f"pandera_{name}", dict(about), severity, meta or {})
    kind, kwargs = translate(told)
    return Expectation(kind, {**about, **kwargs}, severity, meta or {})


def _between(told: Mapping[str, Any]) -> _Found:
    kwargs = {"min_value": told.get("min_value"), "max_value": told.get("max_value"),
              "strict_min": not told.get("include_min", True),
              "strict_max": not told.get("include_max", True)}  # fmt: skip
    return "expect_column_values_to_be_between", {key: value for key, value in kwargs.items() if _said(value)}


def _said(value: Any) -> bool:
    return value is not None and value is not False and not (isinstance(value, float) and math.isinf(value))


def _bound(key: str, strict: str = "") -> Callable[[Mapping[str, Any]], _Found]:
    extra = {strict: True} if strict else {}
    return lambda told: ("expect_column_values_to_be_between", {key: told[key], **extra})


def _set(kind: str, key: str) -> Callable[[Mapping[str, Any]], _Found]:
    return lambda told: (kind, {"value_set": list(told[key])})


def _regex(key: str, form: str) -> Callable[[Mapping[str, Any]], _Found]:
    def translate(told: Mapping[str, Any]) -> _Found:
        pattern = str(getattr(told[key], "pattern", told[key]))
        plain = re.escape(pattern) if "literal" in form else pattern
        return "expect_column_values_to_match_regex", {"regex": form.replace("literal", "%s").replace("%s", plain)}

    return translate


def _length(told: Mapping[str, Any]) -> _Found:
    if told.get("exact_value") is not None:
        return "expect_column_value_lengths_to_equal", {"value": told["exact_value"]}
    kwargs = {key: told.get(key) for key in ("min_value", "max_value") if told.get(key) is not None}
    return "expect_column_value_lengths_to_be_between", kwargs


_IN, _NOT_IN = "expect_column_values_to_be_in_set", "expect_column_values_to_not_be_in_set"
_CHECKS: dict[str, Callable[[Mapping[str, Any]], _Found]] = {
    "equal_to": lambda told: (_IN, {"value_set": [told["value"]]}),
    "not_equal_to": lambda told: (_NOT_IN, {"value_set": [told["value"]]}),
    "greater_than": _bound("min_value", "strict_min"),
    "greater_than_or_equal_to": _bound("min_value"),
    "less_than": _bound("max_value", "strict_max"),
    "less_than_or_equal_to": _bound("max_value"),
    "in_range": _between,
    "isin": _set(_IN, "allowed_values"),
    "notin": _set(_NOT_IN, "forbidden_values"),
    "str_matches": _regex("pattern", "^(?:%s)"),
    "str_contains": _regex("pattern", "%s"),
    "str_startswith": _regex("string", "^literal"),
    "str_endswith": _regex("string", "literal$"),
    "str_length": _length,
    "unique_values_eq": _set("expect_column_distinct_values_to_equal_set", "values"),
}
