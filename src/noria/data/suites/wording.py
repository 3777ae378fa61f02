"""Expectations as sentences for people; what is not worded here is told by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noria.data.suites.model import Expectation

_SENTENCES = {
    "expect_column_values_to_not_be_null": "is never missing",
    "expect_column_values_to_be_null": "is always missing",
    "expect_column_values_to_be_unique": "is different in every row",
    "expect_column_values_to_be_in_set": "is one of {value_set}",
    "expect_column_values_to_not_be_in_set": "is none of {value_set}",
    "expect_column_values_to_match_regex": "matches /{regex}/",
    "expect_column_values_to_not_match_regex": "does not match /{regex}/",
    "expect_column_values_to_match_like_pattern": "is like {like_pattern!r}",
    "expect_column_value_lengths_to_equal": "has {value} characters",
    "expect_column_values_to_be_increasing": "rises from row to row",
    "expect_column_values_to_be_decreasing": "falls from row to row",
    "expect_column_values_to_be_of_type": "is of type {type_}",
    "expect_column_type_to_be": "is of type {type_}",
    "expect_column_values_to_be_in_type_list": "is of type {type_list}",
    "expect_column_values_to_match_strftime_format": "is a moment written as {strftime_format}",
    "expect_column_values_to_be_dateutil_parseable": "can be read as a moment",
    "expect_column_values_to_be_json_parseable": "is JSON",
    "expect_column_distinct_values_to_be_in_set": "takes only values of {value_set}",
    "expect_column_distinct_values_to_contain_set": "takes all values of {value_set}",
    "expect_column_distinct_values_to_equal_set": "takes exactly the values {value_set}",
    "expect_column_most_common_value_to_be_in_set": "is most often one of {value_set}",
    "expect_column_values_to_not_be_outliers": "has no outliers",
    "expect_column_value_z_scores_to_be_less_than": "is within {threshold} standard deviations of its mean",
    "expect_column_kl_divergence_to_be_less_than": "is distributed as expected (divergence up to {threshold})",
    "expect_column_quantile_values_to_be_between": "has its quantiles in their ranges",
    "expect_column_pair_values_to_be_equal": "{column_A} is equal to {column_B}",
    "expect_column_pair_values_a_to_be_greater_than_b": "{column_A} is greater than {column_B}",
    "expect_column_pair_values_to_be_in_set": "{column_A} and {column_B} are a known pair",
    "expect_compound_columns_to_be_unique": "{column_list} together are different in every row",
    "expect_select_column_values_to_be_unique_within_record": "{column_list} differ within each row",
    "expect_multicolumn_sum_to_equal": "{column_list} sum to {sum_total}",
    "expect_multicolumn_values_to_be_equal": "{column_list} are equal within each row",
    "expect_column_to_exist": "is there",
    "expect_table_columns_to_match_set": "the columns are {column_set}",
    "expect_table_columns_to_match_ordered_list": "the columns are {column_list}, in this order",
    "expect_table_row_count_to_equal": "there are {value} rows",
    "expect_table_column_count_to_equal": "there are {value} columns",
    "expect_column_values_to_exist_in_other_table": "is a {other_column} of {other_table_name}",
    "unexpected_rows_expectation": "the query {unexpected_rows_query} finds no row",
}
_BOUNDED = {
    "expect_column_values_to_be_between": "is", "expect_column_value_lengths_to_be_between": "has a length that is",
    "expect_column_min_to_be_between": "has a least value that is", "expect_table_row_count_to_be_between":
    "the number of rows is", "expect_table_column_count_to_be_between": "the number of columns is",
    "expect_column_max_to_be_between": "has a greatest value that is", "expect_column_mean_to_be_between":
    "has a mean that is", "expect_column_median_to_be_between": "has a median that is",
    "expect_column_sum_to_be_between": "has a sum that is", "expect_column_stdev_to_be_between":
    "has a standard deviation that is", "expect_column_unique_value_count_to_be_between":
    "has a number of distinct values that is", "expect_column_proportion_of_unique_values_to_be_between":
    "has a share of distinct values that is", "expect_column_proportion_of_non_null_values_to_be_between":
    "has a share of present values that is",
}  # fmt: skip


def sentence(expectation: Expectation) -> str:
    """The expectation in words, its column left out where it is about one.

    >>> sentence(Expectation("expect_column_values_to_be_between", {"column": "a", "min_value": 0, "mostly": 0.9}))
    'is at least 0, in at least 90% of rows'
    """
    kwargs = expectation.kwargs
    if expectation.type in _BOUNDED:
        said = f"{_BOUNDED[expectation.type]} {_bounds(kwargs)}"
    else:
        said = _formed(_SENTENCES.get(expectation.type, ""), kwargs) or _by_name(expectation.type)
    mostly = kwargs.get("mostly", 1)
    if isinstance(mostly, int | float) and mostly < 1:
        said += f", in at least {mostly:.6g}".replace(f"{mostly:.6g}", f"{mostly * 100:.6g}%") + " of rows"
    return f"{said}, where {_condition(kwargs['row_condition'])}" if kwargs.get("row_condition") else said


def _formed(form: str, kwargs: Mapping[str, Any]) -> str:
    try:
        return form.format(**{key: _shown(value) for key, value in kwargs.items()})
    except (KeyError, IndexError, ValueError, AttributeError):
        return ""


def _by_name(kind: str) -> str:
    words = kind.removeprefix("expect_").removeprefix("column_").replace("_", " ")
    return words.removeprefix("values ")


def _shown(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        listed = [str(one) for one in value[:8]]
        return ", ".join(listed) + (f" and {len(value) - 8} more" if len(value) > 8 else "")
    text = str(value)
    return text if len(text) <= 120 else text[:120] + "..."


def _bounds(kwargs: Mapping[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is not None and high is not None and not kwargs.get("strict_min") and not kwargs.get("strict_max"):
        return f"{_shown(low)}" if low == high else f"between {_shown(low)} and {_shown(high)}"
    sides = [] if low is None else [f"{'above' if kwargs.get('strict_min') else 'at least'} {_shown(low)}"]
    sides += [] if high is None else [f"{'below' if kwargs.get('strict_max') else 'at most'} {_shown(high)}"]
    return " and ".join(sides) or "within no bounds"


def _condition(given: Any) -> str:
    if not isinstance(given, Mapping):
        return _shown(given)
    column = given.get("column")
    name = column.get("name") if isinstance(column, Mapping) else column
    if given.get("type") == "nullity":
        return f"{name} is {'missing' if given.get('is_null') else 'there'}"
    if given.get("type") in ("and", "or"):
        return f" {given['type']} ".join(_condition(one) for one in given.get("conditions") or ())
    return f"{name} {given.get('operator', '')} {_shown(given.get('parameter', given.get('pass_through_filter', '')))}"
